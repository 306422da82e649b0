"""What each voice reads, into its column of `tile`: both layers blended, resampled.

One call fills one column for one *segment*: at most a tick. Slots, loops and streams' rings are
read here and nowhere else.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import float32, int32, int64, uint64

from instrument.realtime.memory.constants import (
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
    audio_thread,
    carray,
    fill,
    floats_at,
    fused,
    load,
    multiply_add,
    prefetch,
    store,
)

ONE = 1 << 32  # one frame in 32.32 fixed point
FLOAT_BYTES = 4
ROW_BYTES = FLOAT_BYTES * LANES
OFFSET = {name: STATE.fields[name][1] for name in STATE.fields}  # type: ignore[union-attr, index]
SLOPE = OFFSET["slope"]
LINEAR = OFFSET["linear"]
SQUARE = OFFSET["square"]
CUBIC = OFFSET["cubic"]


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


assert TICK_FRAMES <= SLOPE_FRAMES
assert SLOPE_FRAMES % LANES == 0
