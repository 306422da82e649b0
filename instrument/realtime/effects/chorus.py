"""Chorus and ensemble: copies whose delays move, added to both sides.

Two slow copies make the chorus, one for each side. An ensemble has three for each side, a third of
a turn apart, which also flutter: what string machines of the seventies did with three lines.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32, int64

from instrument.realtime.dsp import sine
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.memory.effect_memory import CHORUS_FRAMES, TAPS
from instrument.realtime.native import audio_thread

MIDDLE_SECONDS = 0.009
FLUTTER_TIMES = 9.7  # faster than the slow motion
FLUTTER_SHARE = 0.12  # of its depth
SIDES_APART = 0.25  # turns
WRAP = CHORUS_FRAMES - 1


@audio_thread
def aim_chorus(s, chain, sound):
    """Move the taps by a tick."""
    step = sound.chorus_rate_hz * TICK_FRAMES / s.rate_hz
    chain.chorus_phase += float32(step)
    if chain.chorus_phase >= 1.0:
        chain.chorus_phase -= float32(1.0)
    chain.chorus_flutter += float32(step * FLUTTER_TIMES)
    while chain.chorus_flutter >= 1.0:
        chain.chorus_flutter -= float32(1.0)
    depth = 0.001 * sound.chorus_depth_milliseconds
    for tap in range(TAPS):
        turns = (tap % 3) / 3.0 + (tap // 3) * SIDES_APART
        moved = sine(chain.chorus_phase + turns)
        if sound.chorus_kind == 1:
            moved += FLUTTER_SHARE * sine(chain.chorus_flutter + turns)
        wanted = min((MIDDLE_SECONDS + depth * moved) * s.rate_hz, CHORUS_FRAMES - 4.0)
        wanted = max(wanted, 2.0)
        if chain.tap_delay[tap] == 0.0:
            chain.tap_delay[tap] = wanted
        chain.tap_step[tap] = float32((wanted - chain.tap_delay[tap]) / TICK_FRAMES)


@audio_thread
def run_chorus(s, chain, sound, frames):
    """Write the middle into the line and add what the taps read."""
    is_ensemble = sound.chorus_kind == 1
    taps = 3 if is_ensemble else 1
    share = float32(0.5773503 if is_ensemble else 1.0)  # as loud as one
    level = chain.chorus_level
    at = chain.at
    for frame in range(frames):
        chain.chorus[at & WRAP] = float32(0.5) * (s.bus_left[frame] + s.bus_right[frame])
        left = float32(0.0)
        right = float32(0.0)
        for tap in range(taps):
            left += read_tap(chain, at, tap)
            right += read_tap(chain, at, 3 + tap)
        level += chain.chorus_step
        s.bus_left[frame] += level * share * left
        s.bus_right[frame] += level * share * right
        at += 1
    chain.chorus_level = level


@audio_thread
def read_tap(chain, at, tap):
    """Return what a tap reads between two frames, and move it on."""
    delay = chain.tap_delay[tap] + chain.tap_step[tap]
    chain.tap_delay[tap] = delay
    whole = int64(delay)
    share = delay - float32(whole)
    near = chain.chorus[(at - whole) & WRAP]
    return near + share * (chain.chorus[(at - whole - 1) & WRAP] - near)
