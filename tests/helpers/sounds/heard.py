"""What the tests of wave sets hear: pitch by a long Fourier transform, and level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.audio.format import WAVE_RATE_HZ


def show(*_: object) -> None:
    """Take the place of a progress bar."""


def heard_pitch(wave: NDArray[np.float32]) -> float:
    """Return the MIDI pitch of a sine: its peak in one long windowed spectrum, by a parabola."""
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(wave.size), 1 << 18))
    peak = int(np.argmax(spectrum))
    left, middle, right = np.log(spectrum[peak - 1 : peak + 2])
    place = peak + 0.5 * (left - right) / (left - 2.0 * middle + right)
    return float(69.0 + 12.0 * np.log2(place * WAVE_RATE_HZ / (1 << 18) / 440.0))


def level_db(wave: NDArray[np.float32]) -> float:
    """Return the peak in dB of full scale."""
    return float(20.0 * np.log10(np.abs(wave).max()))
