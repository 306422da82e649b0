"""Delay: echoes on both sides, in time with the music if the preset says so.

A length that changes glides as tape would. Each round trip loses treble.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32, int64

from instrument.realtime.dsp import exp2
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.memory.effect_memory import DELAY_FRAMES
from instrument.realtime.native import audio_thread

GLIDE = 0.02  # of the way, per tick
OCTAVES_PER_TURN = 9.0647203  # 2 pi log2(e)
WRAP = DELAY_FRAMES - 1
FAINT = float32(1e-15)  # below: zero, or the processor works on numbers that nobody hears


@audio_thread
def aim_delay(s, chain, sound):
    """Let the length approach what preset and tempo ask for."""
    seconds = sound.delay_seconds
    if sound.delay_beats > 0.0:
        seconds = float32(sound.delay_beats * 60.0 / s.tempo)
    wanted = min(seconds * s.rate_hz, DELAY_FRAMES - 4.0)
    wanted = max(wanted, float(TICK_FRAMES))
    if chain.delay_frames == 0.0:
        chain.delay_frames = wanted
    away = wanted - chain.delay_frames
    if abs(away) > 1.0:
        away *= GLIDE
    chain.delay_frames_step = float32(away / TICK_FRAMES)
    share = exp2(-OCTAVES_PER_TURN * min(sound.delay_damping_hz / s.rate_hz, 0.5))
    chain.delay_keep = float32(share)


@audio_thread
def run_delay(s, chain, sound, frames):
    """Write both sides and what comes back into the lines; add what comes back."""
    feedback = sound.delay_feedback
    crosses = sound.delay_crosses != 0
    keep = chain.delay_keep
    left_low, right_low = chain.delay_low[0], chain.delay_low[1]
    delay = chain.delay_frames
    level = chain.delay_level
    at = chain.at
    for frame in range(frames):
        delay += chain.delay_frames_step
        whole = int64(delay)
        share = delay - float32(whole)
        near, far = (at - whole) & WRAP, (at - whole - 1) & WRAP
        left = chain.delay[near, 0] + share * (chain.delay[far, 0] - chain.delay[near, 0])
        right = chain.delay[near, 1] + share * (chain.delay[far, 1] - chain.delay[near, 1])
        left_low = left + keep * (left_low - left)
        right_low = right + keep * (right_low - right)
        if abs(left_low) < FAINT:
            left_low = float32(0.0)
        if abs(right_low) < FAINT:
            right_low = float32(0.0)
        dry_left, dry_right = s.bus_left[frame], s.bus_right[frame]
        if crosses:
            middle = float32(0.5) * (dry_left + dry_right)
            chain.delay[at & WRAP, 0] = middle + feedback * right_low
            chain.delay[at & WRAP, 1] = feedback * left_low
        else:
            chain.delay[at & WRAP, 0] = dry_left + feedback * left_low
            chain.delay[at & WRAP, 1] = dry_right + feedback * right_low
        level += chain.delay_step
        s.bus_left[frame] = dry_left + level * left_low
        s.bus_right[frame] = dry_right + level * right_low
        at += 1
    chain.delay_low[0], chain.delay_low[1] = left_low, right_low
    chain.delay_frames = delay
    chain.delay_level = level
