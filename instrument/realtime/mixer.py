"""From voices to stereo: read the slots, filter, apply gain and pan, add up.

One call renders one *segment*: at most a tick, within which every parameter is constant or a
straight line. Sixteen voices at a time: each reads its slot into one column of `tile`, then all
sixteen go through filter, gain and pan together, one frame after the other.

Voices keep their lane, so sums are always taken in the same order: where a block or a segment
ends changes no bit of the result.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import float32, int32, int64, uint64

from instrument.realtime.effects.chain import bank_sounds, run_chain
from instrument.realtime.memory.constants import (
    BANK_COUNT,
    FREE,
    GROUP_COUNT,
    LANES,
    LOUD,
    LOWEST_PITCH,
    PITCH_COUNT,
    SLOPE_FRAMES,
    SOFT,
    TICK_FRAMES,
)
from instrument.realtime.memory.layout import STATE
from instrument.realtime.native import (
    address_of,
    audio_thread,
    carray,
    fill,
    floats_at,
    fused,
    load,
    louder,
    multiply_add,
    prefetch,
    store,
    sum_lanes,
)
from instrument.realtime.part_outputs import add_to_part, pair_of, silence_parts

ONE = 1 << 32  # one frame in 32.32 fixed point
FLOAT_BYTES = 4
ROW_BYTES = FLOAT_BYTES * LANES
_OFFSET = {name: STATE.fields[name][1] for name in STATE.fields}  # type: ignore[union-attr, index]
TILE = _OFFSET["tile"]
SLOPE = _OFFSET["slope"]
LINEAR = _OFFSET["linear"]
SQUARE = _OFFSET["square"]
CUBIC = _OFFSET["cubic"]
MIX_LEFT = _OFFSET["mix_left"]
MIX_RIGHT = _OFFSET["mix_right"]
LOW_1 = _OFFSET["low_1"]
LOW_2 = _OFFSET["low_2"]
FILTER_1 = _OFFSET["filter_1"]
FILTER_2 = _OFFSET["filter_2"]
FILTER_3 = _OFFSET["filter_3"]
BYPASS = _OFFSET["bypass"]
GAIN_LEFT = _OFFSET["gain_left"]
GAIN_RIGHT = _OFFSET["gain_right"]
STEP_LEFT = _OFFSET["step_left"]
STEP_RIGHT = _OFFSET["step_right"]
LANE_PEAK = _OFFSET["lane_peak"]


@audio_thread
def slot_address(s, bank, layer, pitch):
    """Return where the audio of one slot begins."""
    index = layer * PITCH_COUNT + pitch - LOWEST_PITCH
    return int64(s.bank_addresses[bank]) + index * s.bank_strides[bank] * FLOAT_BYTES


@audio_thread
def read_voice(s, base, v, column, frames):
    """Put `frames` frames of a voice's two layers, blended and resampled, into its tile column.

    The layers are coherent (same phases), so weights may blend them before the interpolation:
    one pass over the source costs a multiply-add per source frame, the interpolation is done once.

    Third-order Hermite interpolation through four points (Catmull-Rom); O. Niemitalo, "Polynomial
    Interpolators for High-Quality Resampling of Oversampled Audio", 2001, section 2 "Hermite".
    """
    voice = s.voices[v]
    increment = uint64(voice.increment)
    first = int64(voice.position >> 32)
    last = int64((voice.position + (frames - 1) * voice.increment) >> 32)
    position = uint64(voice.position - (first << 32))
    if increment == ONE and position == 0:
        blend(s, base, v, first, frames)
        for frame in range(uint64(frames)):
            s.tile[frame, column] = s.slope[frame]
    else:
        count = last - first + 4
        if count > SLOPE_FRAMES:  # faster than FASTEST_RATE: never
            count = int64(SLOPE_FRAMES)
        blend(s, base, v, first - 1, count)
        find_cubics(base, count - 3)
        for frame in range(uint64(frames)):
            at = position >> uint64(32)
            x = float32(int32((position >> uint64(8)) & uint64(0xFFFFFF))) * float32(2.0**-24)
            y = fused(s.cubic[at], x, s.square[at])
            y = fused(y, x, s.linear[at])
            s.tile[frame, column] = fused(y, x, s.slope[at + uint64(1)])
            position += increment
    voice.position += frames * voice.increment


@audio_thread
def find_cubics(base, count):
    """Compute the cubic between each two neighbours of `slope`: sixteen at a time.

    Cheaper than the same sums once per output frame, which no vector could do.
    """
    half = fill(float32(0.5))
    three_halves = fill(float32(1.5))
    for at in range(0, count * FLOAT_BYTES, ROW_BYTES):
        y0 = load(base + SLOPE + at)
        y1 = load(base + SLOPE + at + FLOAT_BYTES)
        y2 = load(base + SLOPE + at + 2 * FLOAT_BYTES)
        y3 = load(base + SLOPE + at + 3 * FLOAT_BYTES)
        linear = half * (y2 - y0)
        cubic = three_halves * (y1 - y2) + half * (y3 - y0)
        store(base + LINEAR + at, linear)
        store(base + CUBIC + at, cubic)
        store(base + SQUARE + at, y0 - y1 + linear - cubic)


@audio_thread
def blend(s, base, v, first, count):
    """Fill `slope` with `count` source frames from `first` on, both layers weighted."""
    voice = s.voices[v]
    if voice.reads_stream:
        copy_stream(s, base, voice.stream - 1, first, count)
    else:
        blend_slot(s, base, v, first, count)
    if voice.slide_stream and (voice.slide != 0.0 or voice.slide_from != 0.0):
        add_slide(s, v, first, count)


@audio_thread
def blend_slot(s, base, v, first, count):
    """Fill `slope` from a voice's slot."""
    voice = s.voices[v]
    slot = s.slots[voice.source_bank, LOUD, voice.source_pitch - LOWEST_PITCH]
    soft = slot_address(s, voice.source_bank, SOFT, voice.source_pitch)
    loud = slot_address(s, voice.source_bank, LOUD, voice.source_pitch)
    end = int64(slot.loop_end) if voice.loops else slot.frames_ready
    # Sixteen at a time reads up to fifteen frames more than asked for: keep them inside the slot.
    stride = s.bank_strides[voice.source_bank]
    if first >= 0 and first + count <= end and first + count + LANES <= stride:
        blend_straight(
            base,
            soft + first * FLOAT_BYTES,
            loud + first * FLOAT_BYTES,
            voice.soft_weight,
            voice.loud_weight,
            count,
        )
        return
    soft_audio = carray(floats_at(soft), (stride,), np.float32)
    loud_audio = carray(floats_at(loud), (stride,), np.float32)
    length = int64(slot.loop_end - slot.loop_start)
    for k in range(count):
        at = first + k
        if voice.loops and at >= end:
            at = slot.loop_start + (at - slot.loop_start) % length
        if at < 0 or at >= slot.frames_ready:
            s.slope[k] = float32(0.0)
        elif voice.soft_weight == 0.0:  # that layer may not be there at all
            s.slope[k] = voice.loud_weight * loud_audio[at]
        else:
            s.slope[k] = fused(
                voice.soft_weight, soft_audio[at], voice.loud_weight * loud_audio[at]
            )


