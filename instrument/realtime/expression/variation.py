"""Variation: no two strikes of a hand are alike, no held note stands still, every render is alike.

What a strike draws depends on its number alone (`strikes` in the state block), so that playing the
same notes again gives the same sound, to the bit. A held note drifts: pitch and level go along
lines of a fifth to half a second, from one drawn point to the next.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float64, int64, uint64

from instrument.realtime.dsp import db_to_gain
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.native import audio_thread

# Farthest from the preset's own, at variation 1.
MOST_SEMITONES = 0.02
MOST_DB = 0.4
MOST_OCTAVES = 0.1  # of cut-off
MOST_DRIFT_SEMITONES = 0.04  # at drift 1
MOST_SWAY = 0.06  # 0.5 dB
SHORTEST_LINE_SECONDS, LONGEST_LINE_SECONDS = 0.2, 0.5
PITCH_TICKS = 4  # a drift is so slow that the pitch follows it every fourth tick
MOST_START_SECONDS = 0.0005  # into the tone: another phase, and still its attack


@audio_thread
def vary_voice(s, v, amount, fellow):
    """Move a starting voice's pitch, level and cut-off; return how many frames in it starts."""
    voice = s.voices[v]
    voice.number = s.strikes + (fellow << 32)
    draws = draw(voice.number)
    voice.detune = amount * MOST_SEMITONES * spread(draws, 0)
    voice.gain *= db_to_gain(amount * MOST_DB * spread(draws, 16))
    voice.cutoff_octaves += amount * MOST_OCTAVES * spread(draws, 32)
    share = 0.5 + 0.5 * spread(draws, 48)
    return int64(amount * MOST_START_SECONDS * s.rate_hz * share)


@audio_thread
def advance_drift(s, v):
    """Let a voice wander for one tick."""
    voice = s.voices[v]
    if voice.drift_ticks == 0:
        aim_drift(s, v)
    voice.drift_ticks -= 1
    voice.drift += voice.drift_step
    voice.sway += voice.sway_step
    if (s.clock // TICK_FRAMES + v) % PITCH_TICKS == 0:
        voice.pitch_is_due = 1


@audio_thread
def aim_drift(s, v):
    """Draw where a voice wanders next, and how long it takes."""
    voice = s.voices[v]
    voice.drift_lines += 1
    draws = draw(voice.number + (int64(voice.drift_lines) << 40))
    share = 0.5 + 0.5 * spread(draws, 32)
    seconds = SHORTEST_LINE_SECONDS + share * (LONGEST_LINE_SECONDS - SHORTEST_LINE_SECONDS)
    ticks = max(int64(seconds * s.rate_hz / TICK_FRAMES), 1)
    amount = voice.drift_amount
    voice.drift_ticks = ticks
    voice.drift_step = (amount * MOST_DRIFT_SEMITONES * spread(draws, 0) - voice.drift) / ticks
    voice.sway_step = (amount * MOST_SWAY * spread(draws, 16) - voice.sway) / ticks


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
