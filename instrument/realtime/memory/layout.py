"""The records of the shared memory, and who writes which field.

Who writes what (every field has one writer, so nothing needs a lock):

=================  ==========================  ===================================================
field              writer                      readers
=================  ==========================  ===================================================
``midi_ring``      engine's MIDI thread        kernel
``engine_ring``    engine's MIDI thread        kernel
``control_ring``   control                     kernel
``partner_ring``   partner                     kernel
``panel_ring``     panel                       kernel
``banks``          control, models             kernel, at note-on
``key_semitones``  control, before it starts   kernel, at note-on
``tunings``        kernel, told by SysEx       kernel, at note-on
``parts``          control                     kernel, at every message
``preset_banks``   control, before it starts   control, engine
``slots``, tones   models                      kernel
``streams``        kernel; models: the answer  models, kernel
``log_ring``       kernel                      control, partner (what is played); tests
``out_ring``       kernel                      JACK's callback, or the engine's MIDI thread
``record_ring``    kernel                      control (``--record``)
``request_ring``   kernel                      control (program changes)
``wanted``         kernel                      models (what to render next)
``meters``         kernel and its callback     everyone
``heartbeats``     each process its own        the one that supervises it
``rack``           see `memory.aux_memory`   kernel, rack
``channels`` …     kernel                      everyone, for looking only
=================  ==========================  ===================================================

Publishing order: an array first, then the counter that announces it (`frames_ready`, a ring's
`head`). x86 keeps that order by itself; the kernel adds the fences that ARM needs. Python offers no
fence of its own: there, the interpreter's own atomics between two statements serve as one.
"""

from __future__ import annotations

from typing import Final

from instrument.realtime.memory.aux_memory import RACK
from instrument.realtime.memory.constants import (
    BANK_COUNT,
    CHANNEL_COUNT,
    ENGINE_EVENTS,
    GROUP_COUNT,
    KEY_COUNT,
    LANE_COUNT,
    LANES,
    LAYER_COUNT,
    LFO_COUNT,
    LOG_EVENTS,
    MOST_PARTS,
    MOST_ROUTES,
    PITCH_COUNT,
    PROCESS_COUNT,
    RECORD_FRAMES,
    REQUEST_EVENTS,
    RING_EVENTS,
    SLOPE_FRAMES,
    SOURCE_COUNT,
    STREAM_COUNT,
    TARGET_COUNT,
    TICK_FRAMES,
    TUNING_COUNT,
)
from instrument.realtime.memory.effect_memory import CHAIN, SOUND_FIELDS
from instrument.realtime.memory.event_ring import EVENT, MESSAGE
from instrument.realtime.memory.meters import HEARTBEAT, METERS
from instrument.realtime.memory.midi_memory import BYTE_STREAM, CHANNEL, KEY, PART
from instrument.realtime.memory.records import record, ring
from instrument.realtime.memory.voice_memory import VOICE

LOG = record(("head", "i8"), ("events", EVENT, (LOG_EVENTS,)))
RECORDING = record(("head", "i8"), ("audio", "f4", (RECORD_FRAMES, 2)))  # head counts frames

