"""GANSynth's warp between linear and mel frequency, with the peculiarities of the authors' code.

Published weights depend on every one of them (Engel et al., 2019, section 3; Magenta's
``spectral_ops``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from instrument.music.pitch import MEL_BREAK_HZ, MELS_PER_NEPER, hz_to_mel, mel_to_hz
from training.audio.format import WAVE_RATE_HZ

Float = NDArray[np.float64]


@lru_cache
def linear_to_mel(bins: int, sample_rate_hz: float = WAVE_RATE_HZ) -> Float:
    """Return the warp from linear to as many mel bins, (bins, bins).

    Bands narrower than 1.5 bins are widened one after the other *in place*: the edges are views of
    one array, so widening one band moves its neighbours' edges. The published weights expect that.
    """
    nyquist = sample_rate_hz / 2.0
    edges = np.linspace(0.0, hz_to_mel(nyquist), bins + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    narrow = 1.5 * nyquist / bins
    for band in range(bins):
        low, middle, high = (mel_to_hz(edges[band + place]) for place in range(3))
        if high - low < narrow:
            ratio = 0.5 * narrow / (middle + MEL_BREAK_HZ)
            half_width = MELS_PER_NEPER * np.log(ratio + np.sqrt(1.0 + ratio**2))
            lower[band] = centre[band] - half_width
            upper[band] = centre[band] + half_width
    low_hz, centre_hz, high_hz = mel_to_hz(lower), mel_to_hz(centre), mel_to_hz(upper)
    frequency = np.linspace(0.0, nyquist, bins)[1:, None]
    rising = (frequency - low_hz) / (centre_hz - low_hz)
    falling = (high_hz - frequency) / (high_hz - centre_hz)
    return np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((1, 0), (0, 0)))


@lru_cache
def mel_to_linear(bins: int) -> Float:
    """Return the approximate inverse of `linear_to_mel`, float64, shape (bins, bins)."""
    matrix = linear_to_mel(bins)
    total = (matrix @ matrix.T).sum(axis=0)
    safe = np.where(np.abs(total) > 1e-8, total, 1.0)
    return np.asarray(matrix.T * np.where(np.abs(total) > 1e-8, 1.0 / safe, total))
