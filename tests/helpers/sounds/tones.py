"""Notes made by formula, for tests that need to know what they should hear."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from instrument.realtime.memory.constants import HIGHEST_PITCH, LOUD, LOWEST_PITCH, SOFT
from instrument.realtime.memory.state import EngineState

ALL_PITCHES = range(LOWEST_PITCH, HIGHEST_PITCH + 1)


def frequency_hz(pitch: float) -> float:
    """Equal temperament, A4 = pitch 69 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def sine(pitch: float, frames: int, rate_hz: float = 48_000.0) -> NDArray[np.float32]:
    """Return a sine of amplitude 0.5 that begins at phase 0."""
    turns = np.arange(frames) * (frequency_hz(pitch) / rate_hz)
    audio: NDArray[np.float32] = (0.5 * np.sin(2 * np.pi * turns)).astype(np.float32)
    return audio


def fill_bank(
    state: EngineState,
    bank: int,
    pitches: Iterable[int] = ALL_PITCHES,
    *,
    frames: int = 48_000,
    soft_scale: float = 1.0,
    looped: bool = True,
) -> None:
    """Fill slots with sines; loops hold whole periods, to the nearest frame."""
    for pitch in pitches:
        audio = sine(pitch, frames, state.rate_hz)
        period = state.rate_hz / frequency_hz(pitch)
        start = frames // 4
        periods = int((frames - start) / period) - 1
        loop = (start, start + round(periods * period)) if looped else None
        state.write_slot(bank, LOUD, pitch, audio, loop=loop)
        state.write_slot(bank, SOFT, pitch, audio * np.float32(soft_scale), loop=loop)


def heard_hz(audio: NDArray[np.float32], rate_hz: float = 48_000.0) -> float:
    """Return the frequency of the strongest partial: windowed DFT, parabola through three bins."""
    window = np.hanning(len(audio))
    size = 1 << (len(audio) - 1).bit_length() + 2
    level = np.log(np.abs(np.fft.rfft(audio * window, size)) + 1e-12)
    peak = int(level[1:-1].argmax()) + 1
    left, middle, right = level[peak - 1 : peak + 2]
    offset = 0.5 * (left - right) / (left - 2 * middle + right)
    return float((peak + offset) * rate_hz / size)


def cents(found_hz: float, pitch: float) -> float:
    """Return how far a frequency is from a pitch."""
    return float(1200.0 * np.log2(found_hz / frequency_hz(pitch)))


def largest_step(audio: NDArray[np.float32]) -> float:
    """Return the largest jump from one frame to the next."""
    return float(np.abs(np.diff(audio, axis=0)).max())
