"""GANSynth's warp between linear and mel frequency, with the peculiarities of the authors' code.

Published weights depend on every one of them (Engel et al., 2019, section 3; Magenta's
``spectral_ops``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.audio.format import WAVE_RATE_HZ

_MEL_BREAK_HZ, _MEL_Q = 700.0, 1127.0

Float = NDArray[np.float64]


@lru_cache
def linear_to_mel(bins: int, sample_rate_hz: float = WAVE_RATE_HZ) -> Float:
    """Return the warp from linear to as many mel bins, (bins, bins).

    Bands narrower than 1.5 bins are widened one after the other *in place*: the edges are views of
    one array, so widening one band moves its neighbours' edges. The published weights expect that.
    """
    nyquist = sample_rate_hz / 2.0
    edges = np.linspace(0.0, _mel(np.array(nyquist)), bins + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    narrow = 1.5 * nyquist / bins
    for band in range(bins):
        low, middle, high = (_hz(edges[band + place]) for place in range(3))
        if high - low < narrow:
            ratio = 0.5 * narrow / (middle + _MEL_BREAK_HZ)
            half_width = _MEL_Q * np.log(ratio + np.sqrt(1.0 + ratio**2))
            lower[band] = centre[band] - half_width
            upper[band] = centre[band] + half_width
    low_hz, centre_hz, high_hz = _hz(lower), _hz(centre), _hz(upper)
    frequency = np.linspace(0.0, nyquist, bins)[1:, None]
    rising = (frequency - low_hz) / (centre_hz - low_hz)
    falling = (high_hz - frequency) / (high_hz - centre_hz)
    return np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((1, 0), (0, 0)))


@lru_cache
def mel_to_linear(bins: int) -> Float:
    """Return the approximate inverse of `linear_to_mel`."""
    matrix = linear_to_mel(bins)
    total = (matrix @ matrix.T).sum(axis=0)
    safe = np.where(np.abs(total) > 1e-8, total, 1.0)
    return np.asarray(matrix.T * np.where(np.abs(total) > 1e-8, 1.0 / safe, total))


def _mel(hz: Float) -> Float:
    return np.asarray(_MEL_Q * np.log1p(hz / _MEL_BREAK_HZ))


def _hz(mel: Float) -> Float:
    return np.asarray(_MEL_BREAK_HZ * np.expm1(mel / _MEL_Q))
