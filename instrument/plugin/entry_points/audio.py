"""What the audio thread calls before each block: messages, expressions, where a song is."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32, int64

from instrument.realtime.event_queue import make_room, queue_message
from instrument.realtime.expression.channel import BRIGHTNESS_OCTAVES
from instrument.realtime.expression.variation import PITCH_TICKS
from instrument.realtime.memory.constants import (
    FREE,
    LANE_COUNT,
    OUR_SOURCE,
    TICK_FRAMES,
    TO_VOICES,
)
from instrument.realtime.midi.events import use_bank
from instrument.realtime.native import carray

GRID_FRAMES = TICK_FRAMES * PITCH_TICKS  # after so many, ticks are alike
TUNING, VOLUME, PAN, BRIGHTNESS = range(4)  # what `lk_express` moves; lk.h has the same order


def lk_midi(state, offset, status, data1, data2):
    """Audio: play one MIDI message `offset` frames into the block that comes."""
    s = carray(state, (1,))[0]
    queue_message(s, s.clock + offset, status, data1, data2, OUR_SOURCE, TO_VOICES)


def lk_value(state, offset, command, value):
    """Audio: give a command that has a value, from a frame of the coming block on."""
    s = carray(state, (1,))[0]
    at = make_room(s, s.clock + offset)
    if at >= 0:
        event = s.pending[at]
        event.status = 0
        event.data1 = 0
        event.data2 = 0
        event.source = 0
        event.value = value
        event.command = command


def lk_express(state, kind, channel, key, before, after):
    """Audio: move the note that sounds on a key, and no other.

    `before` is what the same expression of it was, since voices keep only the sum: semitones, a
    factor of its level, its pan from -1 to 1, its brightness from -1 to 1.
    """
    s = carray(state, (1,))[0]
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.channel != channel or voice.key != key or voice.stage == FREE or voice.is_fading:
            continue
        if kind == TUNING:
            voice.fine += float32(after - before)
            voice.tuning += float32(after - before)
            voice.pitch_is_due = 1
        elif kind == VOLUME:
            voice.gain *= float32(after / before)
        elif kind == PAN:
            voice.pan += float32(after - before)
            voice.pan_is_due = 1
        elif kind == BRIGHTNESS:
            voice.cutoff_octaves += float32(BRIGHTNESS_OCTAVES * (after - before))
            voice.filter_is_due = 1


def lk_sounding(state):
    """Audio: tell whether any voice still sounds."""
    s = carray(state, (1,))[0]
    return int64(s.meters.active_voices + s.meters.fading_voices)


def lk_align(state, position_frames):
    """Audio: while no voice sounds, go on as a song that has come so far from its beginning.

    What a song sounds like depends on where its notes lie on the grid of ticks, and on the number
    of each strike. The clock itself never goes back.
    """
    s = carray(state, (1,))[0]
    s.clock += (position_frames - s.clock) % GRID_FRAMES
    s.strikes = 0


def lk_use_now(state, bank, channel):
    """Audio, not processing: let new notes of a channel, or of all, play from a bank at once."""
    use_bank(carray(state, (1,))[0], bank, channel)


def lk_bank(state):
    """Audio: return the bank that new notes of the first channel play from."""
    return int64(carray(state, (1,))[0].channels[0].bank)
