"""What the plug-in's C calls to wait for tones."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import int64

from instrument.realtime.expression.tuning import plays_nothing, semitones_of_key
from instrument.realtime.memory.constants import (
    FREE,
    HIGHEST_PITCH,
    LANE_COUNT,
    LOWEST_PITCH,
    PRESET_BANKS,
)
from instrument.realtime.native import audio_thread, carray
from instrument.realtime.tones.source import slot_is_whole

FIRST_BANK, END_BANK = PRESET_BANKS.start, PRESET_BANKS.stop


def lk_lacks(state):
    """Audio: return a pitch that sounds and whose tone is not there yet, or -1.

    It is looked for where new notes of its channel play: there notes that sound will go, too.
    """
    s = carray(state, (1,))[0]
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.stage == FREE or voice.is_fading:
            continue
        pitch = missing(s, s.channels[voice.channel].bank, voice.pitch)
        if pitch >= 0:
            return pitch
    return int64(-1)


def lk_lacks_key(state, channel, key):
    """Audio: return the pitch that a key would sound if its tone is not there yet, or -1."""
    s = carray(state, (1,))[0]
    bank = s.channels[channel].bank
    if plays_nothing(s, channel, key):
        return int64(-1)
    return missing(s, bank, int64(semitones_of_key(s, channel, bank, key) + 512.5) - 512)


@audio_thread
def missing(s, bank, pitch):
    """Return the pitch that a bank's tone is wanted for, or -1 if it is whole."""
    true_pitch = int64(min(max(pitch, LOWEST_PITCH), HIGHEST_PITCH))
    if not FIRST_BANK <= bank < END_BANK or slot_is_whole(s, bank, true_pitch):
        return int64(-1)
    return true_pitch
