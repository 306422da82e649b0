"""Width: what is played in the middle becomes wide, and adding left and right up undoes it.

The middle goes unchanged; all-passes in series make a second signal of it that is as loud and has
other phases, which is added on the left and taken away on the right (H. Lauridsen's principle;
M. Schroeder, "An Artificial Stereophonic Effect Obtained from a Single Signal", JAES 6(2), 1958).
The first delay moves slowly, so that no partial stays on one side. Bass stays in the middle.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32, int64

from instrument.realtime.dsp import sine
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.memory.effect_memory import SPREAD_FRAMES, SPREADERS
from instrument.realtime.native import audio_thread

DELAYS_SECONDS = (0.0043, 0.0071, 0.0113)
MOVES_SECONDS = 0.0012
MOVES_HZ = 0.31
GAIN = float32(0.55)
BASS_HZ = 140.0
WRAP = SPREAD_FRAMES - 1


@audio_thread
def aim_width(s, chain):
    """Move the first delay by a tick."""
    chain.spread_phase += float32(MOVES_HZ * TICK_FRAMES / s.rate_hz)
    if chain.spread_phase >= 1.0:
        chain.spread_phase -= float32(1.0)
    wanted = (DELAYS_SECONDS[0] + MOVES_SECONDS * sine(chain.spread_phase)) * s.rate_hz
    if chain.spread_delay == 0.0:
        chain.spread_delay = wanted
    chain.spread_delay_step = float32((wanted - chain.spread_delay) / TICK_FRAMES)


@audio_thread
def run_width(s, chain, frames):
    """Add the second signal to the left and take it from the right."""
    low_share = float32(6.2832 * BASS_HZ / s.rate_hz)
    second = int64(DELAYS_SECONDS[1] * s.rate_hz)
    third = int64(DELAYS_SECONDS[2] * s.rate_hz)
    delay = chain.spread_delay
    level = chain.width
    low = chain.spread_low
    at = chain.at
    for frame in range(frames):
        middle = float32(0.5) * (s.bus_left[frame] + s.bus_right[frame])
        low += low_share * (middle - low)
        x = middle - low
        delay += chain.spread_delay_step
        whole = int64(delay)
        share = delay - float32(whole)
        near = chain.spread[(at - whole) & WRAP, 0]
        past = near + share * (chain.spread[(at - whole - 1) & WRAP, 0] - near)
        kept = x + GAIN * past
        chain.spread[at & WRAP, 0] = kept
        x = past - GAIN * kept
        past = chain.spread[(at - second) & WRAP, 1]
        kept = x + GAIN * past
        chain.spread[at & WRAP, 1] = kept
        x = past - GAIN * kept
        past = chain.spread[(at - third) & WRAP, 2]
        kept = x + GAIN * past
        chain.spread[at & WRAP, 2] = kept
        x = past - GAIN * kept
        level += chain.width_step
        s.bus_left[frame] += level * x
        s.bus_right[frame] -= level * x
        at += 1
    chain.spread_low = low
    chain.spread_delay = delay
    chain.width = level


assert len(DELAYS_SECONDS) == SPREADERS
