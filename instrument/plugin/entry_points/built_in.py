"""What the helper calls for the built-in tone: its memory comes from C."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import math

import numpy as np
from numpy import float32, float64, int64

from instrument.realtime.dsp import exp2, sine
from instrument.realtime.memory.constants import (
    BUILT_IN_BANK,
    HIGHEST_PITCH,
    LANES,
    LAYER_COUNT,
    LOWEST_PITCH,
    PITCH_COUNT,
)
from instrument.realtime.native import audio_thread, carray, floats_at
from instrument.realtime.tones.built_in_tone import (
    GAIN,
    HARMONICS,
    LOOP_FROM_SECONDS,
    RISE_SECONDS,
    SECONDS,
    SEMITONES_APART,
)

MOST_HARMONICS = max(map(len, HARMONICS.values()))
AMPLITUDES = np.zeros((LAYER_COUNT, MOST_HARMONICS))
for _layer, _amplitudes in HARMONICS.items():
    AMPLITUDES[_layer, : len(_amplitudes)] = _amplitudes


def lk_tone_stride(rate_hz):
    """Return how far apart the built-in tone's slots lie, in frames."""
    return int64(tone_frames(rate_hz) + LANES) // LANES * LANES + LANES


def lk_tone(state, address, audio_is_there):
    """Helper, not processing: the built-in tone into bank 0; see `realtime.tones.built_in_tone`."""
    s = carray(state, (1,))[0]
    rate_hz = s.rate_hz
    stride = int64(tone_frames(rate_hz) + LANES) // LANES * LANES + LANES
    s.bank_addresses[BUILT_IN_BANK] = address
    s.bank_strides[BUILT_IN_BANK] = stride
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1, SEMITONES_APART):
        period = rate_hz / (440.0 * exp2((pitch - 69) / 12.0))
        longest = tone_frames(rate_hz)
        start = min(round_half_even(LOOP_FROM_SECONDS * rate_hz), longest // 4)
        periods = int64((longest - start) / period - 0.5)
        end = start + round_half_even(periods * period)
        for layer in range(LAYER_COUNT):
            if not audio_is_there:
                index = layer * PITCH_COUNT + pitch - LOWEST_PITCH
                audio = carray(
                    floats_at(int64(address) + index * stride * 4), (stride,), np.float32
                )
                write_tone(audio, layer, end, periods / (end - start), period, rate_hz)
            slot = s.slots[BUILT_IN_BANK, layer, pitch - LOWEST_PITCH]
            slot.frames_whole = end
            slot.loop_start = start
            slot.loop_end = end
            slot.loop_decay_per_frame = float32(1.0)
            slot.gain = float32(GAIN)
            slot.frames_ready = end
    s.banks[BUILT_IN_BANK].gain_db = float32(0.0)


@audio_thread
def tone_frames(rate_hz):
    """Return the length of the longest tone in frames."""
    return round_half_even(SECONDS * rate_hz)


@audio_thread
def round_half_even(x):
    """Round as Python does."""
    whole = math.floor(x + 0.5)
    if whole - x == 0.5 and int64(whole) % 2 != 0:
        whole -= 1.0
    return int64(whole)


@audio_thread
def write_tone(audio, layer, end, step, period, rate_hz):
    """Write one tone: harmonics of a sine that turns by `step` per frame."""
    for frame in range(end):
        turns = frame * step
        sum_ = 0.0
        for number in range(1, MOST_HARMONICS + 1):
            if number < period / 2 and AMPLITUDES[layer, number - 1] > 0.0:
                sum_ += AMPLITUDES[layer, number - 1] * sine(number * turns)
        audio[frame] = float32(sum_ * min(frame / (RISE_SECONDS * rate_hz), float64(1.0)))