@audio_thread
def copy_stream(s, base, stream, first, count):
    """Fill `slope` with `count` frames of a held note that goes on being rendered."""
    length = s.stream_stride
    ring = int64(s.stream_address) + stream * length * FLOAT_BYTES
    at = first % length
    if at + count <= length:
        for k in range(0, count * FLOAT_BYTES, ROW_BYTES):
            store(base + SLOPE + k, load(ring + at * FLOAT_BYTES + k))
        return
    audio = carray(floats_at(ring), (length,), np.float32)
    for k in range(count):
        s.slope[k] = audio[(at + k) % length]


@audio_thread
def add_slide(s, v, first, count):
    """Add to `slope` what a voice's slide adds, as far as it is up: a straight line."""
    voice = s.voices[v]
    length = s.stream_stride
    ring = int64(s.stream_address) + (voice.slide_stream - 1) * length * FLOAT_BYTES
    audio = carray(floats_at(ring), (length,), np.float32)
    first += voice.wrapped
    at = first % length
    for k in range(count):
        share = fused(voice.slide_step, float32(first + k - voice.slide_at), voice.slide_from)
        s.slope[k] = fused(share, audio[at], s.slope[k])
        at += 1
        if at == length:
            at = 0


@audio_thread
def blend_straight(base, soft, loud, soft_weight, loud_weight, count):
    """Blend a stretch that crosses neither an end nor a loop: sixteen frames at a time."""
    stretch = count * FLOAT_BYTES
    for at in range(stretch, 2 * stretch + ROW_BYTES, ROW_BYTES):  # what the next tick will read
        prefetch(loud + at)
        if soft_weight != 0.0:
            prefetch(soft + at)
    of_soft = fill(soft_weight)
    of_loud = fill(loud_weight)
    if soft_weight == 0.0:
        for at in range(0, count * FLOAT_BYTES, ROW_BYTES):
            store(base + SLOPE + at, of_loud * load(loud + at))
    else:
        for at in range(0, count * FLOAT_BYTES, ROW_BYTES):
            louder_part = of_loud * load(loud + at)
            store(base + SLOPE + at, multiply_add(of_soft, load(soft + at), louder_part))


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


assert TICK_FRAMES <= SLOPE_FRAMES
assert SLOPE_FRAMES % LANES == 0
