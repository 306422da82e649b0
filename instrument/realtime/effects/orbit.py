"""Orbit: the whole sound goes slowly from one side to the other."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.dsp import sine
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.native import audio_thread


@audio_thread
def aim_orbit(s, chain, sound):
    """Aim both sides' gains at where the sound shall be next."""
    chain.orbit_phase += float32(sound.orbit_rate_hz * TICK_FRAMES / s.rate_hz)
    if chain.orbit_phase >= 1.0:
        chain.orbit_phase -= float32(1.0)
    place = sound.orbit_depth * sine(chain.orbit_phase)  # -1 left .. 1 right
    left = 1.4142135623730951 * sine(0.125 * (1.0 - place))  # constant power
    right = 1.4142135623730951 * sine(0.125 * (1.0 + place))
    chain.orbit_left_step = float32((left - chain.orbit_left) / TICK_FRAMES)
    chain.orbit_right_step = float32((right - chain.orbit_right) / TICK_FRAMES)


@audio_thread
def run_orbit(s, chain, frames):
    """Scale both sides."""
    left = chain.orbit_left
    right = chain.orbit_right
    for frame in range(frames):
        left += chain.orbit_left_step
        right += chain.orbit_right_step
        s.bus_left[frame] *= left
        s.bus_right[frame] *= right
    chain.orbit_left = left
    chain.orbit_right = right
