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
``parts``          control                     kernel, at every message
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

from typing import Any, Final

import numpy as np

from instrument.realtime.effects.memory import CHAIN, SOUND_FIELDS
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
)
from instrument.realtime.memory.event_ring import (
    EVENT,
    MESSAGE,
)


def _record(*fields: tuple[Any, ...]) -> np.dtype[np.void]:
    return np.dtype(list(fields), align=True)


def _ring(entry: np.dtype[np.void], count: int) -> np.dtype[np.void]:
    return _record(("head", "i8"), ("tail", "i8"), ("dropped", "i8"), ("events", entry, (count,)))


LOG = _record(("head", "i8"), ("events", EVENT, (LOG_EVENTS,)))
RECORDING = _record(("head", "i8"), ("audio", "f4", (RECORD_FRAMES, 2)))  # head counts frames

SOUND = _record(
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
    ("variation", "f4"),  # 0..1: how much one strike differs from the next (realtime.variation)
    ("drift", "f4"),  # 0..1: how far a held note wanders (realtime.variation)
    ("stereo_width", "f4"),  # 0..1: how far low keys sit left and high keys right
    ("vibrato_rate_hz", "f4"),
    ("vibrato_depth_cents", "f4"),  # at mod wheel 127
    ("vibrato_share", "f4"),  # 0..1: how much of it comes by itself
    ("vibrato_delay_seconds", "f4"),  # when; it swells for as long again
    ("bend_range_semitones", "f4"),  # until an RPN 0 says otherwise
    ("pressure_target", "i4"),  # one of PRESSURE_*
    ("loop", "i4"),  # 0: play slots to their end even if they have loop points
    ("streams", "i4"),  # 1: held notes go on being rendered, and loop only until that is there
    ("slides", "i4"),  # 1: the slide of a note of its own channel moves its timbre (realtime.slide)
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
    ("lfo_shape", "i4", (LFO_COUNT,)),  # SINE, TRIANGLE, SAW, SQUARE or STEPS
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

SLOT = _record(
    ("frames_ready", "i8"),  # published last; 0 = nothing there
    ("frames_whole", "i8"),  # frames that the slot will have once complete
    ("loop_start", "i4"),
    ("loop_end", "i4"),  # 0 = no loop; the cross-fade is baked in by the writer
    ("loop_decay_per_frame", "f4"),  # level per frame from loop_start on; 1 = steady
    ("gain", "f4"),
)

# A held note that goes on being rendered. Its frames are counted from the note's first one and lie
# in the ring at their number modulo its length.
STREAM = _record(
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

# All times are `time.monotonic_ns`, which is one clock for all processes.
HEARTBEAT = _record(
    ("beat_ns", "i8"),  # when it last showed that it runs
    ("patience_ns", "i8"),  # how long it may be silent at present
    ("works_since_ns", "i8"),  # when it began what it is doing; 0 = it waits for something to do
    ("limit_ns", "i8"),  # how long that may take
)

METERS = _record(
    ("blocks", "i8"),
    ("active_voices", "i8"),  # sounding, fading ones not counted
    ("fading_voices", "i8"),
    ("stolen_voices", "i8"),
    ("cut_steals", "i8"),  # steals without a free lane to fade on: these may click
    ("starved_voices", "i8"),  # ran into the end of a note that was still being rendered
    ("late_streams", "i8"),  # held notes that looped because their stream was not there in time
    ("streams", "i8"),  # held notes that are being streamed
    ("late_racks", "i8"),  # times that the rack's return was not there, and faded
    ("stand_ins", "i8"),  # notes that started on a neighbour's slot
    ("underruns", "i8"),  # counted by the device, or xruns by the server
    ("stray_bytes", "i8"),  # bytes and messages from outside that are no MIDI
    ("late_events", "i8"),  # came after their frame had passed
    ("lost_events", "i8"),  # came while the queue of due events was full
    ("invalid_samples", "i8"),  # NaN or infinite, replaced by silence
    ("limited_frames", "i8"),  # frames on which the limiter changed the sound
    ("callback_ns_last", "i8"),
    ("callback_ns_max", "i8"),  # writers of other processes may set it to 0
    ("callback_ns_sum", "i8"),  # over `blocks`
    ("last_event_frame", "i8"),  # when the last event was applied
    ("last_sound_frame", "i8"),  # when the output was last above -80 dB
    ("peak", "f4"),  # of the last block, after the limiter
    ("limiter_gain", "f4"),  # 1 = not limiting
    ("bank_voices", "i8", (BANK_COUNT,)),  # voices reading each bank, and 1 while its effects ring
)

CHANNEL = _record(
    ("bank", "i4"),  # which bank new notes take
    ("sustain", "i4"),  # CC 64, 0..127
    ("sostenuto", "i4"),
    ("soft", "i4"),
    ("bend", "i4"),  # -8192..8191
    ("parameter", "i4"),  # selected RPN, or -1
    ("parameter_high", "i4"),  # as CC 101 and 100 gave it; 127 = not given
    ("parameter_low", "i4"),
    ("fine_tune_high", "i4"),
    ("fine_tune_low", "i4"),
    ("bend_range_given", "i4"),  # an RPN 0 has set the range: presets leave it alone
    ("bank_select", "i4"),
    ("volume", "i4"),
    ("expression", "i4"),
    ("pan", "i4"),
    ("modulation", "i4"),
    ("brightness", "i4"),  # CC 74, 64 = as the preset says
    ("pressure", "i4"),
    ("bend_range", "f4"),  # semitones
    ("coarse_tune", "f4"),  # semitones, RPN 2
    ("fine_tune", "f4"),  # semitones, RPN 1
    ("release_stretch", "f4"),  # half pedal: how much longer releases last
    ("level", "f4"),  # smoothed from here on, once per tick
    ("balance", "f4"),
    ("vibrato", "f4"),
    ("cutoff_octaves", "f4"),
    ("bend_semitones", "f4"),
    ("rested", "i4"),
    ("settled", "i4"),  # every smoothed value has arrived
    ("master", "i4"),  # whose controllers act here too: its MPE zone's master, or itself
    ("is_mono", "i4"),  # CC 126
    ("portamento", "i4"),  # CC 65, or NOT_GIVEN: as the preset says
    ("portamento_time", "i4"),  # CC 5, or NOT_GIVEN
    ("glides_from", "i4"),  # CC 84: the key that the next note comes from, or NOT_GIVEN
    ("has_played", "i4"),
    ("last_semitones", "f4"),  # what the last note of the channel, or of its zone, sounded
    ("pedal_source", "i4"),  # who has moved a pedal last
    ("felt_pressure", "i4"),  # its own or its master's
    ("controllers", "i4", (120,)),  # as they were last moved
    ("part_gain", "f4"),  # of the part that plays here
)

# One of several sounds under one pair of hands.
PART = _record(
    ("hears", "i4"),  # bit c: what is played on channel c; 0 = nothing yet
    ("plays", "i4"),  # on this channel, with its bank and its controllers
    ("lowest_key", "i4"),
    ("highest_key", "i4"),
    ("lowest_velocity", "i4"),
    ("highest_velocity", "i4"),
    ("gain", "f4"),
)

KEY = _record(
    ("held", "i4"),  # note-ons without their note-off yet
    ("velocity", "i4"),  # of the last one
    ("struck", "i8"),  # its number (`strikes`)
)

# Bytes on their way to becoming messages: what `realtime.byte_stream.ByteStream` is in Python.
BYTE_STREAM = _record(
    ("status", "i4"),
    ("data1", "i4"),
    ("needed", "i4"),  # data bytes that are still to come
    ("is_exclusive", "i4"),
    ("exclusive_bytes", "i8"),
    ("exclusive_head", "i8"),  # the first eight of them
    ("made_data1", "i4"),
    ("made_data2", "i4"),
    ("stray_bytes", "i8"),
)

VOICE = _record(
    ("position", "i8"),  # in the slot, 32.32 fixed point frames
    ("increment", "i8"),  # the same, per output frame
    ("start_frame", "i8"),
    ("ticked_at", "i8"),  # the frame of the last tick it has lived through
    ("stage", "i4"),
    ("channel", "i4"),
    ("key", "i4"),  # which holds it
    ("pitch", "i4"),  # the whole semitone that it sounds
    ("velocity", "i4"),
    ("bank", "i4"),
    ("source_pitch", "i4"),  # the slot that is being read
    ("source_bank", "i4"),
    ("key_is_down", "i4"),
    ("pedal_holds", "i4"),
    ("sostenuto_holds", "i4"),
    ("release_is_due", "i4"),  # let go before it had sounded for the shortest time
    ("is_stand_in", "i4"),
    ("is_fading", "i4"),  # a ghost: lets go of its lane when its fade is over
    ("loops", "i4"),
    ("is_looping", "i4"),  # is past the loop's start, from where on it dies away
    ("pressure", "i4"),
    ("pressure_target", "i4"),
    ("source_is_whole", "i4"),
    ("pitch_is_due", "i4"),  # must be computed again at the next aim
    ("filter_is_due", "i4"),
    ("pan_is_due", "i4"),
    ("envelope", "f4"),  # where the gain's line is going, reached at the next tick
    ("envelope_step", "f4"),  # per frame
    ("attack_step", "f4"),
    ("decay_keep", "f4"),
    ("sustain_level", "f4"),
    ("release_octaves", "f4"),  # log2 of the level, per frame
    ("release_keep", "f4"),
    ("fade", "f4"),  # 0..1; the gain is its quarter sine
    ("fade_step", "f4"),
    ("fade_is_straight", "i4"),  # the gain is the fade itself: between two alike
    ("loop_level", "f4"),
    ("loop_keep", "f4"),
    ("soft_weight", "f4"),
    ("loud_weight", "f4"),
    ("gain", "f4"),
    ("pan", "f4"),
    ("detune", "f4"),  # semitones, by variation and unison
    ("number", "i8"),  # what it draws from
    ("stream", "i4"),  # its number + 1; 0 = none
    ("reads_stream", "i4"),  # and no slot any more
    ("stream_is_late", "i4"),
    ("slide_stream", "i4"),  # the stream of its slide + 1; 0 = none
    ("slide_is_late", "i4"),
    ("slide_begins", "i8"),  # at this frame of the note
    ("slide_wanted", "f4"),  # 0..1
    ("slide", "f4"),  # how far it has come, at the next tick
    ("slide_from", "f4"),  # at the last one,
    ("slide_at", "i8"),  # which was at this frame of the note;
    ("slide_step", "f4"),  # and per frame from there on
    ("wrapped", "i8"),  # frames of whole loops that were taken off `position`
    ("drift_amount", "f4"),
    ("drift", "f4"),  # semitones
    ("drift_step", "f4"),  # per tick
    ("sway", "f4"),  # of level, as a share of it
    ("sway_step", "f4"),
    ("drift_ticks", "i4"),  # left on this line
    ("drift_lines", "i4"),  # drawn so far
    ("fine", "f4"),  # semitones that its key's tuning adds to `pitch`
    ("glide", "f4"),  # semitones still to go, from the note before
    ("glide_step", "f4"),  # semitones per tick, towards 0
    ("tuning", "f4"),  # semitones from the source's pitch to the voice's
    ("pan_left", "f4"),
    ("pan_right", "f4"),
    ("felt_velocity", "f4"),  # after the soft pedal
    ("cutoff_hz", "f4"),
    ("cutoff_octaves", "f4"),  # key, velocity and soft pedal
    ("missing_layer_octaves", "f4"),
    ("aimed_octaves", "f4"),  # what the channel added when the filter was last computed
    ("resonance", "f4"),
    ("lfo_phase", "f4"),  # turns
    ("lfo_step", "f4"),  # turns per tick
    ("vibrato_share", "f4"),  # of the depth, by itself
    ("vibrato_delay_frames", "f4"),
    ("envelope_octaves", "f4"),  # of cut-off, still to go
    ("envelope_octaves_keep", "f4"),  # per tick
    ("vibrato_semitones", "f4"),
    ("loudness", "f4"),  # peak, falling by half in 23 ms
    ("lfo_turns", "f8", (LFO_COUNT,)),  # since it started
    ("struck", "f4"),  # 1, falling as the filter's envelope does
    ("is_moved", "i4"),  # by its bank's routes
    ("moved", "f4", (TARGET_COUNT,)),  # how far: dB, 1, octaves, semitones, 1, 1
)

_LANES_F4 = ("f4", (GROUP_COUNT, LANES))

STATE = _record(
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
    ("channels", CHANNEL, (CHANNEL_COUNT,)),
    ("part_count", "i8"),  # 0: every channel plays its own bank
    ("parts", PART, (MOST_PARTS,)),
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
    ("midi_ring", _ring(MESSAGE, RING_EVENTS)),
    ("engine_ring", _ring(EVENT, ENGINE_EVENTS)),
    ("control_ring", _ring(EVENT, RING_EVENTS)),
    ("partner_ring", _ring(MESSAGE, RING_EVENTS)),
    ("panel_ring", _ring(MESSAGE, RING_EVENTS)),
    ("out_ring", _ring(MESSAGE, RING_EVENTS)),
    ("request_ring", _ring(MESSAGE, REQUEST_EVENTS)),
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
        "part_count",
        "parts",
        "key_semitones",
        "banks",
        "slots",
        "wanted",
        "meters",
        "rack",
    ),
    *(name for name in STATE.names or () if name.endswith("_ring")),
}
"""Fields that an engine takes over from one that died."""
