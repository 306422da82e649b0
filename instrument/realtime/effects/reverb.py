"""Reverb: eight delay lines that feed each other through a Hadamard matrix.

A feedback delay network: J.-M. Jot and A. Chaigne, "Digital delay networks for designing artificial
reverberators", AES 90th Convention, 1991. Each line loses as much as its length takes of the
reverberation time, and treble beside. Before it lie a pre-delay and two all-passes per channel,
which make one strike many. Eight lines have resonances a few hertz apart, so that one key rings and
the next does not; lines whose lengths sway, at two rates, move the resonances to and fro
(J. Dattorro, "Effect design, part 1", J. Audio Eng. Soc. 45, 1997).
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import float32, int64

from instrument.realtime.dsp import exp2
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.memory.effect_memory import (
    CHORUS_FRAMES,
    DIFFUSERS,
    REVERB_FRAMES,
    REVERB_LINES,
    ROOMS,
)
from instrument.realtime.native import audio_thread

# Lengths in milliseconds, no two with a common divisor that would ring: `effect_memory.ROOMS`.
LINES_MILLISECONDS = np.array(
    (
        (11.3, 13.9, 17.1, 19.7, 23.3, 26.9, 29.3, 31.9),
        (19.1, 23.7, 28.3, 33.1, 37.9, 41.3, 46.7, 50.9),
        (37.3, 43.1, 49.7, 56.9, 63.7, 71.3, 79.3, 88.1),
        (7.9, 10.7, 13.1, 17.9, 21.1, 25.3, 28.7, 33.7),
    )
)
DIFFUSERS_MILLISECONDS = np.array((4.7, 6.1, 5.3, 7.3))
DIFFUSION = np.array((0.5, 0.6, 0.65, 0.72), np.float32)  # by room
SWAYS_HZ = np.array((1.0, 1.27), np.float32)  # of every other line
OCTAVES_OF_60_DB = 9.965784
OCTAVES_PER_TURN = 9.0647203  # 2 pi log2(e)
SPREAD = float32(0.35355339)  # 1 / sqrt(8)
WET = float32(0.4)  # at level 1, two seconds of hall are about as loud as a held chord
FAINT = float32(1e-15)
WRAP = REVERB_FRAMES - 1
DIFFUSER_WRAP = CHORUS_FRAMES - 1


@audio_thread
def aim_reverb(s, chain, sound):
    """Compute lengths and losses when the room has changed."""
    chain.pre_delay_frames = min(int64(sound.reverb_pre_delay_seconds * s.rate_hz), WRAP)
    if (
        chain.room == sound.reverb_room + 1
        and chain.size == sound.reverb_size
        and chain.seconds == sound.reverb_seconds
        and chain.damping_hz == sound.reverb_damping_hz
    ):
        return
    chain.room = sound.reverb_room + 1
    chain.size = sound.reverb_size
    chain.seconds = sound.reverb_seconds
    chain.damping_hz = sound.reverb_damping_hz
    room = min(max(sound.reverb_room, 0), len(ROOMS) - 1)
    for line in range(REVERB_LINES):
        frames = int64(LINES_MILLISECONDS[room, line] * 0.001 * sound.reverb_size * s.rate_hz)
        frames = min(max(frames, int64(1)), int64(WRAP))
        chain.line_frames[line] = frames
        octaves = OCTAVES_OF_60_DB * frames / (max(sound.reverb_seconds, 0.05) * s.rate_hz)
        chain.line_gain[line] = SPREAD * float32(exp2(-octaves))
    chain.damping = exp2(-OCTAVES_PER_TURN * min(sound.reverb_damping_hz / s.rate_hz, 0.5))
    for index in range(DIFFUSERS):
        frames = int64(DIFFUSERS_MILLISECONDS[index] * 0.001 * s.rate_hz)
        chain.diffuser_frames[index] = min(frames, DIFFUSER_WRAP)


@audio_thread
def aim_sway(s, chain, sound):
    """Move every other wall by two ticks: outwards and back again, in parabolas."""
    index = (chain.at // TICK_FRAMES) & 1
    turn = chain.sway_turn[index] + SWAYS_HZ[index] * float32(4 * TICK_FRAMES / s.rate_hz)
    if turn >= 1.0:
        turn -= float32(2.0)  # -1..1
    chain.sway_turn[index] = turn
    depth = float32(0.001 * s.rate_hz) * sound.reverb_modulation_milliseconds
    wanted = depth + depth * float32(4.0) * turn * (float32(1.0) - abs(turn))
    chain.sway_step[index] = (wanted - chain.sway[index]) * float32(0.5 / TICK_FRAMES)


@audio_thread
def run_reverb(s, chain, frames):
    """Feed the lines with both channels and add what they give."""
    level = chain.reverb_level
    keep = chain.damping
    diffusion = DIFFUSION[chain.room - 1]
    at = chain.at
    first, second = chain.sway[0], chain.sway[1]
    for frame in range(frames):
        chain.pre_delay[at & WRAP, 0] = s.bus_left[frame]
        chain.pre_delay[at & WRAP, 1] = s.bus_right[frame]
        before = (at - chain.pre_delay_frames) & WRAP
        left = diffuse(chain, at, 0, diffusion, chain.pre_delay[before, 0])
        left = diffuse(chain, at, 1, diffusion, left)
        right = diffuse(chain, at, 2, diffusion, chain.pre_delay[before, 1])
        right = diffuse(chain, at, 3, diffusion, right)
        first += chain.sway_step[0]
        second += chain.sway_step[1]
        near, far = at - int64(first), at - int64(second)
        part, rest = first - float32(int64(first)), second - float32(int64(second))
        y0 = read_line(chain, near, part, 0, keep)
        y1 = read_line(chain, far, rest, 1, keep)
        y2 = read_line(chain, near, part, 2, keep)
        y3 = read_line(chain, far, rest, 3, keep)
        y4 = read_line(chain, near, part, 4, keep)
        y5 = read_line(chain, far, rest, 5, keep)
        y6 = read_line(chain, near, part, 6, keep)
        y7 = read_line(chain, far, rest, 7, keep)
        level += chain.reverb_step
        s.bus_left[frame] += WET * level * (y0 - y2 + y4 - y6)
        s.bus_right[frame] += WET * level * (y1 - y3 + y5 - y7)
        a0, a1, a2, a3 = y0 + y4, y1 + y5, y2 + y6, y3 + y7  # Hadamard, by halves
        a4, a5, a6, a7 = y0 - y4, y1 - y5, y2 - y6, y3 - y7
        b0, b1, b2, b3 = a0 + a2, a1 + a3, a0 - a2, a1 - a3
        b4, b5, b6, b7 = a4 + a6, a5 + a7, a4 - a6, a5 - a7
        line = at & WRAP
        chain.lines[line, 0] = left + chain.line_gain[0] * (b0 + b1)
        chain.lines[line, 1] = right + chain.line_gain[1] * (b0 - b1)
        chain.lines[line, 2] = left + chain.line_gain[2] * (b2 + b3)
        chain.lines[line, 3] = right + chain.line_gain[3] * (b2 - b3)
        chain.lines[line, 4] = left + chain.line_gain[4] * (b4 + b5)
        chain.lines[line, 5] = right + chain.line_gain[5] * (b4 - b5)
        chain.lines[line, 6] = left + chain.line_gain[6] * (b6 + b7)
        chain.lines[line, 7] = right + chain.line_gain[7] * (b6 - b7)
        at += 1
    chain.reverb_level = level
    chain.sway[0], chain.sway[1] = first, second


@audio_thread
def diffuse(chain, at, index, gain, x):
    """Pass a sample through one all-pass (M. Schroeder, 1961)."""
    past = chain.diffusers[(at - chain.diffuser_frames[index]) & DIFFUSER_WRAP, index]
    kept = x + gain * past
    chain.diffusers[at & DIFFUSER_WRAP, index] = kept
    return past - gain * kept


@audio_thread
def read_line(chain, at, share, line, keep):
    """Return what comes out of a line, `share` of the way to the frame before, and damped."""
    from_ = at - chain.line_frames[line]
    x = chain.lines[from_ & WRAP, line]
    x += share * (chain.lines[(from_ - 1) & WRAP, line] - x)
    low = x + keep * (chain.line_low[line] - x)
    if abs(low) < FAINT:
        low = float32(0.0)
    chain.line_low[line] = low
    return low
