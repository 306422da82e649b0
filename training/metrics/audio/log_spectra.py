"""Tones as vectors whose distances are differences in timbre.

In: tones, float32, (n, frames) at 16 kHz. Out: mel levels in dB, float32, (n, windows · bands).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from instrument.music.pitch import mel_bands

SAMPLE_RATE_HZ = 16000
BANDS = 128
_WINDOW, _HOP, _POOLED = 2048, 512, 4
_FLOOR_DB = 80.0


def log_spectra(tones: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return levels of 128 mel bands in 128 ms steps, dB below each tone's loudest, down to -80.

    Parameters
    ----------
    tones
        float32, shape (n, frames), 16 kHz; how loud a tone is does not count.
    """
    return np.stack([_spectrum(tone) for tone in tones])


def distance_db(one: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the rms difference in dB of one spectrum to others, shape (n,)."""
    difference = np.asarray(others, np.float64) - one
    return np.asarray(np.sqrt(np.mean(np.square(difference), axis=-1)))


def _spectrum(tone: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(tone, _WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.square(np.abs(rfft(windows * np.hanning(_WINDOW).astype(np.float32), axis=1)))
    whole = len(power) // _POOLED * _POOLED
    pooled = power[:whole].reshape(-1, _POOLED, power.shape[1]).mean(axis=1) @ _mel_bands()
    decibels = 10.0 * np.log10(pooled / max(float(pooled.max()), 1e-20) + 1e-20)
    return np.asarray(decibels.clip(min=-_FLOOR_DB).ravel(), np.float32)


@lru_cache
def _mel_bands() -> NDArray[np.float32]:
    return mel_bands(_WINDOW, SAMPLE_RATE_HZ, BANDS).astype(np.float32)
