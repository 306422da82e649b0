"""Tuning: what each key sounds, in semitones, 69 = 440 Hz.

A scale of one's own, another concert pitch and a transposition are all one table of 128 numbers.
A key sounds the tone of the nearest whole semitone, moved by the rest.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.memory.constants import KIT_BANK, SILENT_KEY
from instrument.realtime.native import audio_thread


@audio_thread
def semitones_of_key(s, bank, key):
    """Return what a key of a bank sounds; drums are no pitches, so nothing moves them."""
    if bank == KIT_BANK:
        return float(key)
    return s.key_semitones[key] + s.banks[bank].transpose_semitones


@audio_thread
def plays_nothing(s, bank, key):
    """Tell whether a keyboard map leaves a key out."""
    return bank != KIT_BANK and s.key_semitones[key] <= SILENT_KEY
