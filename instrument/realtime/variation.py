"""Variation: no two strikes of a hand are alike, and every render of a piece is.

What a strike draws depends on its number alone (`strikes` in the state block), so that playing the
same notes again gives the same sound, to the bit.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float64, int64, uint64

from instrument.realtime.dsp import db_to_gain
from instrument.realtime.native import audio_thread

# Farthest from the preset's own, at variation 1.
MOST_SEMITONES = 0.02
MOST_DB = 0.4
MOST_OCTAVES = 0.1  # of cut-off
MOST_START_SECONDS = 0.0005  # into the tone: another phase, and still its attack


@audio_thread
def vary_voice(s, v, amount):
    """Move a starting voice's pitch, level and cut-off; return how many frames in it starts."""
    voice = s.voices[v]
    draws = draw(s.strikes)
    voice.detune = amount * MOST_SEMITONES * spread(draws, 0)
    voice.gain *= db_to_gain(amount * MOST_DB * spread(draws, 16))
    voice.cutoff_octaves += amount * MOST_OCTAVES * spread(draws, 32)
    share = 0.5 + 0.5 * spread(draws, 48)
    return int64(amount * MOST_START_SECONDS * s.rate_hz * share)


@audio_thread
def draw(number):
    """Return 64 random bits for a number (SplitMix64: Steele, Lea and Flood, OOPSLA 2014)."""
    z = uint64(number) * uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@audio_thread
def spread(draws, from_bit):
    """Turn sixteen of the bits into a number from -1 to 1."""
    return float64((draws >> uint64(from_bit)) & uint64(0xFFFF)) / 32768.0 - 1.0
