"""From voices to stereo: filter, apply gain and pan, add up.

One call renders one *segment*: at most a tick, within which every parameter is constant or a
straight line. Sixteen voices at a time: each reads its slot into one column of `tile`, then all
sixteen go through filter, gain and pan together, one frame after the other.

Voices keep their lane, so sums are always taken in the same order: where a block or a segment
ends changes no bit of the result.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.effects.chain import bank_sounds, run_chain
from instrument.realtime.memory.constants import BANK_COUNT, FREE, GROUP_COUNT, LANES
from instrument.realtime.mixing.part_outputs import add_to_part, pair_of, silence_parts
from instrument.realtime.mixing.tile import OFFSET, ROW_BYTES, read_voice
from instrument.realtime.native import (
    address_of,
    audio_thread,
    fill,
    load,
    louder,
    multiply_add,
    store,
    sum_lanes,
)

TILE = OFFSET["tile"]
MIX_LEFT = OFFSET["mix_left"]
MIX_RIGHT = OFFSET["mix_right"]
LOW_1 = OFFSET["low_1"]
LOW_2 = OFFSET["low_2"]
FILTER_1 = OFFSET["filter_1"]
FILTER_2 = OFFSET["filter_2"]
FILTER_3 = OFFSET["filter_3"]
BYPASS = OFFSET["bypass"]
GAIN_LEFT = OFFSET["gain_left"]
GAIN_RIGHT = OFFSET["gain_right"]
STEP_LEFT = OFFSET["step_left"]
STEP_RIGHT = OFFSET["step_right"]
LANE_PEAK = OFFSET["lane_peak"]


@audio_thread
def mix_group(base, group, frames):
    """Filter, scale and pan the tile's sixteen columns and add them to the mix.

    The filter is the trapezoidal state-variable low-pass of A. Simper, "Solving the continuous SVF
    equations using trapezoidal integration and equivalent currents", Cytomic, 2013.
    """
    row = group * ROW_BYTES
    low_1 = load(base + LOW_1 + row)
    low_2 = load(base + LOW_2 + row)
    a1 = load(base + FILTER_1 + row)
    a2 = load(base + FILTER_2 + row)
    a3 = load(base + FILTER_3 + row)
    bypass = load(base + BYPASS + row)
    left = load(base + GAIN_LEFT + row)
    right = load(base + GAIN_RIGHT + row)
    step_left = load(base + STEP_LEFT + row)
    step_right = load(base + STEP_RIGHT + row)
    peak = load(base + LANE_PEAK + row)
    for frame in range(frames):
        x = load(base + TILE + frame * ROW_BYTES)
        v3 = x - low_2
        v1 = multiply_add(a2, v3, a1 * low_1)
        v2 = multiply_add(a3, v3, multiply_add(a2, low_1, low_2))
        low_1 = v1 + v1 - low_1
        low_2 = v2 + v2 - low_2
        y = multiply_add(bypass, x - v2, v2)
        left = left + step_left
        right = right + step_right
        to_left = y * left
        to_right = y * right
        peak = louder(louder(peak, to_left), to_right)
        at = frame * ROW_BYTES
        store(base + MIX_LEFT + at, load(base + MIX_LEFT + at) + to_left)
        store(base + MIX_RIGHT + at, load(base + MIX_RIGHT + at) + to_right)
    store(base + LOW_1 + row, low_1)
    store(base + LOW_2 + row, low_2)
    store(base + GAIN_LEFT + row, left)
    store(base + GAIN_RIGHT + row, right)
    store(base + LANE_PEAK + row, peak)


@audio_thread
def mix_banks(s, frames):
    """Render all voices for one segment, and each bank's effects, into where it leaves."""
    base = address_of(s)
    for frame in range(frames):
        s.out_left[frame] = float32(0.0)
        s.out_right[frame] = float32(0.0)
    silence_parts(s, frames)
    for bank in range(BANK_COUNT):
        sounds = bank_sounds(s, bank)
        if sounds or s.chains[bank].is_awake:
            mix_voices(s, base, bank, frames)
            if s.chains[bank].is_awake:
                run_chain(s, bank, frames)
            pair = pair_of(s, bank)
            if pair > 0:
                add_to_part(s, pair, frames)
                continue
            for frame in range(frames):
                s.out_left[frame] += s.bus_left[frame]
                s.out_right[frame] += s.bus_right[frame]


@audio_thread
def mix_voices(s, base, bank, frames):
    """Render one bank's voices for one segment into `bus_left` and `bus_right`."""
    silence = fill(float32(0.0))
    for frame in range(frames):
        store(base + MIX_LEFT + frame * ROW_BYTES, silence)
        store(base + MIX_RIGHT + frame * ROW_BYTES, silence)
    for group in range(GROUP_COUNT):
        if s.sounding_groups[group] == 0 or s.group_bank[group] != bank:
            continue
        if s.sounding_groups[group] < LANES:
            for frame in range(frames):
                store(base + TILE + frame * ROW_BYTES, silence)
        for column in range(LANES):
            if s.voices[group * LANES + column].stage != FREE:
                read_voice(s, base, group * LANES + column, column, frames)
        mix_group(base, group, frames)
    for frame in range(frames):
        at = frame * ROW_BYTES
        s.bus_left[frame] = sum_lanes(load(base + MIX_LEFT + at))
        s.bus_right[frame] = sum_lanes(load(base + MIX_RIGHT + at))
