"""Tuning: what each key sounds, in semitones, 69 = 440 Hz.

A scale of one's own, another concert pitch and a transposition are all one table of 128 numbers.
What the MIDI Tuning Standard says of a key of a tuning program goes before it, and what it says of
a note of the octave on a channel is added (`midi.retuning` hears it). A key sounds the tone of the
nearest whole semitone, moved by the rest.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.exclusive import SEMITONE
from instrument.realtime.memory.constants import KIT_BANK, OCTAVE_NOTES, SILENT_KEY
from instrument.realtime.native import audio_thread


@audio_thread
def semitones_of_key(s, channel, bank, key):
    """Return what a key of a channel sounds with a bank; drums are no pitches and stay."""
    if bank == KIT_BANK:
        return float(key)
    chan = s.channels[channel]
    sounds = s.key_semitones[key]
    if s.is_retuned[chan.tuning_program]:
        told = s.tunings[chan.tuning_program, key]
        if told > 0:
            sounds = (told - 1) / SEMITONE
    of_its_octave = chan.octave_tuning[key % OCTAVE_NOTES] / SEMITONE
    return sounds + s.banks[bank].transpose_semitones + of_its_octave


@audio_thread
def plays_nothing(s, channel, key):
    """Tell whether a keyboard map leaves a key out."""
    chan = s.channels[channel]
    if chan.bank == KIT_BANK or s.key_semitones[key] > SILENT_KEY:
        return False
    return s.is_retuned[chan.tuning_program] == 0 or s.tunings[chan.tuning_program, key] == 0