SOUND = record(
    ("attack_seconds", "f4"),  # amplitude 0 to 1, linear
    ("decay_seconds", "f4"),  # 1 to sustain_level, to within 1/1000 of the way
    ("sustain_level", "f4"),  # 0..1
    ("release_seconds", "f4"),  # time to fall by 60 dB
    ("cutoff_hz", "f4"),  # at pitch 60 and velocity 127; 20000 and above = open
    ("resonance", "f4"),  # 0 (Butterworth, no peak) .. 1 (strong peak, still stable)
    ("cutoff_key_track", "f4"),  # octaves of cut-off per octave of pitch
    ("cutoff_velocity_octaves", "f4"),  # how far velocity 1 closes the filter
    ("cutoff_envelope_octaves", "f4"),  # where a note's cut-off comes from, above its own
    ("cutoff_decay_seconds", "f4"),  # until it has come 99.9 % of the way
    ("velocity_to_gain", "f4"),  # 0 = velocity changes no level .. 1 = all of it
    ("velocity_curve", "f4"),  # exponent of level over velocity / 127; 2 = square law
    ("gain_db", "f4"),
    ("pan", "f4"),  # -1 left .. 1 right, constant power
    ("variation", "f4"),  # 0..1: how much one strike differs from the next (`variation`)
    ("drift", "f4"),  # 0..1: how far a held note wanders (`variation`)
    ("stereo_width", "f4"),  # 0..1: how far low keys sit left and high keys right
    ("vibrato_rate_hz", "f4"),
    ("vibrato_depth_cents", "f4"),  # at mod wheel 127
    ("vibrato_share", "f4"),  # 0..1: how much of it comes by itself
    ("vibrato_delay_seconds", "f4"),  # when; it swells for as long again
    ("bend_range_semitones", "f4"),  # until an RPN 0 says otherwise
    ("pressure_target", "i4"),  # one of PRESSURE_*
    ("loop", "i4"),  # 0: play slots to their end even if they have loop points
    ("streams", "i4"),  # 1: held notes go on being rendered, and loop only until that is there
    ("slides", "i4"),  # 1: the slide of a note of its own channel moves its timbre
    ("playing_mode", "i4"),  # POLY, MONO or LEGATO
    ("key_priority", "i4"),  # LAST_KEY, HIGHEST_KEY or LOWEST_KEY
    ("glide_when", "i4"),  # NEVER, OVERLAPPING or ALWAYS
    ("glide_is_rate", "i4"),  # 1: glide_seconds are for an octave, not for the whole way
    ("glide_seconds", "f4"),
    ("transpose_semitones", "f4"),
    ("unison", "i4"),  # voices per note, 1..MOST_UNISON; 0 = 1
    ("unison_gain", "f4"),  # of each of them
    ("unison_detune_cents", "f4"),  # of the outermost
    ("unison_spread", "f4"),  # 0..1: how far apart they stand
    ("lfo_shape", "i4", (LFO_COUNT,)),  # SINE, TRIANGLE, SAW, SQUARE, STEPS or WANDER
    ("lfo_is_common", "i4", (LFO_COUNT,)),  # 0: each voice has its own, from its start on
    ("lfo_rate_hz", "f4", (LFO_COUNT,)),
    ("lfo_beats", "f4", (LFO_COUNT,)),  # of one turn; 0: the rate counts
    ("lfo_delay_seconds", "f4", (LFO_COUNT,)),  # then it swells for as long again
    ("lfo_depth", "f4", (LFO_COUNT,)),  # 0..1, to which routes may add
    ("route_count", "i4"),
    ("route_source", "i4", (MOST_ROUTES,)),
    ("route_target", "i4", (MOST_ROUTES,)),
    ("route_amount", "f4", (MOST_ROUTES,)),  # dB, 1, octaves, semitones, 1, 1
    *SOUND_FIELDS,  # its effects
)

SLOT = record(
    ("frames_ready", "i8"),  # published last; 0 = nothing there
    ("frames_whole", "i8"),  # frames that the slot will have once complete
    ("loop_start", "i4"),
    ("loop_end", "i4"),  # 0 = no loop; the cross-fade is baked in by the writer
    ("loop_decay_per_frame", "f4"),  # level per frame from loop_start on; 1 = steady
    ("gain", "f4"),
)

# A held note that goes on being rendered. Its frames are counted from the note's first one and lie
# in the ring at their number modulo its length.
STREAM = record(
    ("request", "i8"),  # grows with every note that takes it; published last
    ("holders", "i4"),  # lanes that read it or will; 0 = free
    ("slides", "i4"),  # 1: it has what a slide all the way up adds to the note
    ("bank", "i4"),
    ("pitch", "i4"),  # of the slot that the note began with
    ("drift", "f4"),  # 0..1: how much it wanders
    ("soft_weight", "f4"),
    ("loud_weight", "f4"),
    ("number", "i8"),  # the voice's, which its noise is drawn from
    ("joins_at", "i8"),  # the frame at which it follows the slot
    ("position", "i8"),  # where the note is now; frames before are not needed any more
    ("answered", "i8"),  # the models process: the request that what follows belongs to
    ("first_frame", "i8"),
    ("frames_ready", "i8"),  # frames from the first one up to here are there
)


_LANES_F4 = ("f4", (GROUP_COUNT, LANES))

