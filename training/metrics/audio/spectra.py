"""How far one tone's spectrum is from another's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WINDOW_SECONDS, _HOP_SECONDS = 0.064, 0.016
_FLOOR_DB = -60.0


def magnitudes(audio: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float64]:
    """Return STFT magnitudes, shape (windows, bins), of 64 ms Hann windows every 16 ms.

    Parameters
    ----------
    audio
        Full scale ±1, shape (frames,).
    sample_rate_hz
        Of the samples.
    """
    size, hop = int(_WINDOW_SECONDS * sample_rate_hz), int(_HOP_SECONDS * sample_rate_hz)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(audio, size // 2), size)[::hop]
    return np.abs(np.fft.rfft(windows * np.hanning(size), axis=1))


def log_spectral_distance(
    reference: NDArray[np.float64],
    other: NDArray[np.float64],
    sample_rate_hz: int,
    top_hz: float = 24000.0,
) -> float:
    """Return the rms difference in dB over all windows and bins up to a frequency.

    Levels more than 60 dB below the reference's peak count as equal. Such a floor rewards silence,
    so the number for the full band looks better than the one up to 8 kHz: always give both.

    Parameters
    ----------
    reference, other
        From `magnitudes`, equal shapes.
    sample_rate_hz
        Of the samples.
    top_hz
        Up to which it counts.
    """
    last = round(top_hz * _WINDOW_SECONDS) + 1
    assert last <= int(sample_rate_hz * _WINDOW_SECONDS) // 2 + 1
    floor = reference.max() * 10.0 ** (_FLOOR_DB / 20.0)
    ratio = np.maximum(reference[:, :last], floor) / np.maximum(other[:, :last], floor)
    return float(np.sqrt(np.mean((20.0 * np.log10(ratio)) ** 2)))


def spectral_convergence(reference: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the Frobenius norm of the difference over that of the reference.

    Parameters
    ----------
    other
        Of the same shape.
    """
    return float(np.linalg.norm(reference - other) / np.linalg.norm(reference))


def spectral_centroid_hz(audio: NDArray[np.float32], sample_rate_hz: int) -> float:
    """Return the power-weighted mean frequency of a whole tone.

    Parameters
    ----------
    audio
        Full scale ±1, shape (frames,).
    sample_rate_hz
        Of the samples.
    """
    power = np.abs(np.fft.rfft(audio)) ** 2
    frequency = np.fft.rfftfreq(audio.size, 1.0 / sample_rate_hz)
    return float((power * frequency).sum() / max(power.sum(), 1e-30))
