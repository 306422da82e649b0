"""The engine's memory: one flat block and one pool of rendered tones, shared by three processes.

``SESSION_DIR/state.bin`` is one record of `STATE` (below): rings, parameters, voices, meters.
``SESSION_DIR/tones.bin`` is the tone pool: float32 mono audio at the device's rate, on a fixed grid
``(bank, layer, pitch - LOWEST_PITCH, frame)``. ``SESSION_DIR/streams.bin`` has float32 rings for
held notes that go on being rendered (`realtime.stream`). All are plain files that every process
maps, so there is nothing to clean up but the folder. The kernel reads the very same bytes through
numba, which is why everything that runs on the audio thread is declared here.

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
``rack``           see `realtime.aux_memory`   kernel, rack
``channels`` …     kernel                      everyone, for looking only
=================  ==========================  ===================================================

Publishing order: an array first, then the counter that announces it (`frames_ready`, a ring's
`head`). x86 keeps that order by itself; the kernel adds the fences that ARM needs. Python offers no
fence of its own: there, the interpreter's own atomics between two statements serve as one.

This module imports neither numba nor llvmlite, so control and models attach in milliseconds.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from instrument.realtime.aux_memory import RACK, at_rest
from instrument.realtime.byte_stream import ByteStream
from instrument.realtime.effects.memory import AT_REST, CHAIN, SOUND_FIELDS
from instrument.realtime.event_ring import EVENT, MESSAGE, CommandRing, EventRing, HistoryReader

FORMAT: Final = 9
MAGIC: Final = 0x6C6B6579  # "lkey"

POLYPHONY: Final = 128  # notes that sound at once
STREAM_COUNT: Final = 48  # held notes that can go on being rendered
STREAM_CHUNKS: Final = 4  # that a ring holds
CHUNK_SECONDS: Final = 0.5  # of a stream, rendered at once

LANES: Final = 16  # voices that the mixer advances together, one per SIMD lane
LANE_COUNT: Final = 2 * POLYPHONY  # as many again, for voices that only fade out
GROUP_COUNT: Final = LANE_COUNT // LANES
TICK_FRAMES: Final = 32  # the control rate's grid, on absolute frames: 0.67 ms at 48 kHz

CHANNEL_COUNT: Final = 16
KEY_COUNT: Final = 128
BANK_COUNT: Final = 5
BUILT_IN_BANK: Final = 0  # the plain tone that sounds when no preset is there yet
KIT_BANK: Final = BANK_COUNT - 1  # the drums of MIDI files
PRESET_BANKS: Final = range(BUILT_IN_BANK + 1, KIT_BANK)
LAYER_COUNT: Final = 2
SOFT, LOUD = 0, 1  # layers
SOFT_VELOCITY: Final = 40  # the velocities that the two layers are rendered at
LOUD_VELOCITY: Final = 115
LOWEST_PITCH: Final = 21
HIGHEST_PITCH: Final = 108
PITCH_COUNT: Final = HIGHEST_PITCH - LOWEST_PITCH + 1

RING_EVENTS: Final = 4096
LOG_EVENTS: Final = 65536
REQUEST_EVENTS: Final = 256
ENGINE_EVENTS: Final = 256
RECORD_FRAMES: Final = 1 << 20  # 21.8 s at 48 kHz
PAGE_FRAMES: Final = mmap.PAGESIZE // 4  # float32
LINE_FRAMES: Final = 16  # one cache line of 64 bytes
FARTHEST_WHOLE: Final = 12  # semitones a whole slot may be resampled by before the tone is better
SLOPE_FRAMES: Final = 560  # source frames that one tick can read: rate up to 17 and the taps

# Commands (`command` of an event). MIDI has no way to say one: only `CommandRing` carries them.
USE_BANK: Final = 1  # data1 = bank, data2 = channel or ALL_CHANNELS
PANIC: Final = 2  # every voice ends within 5 ms, every controller returns to its default
FADE_OUT: Final = 3  # the master fades to silence in 30 ms, then `stopped` is set
FADE_BANK: Final = 4  # data1 = bank: its voices end within 30 ms, so that it can be overwritten
MASTER_GAIN: Final = 5  # value = gain in hundredths of a dB
CARRY_BANK: Final = 7  # data1 = bank: notes on it go over to data2 and cross-fade to its tones
LET_GO: Final = 6  # data1 = source: an input is gone, and with it the hands on it
TEMPO: Final = 8  # value = hundredths of a beat per minute
ALL_CHANNELS: Final = 127

# Where a MIDI message of a ring goes (its `value`).
TO_VOICES: Final = 0
TO_OUT: Final = 1  # to the MIDI output, at its frame
AS_IT_IS: Final = 2  # to the voices of its own channel, past the parts

CLOCK_TICK: Final = 0xF8  # the first of MIDI's real-time messages

# Who sent a message (`source`): the virtual port or JACK's, keyboards, the panel, control,
# the partner.
OUR_SOURCE: Final = 0
FIRST_KEYBOARD: Final = 1
LAST_KEYBOARD: Final = 28
PANEL_SOURCE: Final = 29
CONTROL_SOURCE: Final = 30
PARTNER_SOURCE: Final = 31
SOURCE_COUNT: Final = 32

# Whose heartbeat (`heartbeats`).
ENGINE_BEATS, MODELS_BEATS, PARTNER_BEATS, CONTROL_BEATS, PANEL_BEATS, RACK_BEATS = range(6)
PROCESS_COUNT: Final = 8

# What a voice is doing (`voices.stage`).
FREE, ATTACK, DECAY, RELEASE = 0, 1, 2, 3

# What channel and key pressure play (`pressure_target` of a bank).
PRESSURE_NOTHING, PRESSURE_VIBRATO, PRESSURE_CUTOFF, PRESSURE_LEVEL = 0, 1, 2, 3

# How many notes sound at once (`playing_mode` of a bank), which held key sounds in mono
# (`key_priority`), and when a note glides from the one before (`glide_when`).
POLY, MONO, LEGATO = 0, 1, 2
LAST_KEY, HIGHEST_KEY, LOWEST_KEY = 0, 1, 2
NEVER, OVERLAPPING, ALWAYS = 0, 1, 2
NOT_GIVEN: Final = -1  # a controller that has not moved
SILENT_KEY: Final = -16384.0  # semitones of a key that plays nothing
MOST_UNISON: Final = 8

# What moves a voice (`route_source` of a bank), what it moves (`route_target`, each in its unit),
# and how an LFO goes (`lfo_shape`).
NOTHING, FROM_FIRST_LFO, FROM_SECOND_LFO, FROM_VELOCITY, FROM_KEY, FROM_WHEEL = range(6)
FROM_PRESSURE, FROM_SLIDE, FROM_RANDOM, FROM_ENVELOPE, FROM_STRIKE = range(6, 11)
FIRST_CONTROLLER: Final = 128  # and those above it: controllers 0 to 119
LAST_CONTROLLER: Final = FIRST_CONTROLLER + 119
TO_LEVEL, TO_PAN, TO_CUTOFF, TO_PITCH, TO_FIRST_LFO, TO_SECOND_LFO = range(6)
TARGET_COUNT: Final = 6
SINE, TRIANGLE, SAW, SQUARE, STEPS = range(5)
LFO_COUNT: Final = 2
MOST_ROUTES: Final = 8
MOST_PARTS: Final = 3


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


class EngineState:
    """One session's memory, seen from Python.

    Build it with `create` or `attach`. Every array attribute is a live view: reading it reads the
    engine, writing it changes the engine.

    Attributes
    ----------
    fields : ndarray
        The whole block, one record of `STATE`: ``state.fields["clock"]``.
    banks : ndarray
        `SOUND` records, shape (BANK_COUNT,). A voice copies what it needs at note-on.
    slots : ndarray
        `SLOT` records, shape (BANK_COUNT, LAYER_COUNT, PITCH_COUNT).
    wanted : ndarray
        int64, shape (BANK_COUNT, PITCH_COUNT): the stream frame (at least 1) of the last note that
        was struck while its slot was not whole. The largest one is the most urgent.
    streams : ndarray
        `STREAM` records, shape (STREAM_COUNT,).
    meters, channels, voices : ndarray
        `METERS` record, `CHANNEL` records, `VOICE` records, for looking.
    midi_ring, partner_ring, panel_ring, out_ring, request_ring : EventRing
        MIDI messages only.
    engine_ring, control_ring : CommandRing
        Messages and commands.
    """

    def __init__(self, block: mmap.mmap, folder: Path | None) -> None:
        self._block = block
        self._folder = folder
        self._tones_map: mmap.mmap | None = None
        self._rings_map: mmap.mmap | None = None
        self._tones: NDArray[np.float32] | None = None
        self.fields: NDArray[np.void] = np.frombuffer(block, STATE, 1).reshape(())
        self.banks: NDArray[np.void] = self.fields["banks"]
        self.slots: NDArray[np.void] = self.fields["slots"]
        self.wanted: NDArray[np.int64] = self.fields["wanted"]
        self.streams: NDArray[np.void] = self.fields["streams"]
        self.meters: NDArray[np.void] = self.fields["meters"]
        self.channels: NDArray[np.void] = self.fields["channels"]
        self.voices: NDArray[np.void] = self.fields["voices"]
        self.midi_ring = EventRing(self.fields["midi_ring"])
        self.engine_ring = CommandRing(self.fields["engine_ring"])
        self.control_ring = CommandRing(self.fields["control_ring"])
        self.partner_ring = EventRing(self.fields["partner_ring"])
        self.panel_ring = EventRing(self.fields["panel_ring"])
        self.out_ring = EventRing(self.fields["out_ring"])
        self.request_ring = EventRing(self.fields["request_ring"])
        self._bytes = ByteStream()

    @classmethod
    def create(
        cls,
        folder: Path | None,
        rate_hz: float = 0.0,
        note_seconds: float = 2.5,
        *,
        shares_tones: bool = True,
    ) -> EngineState:
        """Make a session's memory.

        Parameters
        ----------
        folder
            Where ``state.bin`` and ``tones.bin`` go; None keeps both in this process.
        rate_hz
            The device's rate; 0 leaves it to the engine, which calls `set_rate` once it knows.
        note_seconds
            The longest note that a slot can hold.
        shares_tones
            The tones go into `folder`, too; no other process sees them otherwise.

        Raises
        ------
        OSError
            There is no room for it: its pages are taken at once, so that none is missing later.
        """
        block = _map(None if folder is None else folder / "state.bin", STATE.itemsize, create=True)
        state = cls(block, folder if shares_tones else None)
        _write_defaults(state.fields)
        state.fields["slot_frames"] = -round(note_seconds * 1000)  # milliseconds until `set_rate`
        state.fields["magic"] = MAGIC
        if rate_hz:
            state.set_rate(rate_hz)
        return state

    @classmethod
    def attach(cls, folder: Path) -> EngineState:
        """Map the memory of a running session.

        Raises
        ------
        FileNotFoundError
            There is no session in `folder`.
        ValueError
            The file is not an engine block of this version.
        """
        path = folder / "state.bin"
        found = path.stat().st_size
        if found != STATE.itemsize:
            raise ValueError(f"{path}: engine block must have {STATE.itemsize} bytes, got {found}")
        state = cls(_map(path, STATE.itemsize, create=False), folder)
        if int(state.fields["magic"]) != MAGIC or int(state.fields["format"]) != FORMAT:
            raise ValueError(f"{path}: not an engine block of format {FORMAT}")
        return state

    def set_rate(self, rate_hz: float) -> None:
        """Fix the rate, and with it the tone pool's size. Engine only, once, before playing.

        Raises
        ------
        OSError
            There is no room for the pool.
        """
        seconds = -float(self.fields["slot_frames"]) / 1000.0
        if seconds <= 0:
            raise ValueError(f"rate is already {float(self.fields['rate_hz'])} Hz")
        frames = int(np.ceil(seconds * rate_hz))
        self.fields["slot_frames"] = frames
        self.fields["slot_stride"] = _stride(frames)
        self.fields["stream_stride"] = STREAM_CHUNKS * round(CHUNK_SECONDS * rate_hz)
        self._map_tones(create=True)
        self._map_rings(create=True)
        self.fields["rate_hz"] = rate_hz  # last: it tells the others that the pool is there

    @property
    def rate_hz(self) -> float:
        """The device's rate; 0 until the engine has opened it."""
        return float(self.fields["rate_hz"])

    @property
    def clock(self) -> int:
        """Frames that the engine has rendered."""
        return int(self.fields["clock"])

    @property
    def tones(self) -> NDArray[np.float32]:
        """The tone pool: float32, shape (BANK_COUNT, LAYER_COUNT, PITCH_COUNT, slot_frames).

        Raises
        ------
        RuntimeError
            The engine has not set its rate yet.
        """
        if self._tones is None:
            if not self.rate_hz:
                raise RuntimeError("the engine has not opened its audio device yet")
            self._map_tones(create=False)
        assert self._tones is not None
        return self._tones[..., : int(self.fields["slot_frames"])]

    @property
    def rings(self) -> NDArray[np.float32]:
        """What held notes stream from: float32, shape (STREAM_COUNT, frames of a ring).

        The engine must have set its rate.
        """
        if self._rings_map is None:
            self._map_rings(create=False)
        assert self._rings_map is not None
        stride = int(self.fields["stream_stride"])
        rings = np.frombuffer(self._rings_map, np.float32, STREAM_COUNT * stride)
        return rings.reshape(STREAM_COUNT, stride)

    def forget_sounds(self) -> None:
        """Begin in silence, after an engine that died in the middle of a block. Engine only.

        Whatever belongs to its process or to its notes is as in a new session. Presets, tones,
        channels, the clock and what others have put into the rings stay.
        """
        fresh = np.zeros((), STATE)
        _write_defaults(fresh)
        for name in set(STATE.names or ()) - OUTLIVES_THE_ENGINE:
            self.fields[name] = fresh[name]
        for name in ("active_voices", "fading_voices", "bank_voices", "streams"):
            self.meters[name] = 0
        for pedal in ("sustain", "sostenuto", "soft"):  # it may be up by now, unheard
            self.channels[pedal] = 0

    def _map_tones(self, create: bool) -> None:
        shape = (BANK_COUNT, LAYER_COUNT, PITCH_COUNT, int(self.fields["slot_stride"]))
        path = None if self._folder is None else self._folder / "tones.bin"
        self._tones_map = _map(path, int(np.prod(shape)) * 4, create)
        self._tones = np.frombuffer(self._tones_map, np.float32).reshape(shape)

    def _map_rings(self, create: bool) -> None:
        size = (STREAM_COUNT * int(self.fields["stream_stride"]) + LANES) * 4
        path = None if self._folder is None else self._folder / "streams.bin"
        self._rings_map = _map(path, size, create)

    def write_slot(
        self,
        bank: int,
        layer: int,
        pitch: int,
        audio: NDArray[np.float32],
        *,
        frames_whole: int | None = None,
        loop: tuple[int, int] | None = None,
        loop_decay_per_frame: float = 1.0,
        gain: float = 1.0,
    ) -> None:
        """Put one rendered note where the kernel finds it (models' side).

        Parameters
        ----------
        audio
            float32, shape (frames,), at `rate_hz`, full scale ±1, from the note's first frame. A
            loop's cross-fade is already in it: ``audio[loop_end + k]`` would continue like
            ``audio[loop_start + k]``.
        frames_whole
            Frames that the complete note has, when `audio` is only its attack. Write the attack
            first and the whole note later: what is already there must not change audibly.
        loop
            First frame and one past the last frame of the loop, or None.
        loop_decay_per_frame
            How the kernel lets the note die away from the loop's start on, held on or not yet
            wrapped; the writer has taken the note's own decay out of ``audio[loop_start:]``.
        """
        assert LOWEST_PITCH <= pitch <= HIGHEST_PITCH
        slot = self.slots[bank, layer, pitch - LOWEST_PITCH]
        self.tones[bank, layer, pitch - LOWEST_PITCH, : len(audio)] = audio
        slot["frames_whole"] = frames_whole or len(audio)
        slot["loop_start"], slot["loop_end"] = loop or (0, 0)
        slot["loop_decay_per_frame"] = loop_decay_per_frame
        slot["gain"] = gain
        slot["frames_ready"] = len(audio)  # last: this publishes the slot

    def clear_bank(self, bank: int) -> None:
        """Forget a bank's notes. Only when `bank_is_free`.

        A file keeps its pages: given back, they might be missing when the next notes come.
        """
        self.slots[bank]["frames_ready"] = 0
        self.wanted[bank] = 0
        assert self.tones is not None and self._tones_map is not None
        if self._folder is None and hasattr(mmap, "MADV_DONTNEED"):
            self._tones_map.madvise(mmap.MADV_DONTNEED, *self._pages_of(bank))

    def bank_is_free(self, bank: int) -> bool:
        """Tell whether no channel plays from `bank` and no voice still reads it."""
        in_use = bool(np.any(self.channels["bank"] == bank))
        return not in_use and int(self.meters["bank_voices"][bank]) == 0

    def drop_pages(self, bank: int) -> None:
        """Take a bank's pages out of this process; their content stays in the shared file."""
        if self._tones_map is not None and self._folder and hasattr(mmap, "MADV_DONTNEED"):
            self._tones_map.madvise(mmap.MADV_DONTNEED, *self._pages_of(bank))

    def _pages_of(self, bank: int) -> tuple[int, int]:
        """Return begin and length in bytes of the pages that hold nothing but this bank."""
        size = LAYER_COUNT * PITCH_COUNT * int(self.fields["slot_stride"]) * 4
        begin = -(-bank * size // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (bank + 1) * size // mmap.PAGESIZE * mmap.PAGESIZE
        return begin, end - begin

    def command(self, command: int, data1: int = 0, data2: int = 0, value: int = 0) -> bool:
        """Ask the kernel for something, as soon as possible; False when the ring is full."""
        return self.control_ring.command(command, data1, data2, value=value)

    def send_midi(self, data: bytes, time_frames: int = -1) -> bool:
        """Play MIDI from control: a file, the panel, a test; False when the ring is full."""
        return all(
            self.control_ring.push(time_frames, *message, source=CONTROL_SOURCE)
            for message in self._bytes.messages(data)
        )

    def read_log(self) -> HistoryReader:
        """Return a reader of the events applied from now on, each with its exact frame."""
        ring = self.fields["log_ring"]
        return HistoryReader(ring["head"], ring["events"])

    def read_recording(self) -> HistoryReader:
        """Return a reader of the stereo output from now on: float32, shape (frames, 2)."""
        ring = self.fields["record_ring"]
        return HistoryReader(ring["head"], ring["audio"])


def _stride(frames: int) -> int:
    """Return how far apart slots lie: an odd number of cache lines.

    Were it whole pages, all voices of a chord would read the same set of the first-level cache and
    push each other out: 30 us instead of 19 us per block with 64 voices.
    """
    lines = -(-frames // LINE_FRAMES)
    return (lines + 1 - lines % 2) * LINE_FRAMES


def _write_defaults(fields: NDArray[np.void]) -> None:
    fields["format"] = FORMAT
    fields["channel_mask"] = 0xFFFF
    fields["master_gain"] = fields["master_target"] = 1.0
    fields["fade_out"] = fields["limiter_gain"] = fields["limiter_target"] = 1.0
    fields["meters"]["limiter_gain"] = 1.0
    fields["tempo"] = 120.0
    fields["meters"]["last_sound_frame"] = -1
    banks = fields["banks"]
    for name, value in DEFAULT_SOUND.items():
        banks[name] = value
    fields["sent_frame"] = -(1 << 62)  # never
    channels = fields["channels"]
    channels["parameter"] = -1
    channels["parameter_high"] = channels["parameter_low"] = 127
    channels["fine_tune_high"] = 64
    channels["volume"] = 100
    channels["expression"] = 127
    channels["pan"] = channels["brightness"] = 64
    channels["bend_range"] = 2.0
    channels["release_stretch"] = 1.0
    channels["part_gain"] = 1.0
    channels["master"] = np.arange(CHANNEL_COUNT)
    for controller in ("portamento", "portamento_time", "glides_from"):
        channels[controller] = NOT_GIVEN
    fields["key_semitones"] = np.arange(KEY_COUNT)
    at_rest(fields["rack"])
    channels["level"] = -1.0  # not yet: the first tick takes the target at once


DEFAULT_SOUND: Final[dict[str, float]] = {
    "attack_seconds": 0.0,
    "decay_seconds": 0.0,
    "sustain_level": 1.0,
    "release_seconds": 0.3,
    "cutoff_hz": 20_000.0,
    "velocity_to_gain": 1.0,
    "velocity_curve": 2.0,
    "gain_db": -12.0,
    "vibrato_rate_hz": 5.5,
    "vibrato_depth_cents": 50.0,
    "bend_range_semitones": 2.0,
    "pressure_target": PRESSURE_VIBRATO,
    "loop": 1,
    **AT_REST,
}


def pool_bytes(rate_hz: float, note_seconds: float) -> int:
    """Return the size of the tone pool."""
    stride = _stride(int(np.ceil(note_seconds * rate_hz)))
    return BANK_COUNT * LAYER_COUNT * PITCH_COUNT * stride * 4


def reserve(descriptor: int, size: int) -> None:
    """Give a file a size, and pages for all of it.

    A page that is missing when it is first written to is no error that Python sees: the process
    dies of SIGBUS, the engine in the middle of a block.

    Raises
    ------
    OSError
        There is not so much room.
    """
    os.ftruncate(descriptor, max(size, os.fstat(descriptor).st_size))
    if hasattr(os, "posix_fallocate"):  # elsewhere the files are on disk, and lazily so
        os.posix_fallocate(descriptor, 0, size)


def _map(path: Path | None, size: int, create: bool) -> mmap.mmap:
    if path is None:
        return mmap.mmap(-1, size)
    flags = os.O_RDWR | (os.O_CREAT if create else 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if create:
            reserve(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
