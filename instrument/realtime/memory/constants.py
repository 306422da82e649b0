"""The numbers of the shared memory: sizes, commands, sources, and what a field's values mean.

The kernel and all processes mean the same by them. No other module of ours is imported here.
"""

from __future__ import annotations

import mmap
from typing import Final

FORMAT: Final = 10
MAGIC: Final = 0x6C6B6579  # "lkey"

RATES_HZ: Final = 8_000, 192_000  # lowest and highest
BLOCKS_FRAMES: Final = 16, 8192  # shortest and longest
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
OCTAVE_NOTES: Final = 12
TUNING_COUNT: Final = 128  # tuning programs
BANK_COUNT: Final = 6
BUILT_IN_BANK: Final = 0  # the plain tone that sounds when no preset is there yet
PRESET_BANKS: Final = range(BUILT_IN_BANK + 1, 4)
KIT_BANK: Final = 4  # the drums of MIDI files
FOURTH_BANK: Final = 5  # of presets; its tones have memory only where four sounds are asked for
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

# What system exclusive means (`realtime.exclusive`): the `value` of a message with the status F0 is
# one of these above `AMOUNT_BITS` bits of how much, so that none is where a message goes.
AMOUNT_BITS: Final = 24
EXCLUSIVE_BYTES: Final = 520  # of the longest: 127 keys of a bank, retuned at once, take 515
TUNE_KEY: Final = 1  # data1 = key, data2 = tuning program; its pitch in 1/16384 semitone
TUNE_OCTAVE: Final = 2  # data1 = note, data2 = channel; how far it is off, 16384 = not
TUNES_SOUNDING: Final = 2  # added to these two: notes that sound are retuned, too
MASTER_VOLUME, MASTER_FINE_TUNE, MASTER_COARSE_TUNE = 5, 6, 7  # 14 bits each

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
SINE, TRIANGLE, SAW, SQUARE, STEPS, WANDER = range(6)
LFO_COUNT: Final = 2
MOST_ROUTES: Final = 8
MOST_PARTS: Final = len(PRESET_BANKS) + 1