STATE = record(
    ("magic", "i8"),
    ("format", "i8"),
    ("rate_hz", "f8"),  # 0 until the engine has opened its device
    ("slot_frames", "i8"),  # frames that a slot can hold
    ("slot_stride", "i8"),  # frames from one slot of the pool to the next
    ("bank_addresses", "u8", (BANK_COUNT,)),  # in the engine's own address space
    ("bank_strides", "i8", (BANK_COUNT,)),  # frames from one slot of the bank to the next
    ("stream_address", "u8"),  # likewise; 0 = nobody streams, so notes loop
    ("stream_stride", "i8"),  # frames from one ring to the next
    ("clock", "i8"),  # frames rendered so far
    ("channel_mask", "i8"),  # bit c: channel c is heard
    ("playing", "i8"),  # 0 until the sink runs
    ("stopped", "i8"),  # set when FADE_OUT has reached silence
    ("server_is_gone", "i8"),  # the audio server shut down
    ("heartbeats", HEARTBEAT, (PROCESS_COUNT,)),
    # -- callbacks: function addresses and ports of this process, the audio clock
    ("process_block", "u8"),
    ("clock_function", "u8"),
    ("jack_port_get_buffer", "u8"),
    ("jack_midi_get_event_count", "u8"),
    ("jack_midi_event_get", "u8"),
    ("jack_out_left", "u8"),
    ("jack_out_right", "u8"),
    ("jack_part_outs", "u8", (MOST_PARTS - 1, 2)),  # of the second part and those after it
    ("jack_midi_in", "u8"),
    ("jack_midi_out", "u8"),  # 0: somebody else reads `out_ring`
    ("jack_midi_clear_buffer", "u8"),
    ("jack_midi_event_write", "u8"),
    ("jack_client", "u8"),
    ("jack_port_by_id", "u8"),
    ("jack_changes", "i8"),  # ports that came or went, cables that were plugged or pulled
    ("jack_losses", "i8"),  # cables that were pulled out of `jack_midi_in`
    ("jack_bytes", BYTE_STREAM),
    ("midi_event", "u8", (4,)),  # jack_midi_event_t
    ("midi_bytes", "u1", (8,)),  # the message that is being written
    ("clock_id", "i8"),  # of clock_gettime; -1: QueryPerformanceCounter
    ("clock_ticks_per_second", "f8"),
    ("clock_scratch", "i8", (2,)),
    ("clock_sequence", "i8"),  # odd while the next five change
    ("clock_frame", "i8"),  # the stream frame that the present block begins with,
    ("clock_ns", "f8"),  # and when it began, smoothed
    ("clock_next_ns", "f8"),
    ("clock_block_ns", "f8"),  # smoothed length of a block
    ("clock_block_frames", "i8"),
    # -- what goes out again
    ("goes_through", "i8"),  # 1: what hands play goes to the MIDI output too
    ("echo_frames", "i8"),  # a note that comes back so soon after it went out is not heard
    ("sent_frame", "i8", (128,)),  # when each pitch was last sent, and how strongly
    ("sent_velocity", "u1", (128,)),
    # -- master
    ("master_gain", "f4"),
    ("master_target", "f4"),
    ("master_volume", "f4"),  # what system exclusive makes of it
    ("fade_out", "f4"),  # 1 = playing
    ("fade_out_step", "f4"),
    ("limiter_gain", "f4"),
    ("limiter_target", "f4"),  # reached at the next tick
    ("limiter_step", "f4"),  # per frame
    ("cell_peak", "f4"),
    ("true_peak_is_wanted", "i4"),  # a sound with glue plays: peaks between samples count
    ("past_left", "f4", (16,)),  # the last frames before the limiter
    ("past_right", "f4", (16,)),
    ("block_peak", "f4"),
    ("sounding_groups", "i8", (GROUP_COUNT,)),  # voices in each group of lanes
    ("group_bank", "i8", (GROUP_COUNT,)),  # whose voices they are
    ("tempo", "f8"),  # beats per minute, for what keeps time
    ("tempo_tick_frame", "i8"),  # when the last tick of a MIDI clock came
    ("tempo_tick_frames", "f8"),  # frames between two of them, smoothed
    ("lfo_turns", "f8", (BANK_COUNT, LFO_COUNT)),  # of those that voices share
    ("lfo_step", "f8", (BANK_COUNT, LFO_COUNT)),  # turns per tick
    ("wants", "f4", (TARGET_COUNT,)),  # where routes want a voice that is being moved
    ("bank_count", "i8", (BANK_COUNT,)),
    ("key_semitones", "f8", (KEY_COUNT,)),  # what each key sounds, 69 = 440 Hz
    ("is_retuned", "u1", (TUNING_COUNT,)),  # tuning programs with a key that was told otherwise:
    ("tunings", "i4", (TUNING_COUNT, KEY_COUNT)),  # 1 + its pitch in 1/16384 semitone; 0 = not told
    ("master_tune", "f4"),  # semitones, of all channels but the drums'
    ("master_fine", "f4"),  # its two halves
    ("master_coarse", "f4"),
    ("channels", CHANNEL, (CHANNEL_COUNT,)),
    ("preset_banks", "i8"),  # how many banks there are for presets
    ("part_count", "i8"),  # 0: every channel plays its own bank
    ("parts", PART, (MOST_PARTS,)),
    ("part_pairs", "i8"),  # parts beyond the first with outputs of their own; 0: all leave together
    ("part_buffers", "u8", (MOST_PARTS - 1, 2)),  # where the device wants them in this block
    ("bank_pair", "i8", (BANK_COUNT,)),  # which of them a bank leaves by; 0 = the main one
    ("part_out", "f4", (MOST_PARTS - 1, 2, TICK_FRAMES)),
    # -- whose hands are on which keys
    ("strikes", "i8"),  # note-ons so far
    ("keys", KEY, (CHANNEL_COUNT, KEY_COUNT)),
    ("held_by", "u1", (SOURCE_COUNT, CHANNEL_COUNT, KEY_COUNT)),  # the same, by source
    ("sensed_count", "i8"),  # sources that send active sensing
    ("is_sensed", "u1", (SOURCE_COUNT,)),
    ("heard_frame", "i8", (SOURCE_COUNT,)),  # when they were last heard
    ("made", EVENT),  # a message that the kernel writes itself
    ("banks", SOUND, (BANK_COUNT,)),
    ("slots", SLOT, (BANK_COUNT, LAYER_COUNT, PITCH_COUNT)),
    ("wanted", "i8", (BANK_COUNT, PITCH_COUNT)),  # frame of the last strike while cold; 0 = never
    ("streams", STREAM, (STREAM_COUNT,)),
    ("meters", METERS),
    ("voices", VOICE, (LANE_COUNT,)),
    # -- the mixer's lanes
    ("low_1", *_LANES_F4),  # the filter's two integrators
    ("low_2", *_LANES_F4),
    ("filter_1", *_LANES_F4),  # its three coefficients
    ("filter_2", *_LANES_F4),
    ("filter_3", *_LANES_F4),
    ("bypass", *_LANES_F4),  # 1 = open filter
    ("gain_left", *_LANES_F4),
    ("gain_right", *_LANES_F4),
    ("step_left", *_LANES_F4),  # per frame
    ("step_right", *_LANES_F4),
    ("lane_peak", *_LANES_F4),
    ("chains", CHAIN, (BANK_COUNT,)),  # effects
    ("bus_left", "f4", (TICK_FRAMES,)),  # one bank's sound
    ("bus_right", "f4", (TICK_FRAMES,)),
    ("out_left", "f4", (TICK_FRAMES,)),  # all banks' sound
    ("out_right", "f4", (TICK_FRAMES,)),
    ("tile", "f4", (TICK_FRAMES, LANES)),
    ("mix_left", "f4", (TICK_FRAMES, LANES)),
    ("mix_right", "f4", (TICK_FRAMES, LANES)),
    (
        "slope",
        "f4",
        (SLOPE_FRAMES + 2 * LANES,),
    ),  # the stretch of source that a voice reads in one tick
    ("linear", "f4", (SLOPE_FRAMES + 2 * LANES,)),  # and the cubics between its frames
    ("square", "f4", (SLOPE_FRAMES + 2 * LANES,)),
    ("cubic", "f4", (SLOPE_FRAMES + 2 * LANES,)),
    ("pending_count", "i8"),
    ("pending", EVENT, (RING_EVENTS,)),
    ("midi_ring", ring(MESSAGE, RING_EVENTS)),
    ("engine_ring", ring(EVENT, ENGINE_EVENTS)),
    ("control_ring", ring(EVENT, RING_EVENTS)),
    ("partner_ring", ring(MESSAGE, RING_EVENTS)),
    ("panel_ring", ring(MESSAGE, RING_EVENTS)),
    ("out_ring", ring(MESSAGE, RING_EVENTS)),
    ("request_ring", ring(MESSAGE, REQUEST_EVENTS)),
    ("log_ring", LOG),
    ("record_ring", RECORDING),
    ("rack", RACK),
)


OUTLIVES_THE_ENGINE: Final = {
    *("magic", "format", "rate_hz", "slot_frames", "slot_stride", "clock", "heartbeats"),
    *(
        "stream_stride",
        "channel_mask",
        "goes_through",
        "echo_frames",
        "master_gain",
        "master_target",
    ),
    *(
        "channels",
        "preset_banks",
        "part_count",
        "parts",
        *("key_semitones", "is_retuned", "tunings"),
        *("master_tune", "master_fine", "master_coarse", "master_volume"),
        "banks",
        "slots",
        "wanted",
        "meters",
        "rack",
    ),
    *(name for name in STATE.names or () if name.endswith("_ring")),
}
"""Fields that an engine takes over from one that died."""
