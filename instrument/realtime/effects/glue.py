"""Glue: a gentle compressor, 2 : 1, that lets the loudest moments lie closer to the others.

It hears a tick's peak and moves by the next tick, so it needs no look-ahead.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.dsp import db_to_gain
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.native import audio_thread, square_root

HIGHEST_DB, LOWEST_DB = -6.0, -24.0  # thresholds at glue 0 and 1
ATTACK_SECONDS = 0.010
RELEASE_SECONDS = 0.200


@audio_thread
def aim_glue(s, chain, sound):
    """Aim the gain at what the last tick's peak asks for."""
    threshold = db_to_gain(HIGHEST_DB + (LOWEST_DB - HIGHEST_DB) * sound.glue)
    if chain.glue_gain == 0.0:
        chain.glue_gain = 1.0
    wanted = 1.0
    if sound.glue > 0.0 and chain.glue_peak > threshold:
        wanted = square_root(threshold / chain.glue_peak)  # 2 : 1
    seconds = ATTACK_SECONDS if wanted < chain.glue_gain else RELEASE_SECONDS
    approach = min(TICK_FRAMES / (seconds * s.rate_hz), 1.0)
    away = wanted - chain.glue_gain
    if abs(away) > 1e-5:
        away *= approach
    chain.glue_step = float32(away / TICK_FRAMES)
    chain.glue_peak *= float32(0.999)


@audio_thread
def run_glue(s, chain, frames):
    """Scale both channels, and hear how loud they were."""
    gain = chain.glue_gain
    peak = chain.glue_peak
    for frame in range(frames):
        left, right = s.bus_left[frame], s.bus_right[frame]
        peak = max(peak, max(abs(left), abs(right)))
        gain += chain.glue_step
        s.bus_left[frame] = gain * left
        s.bus_right[frame] = gain * right
    chain.glue_gain = gain
    chain.glue_peak = peak
