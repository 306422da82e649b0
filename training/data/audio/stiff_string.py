"""Fit a stiff string to one held tone: its fundamental, its stretched partials, other peaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.audio.format import SAMPLE_RATE_HZ

FLOOR_DB = -50.0  # partials weaker than this against the strongest are noise on these fonts
_FFT_FRAMES = 1 << 17
_FEWEST_PARTIALS = 4  # that can show a stretch
_HARMONIC_PARTIALS = 7  # that can show that there is none
_CENTS_PER_SQUARE = 600.0 / np.log(2.0)  # of a small relative change of a squared frequency
Float = NDArray[np.float64]


def partial_hz(f0_hz: float, inharmonicity: float, count: int) -> Float:
    """Return the frequencies of the first partials of a stiff string, float64, shape (count,).

    Parameters
    ----------
    inharmonicity
        B of f = n f0 √(1 + B n²).
    """
    number = np.arange(1, count + 1)
    hz: Float = f0_hz * number * np.sqrt(1.0 + inharmonicity * number**2)
    return hz


def fit_partials(
    audio: NDArray[np.float32], nominal_hz: float, is_struck: bool
) -> tuple[float, float, Float]:
    """Fit f0 and B to spectral peaks, one partial after the other; also return the other peaks."""
    section = audio[int(0.03 * SAMPLE_RATE_HZ) : int(1.4 * SAMPLE_RATE_HZ)]
    spectrum = np.abs(np.fft.rfft(section * np.hanning(section.size), _FFT_FRAMES))
    decibels = 20.0 * np.log10(spectrum + 1e-12)
    decibels -= decibels.max()
    bin_hz = SAMPLE_RATE_HZ / _FFT_FRAMES
    found: list[tuple[int, float, float]] = []
    f0, inharmonicity = nominal_hz, 0.0
    for number in range(1, 25):
        expected = float(partial_hz(f0, inharmonicity, number)[-1])
        if expected > 18000.0:
            break
        reach = max(0.012 * expected if number < 4 else 0.006 * expected, 2.5)
        peak, level = _peak_near(decibels, expected / bin_hz, min(reach, 0.4 * f0) / bin_hz)
        if level > FLOOR_DB:
            found.append((number, peak * bin_hz, level))
            f0, inharmonicity = _fit_stiff_string(found, nominal_hz, is_struck)
    peaks = _other_peaks(decibels, f0, inharmonicity, bin_hz)
    is_unknown = is_struck and inharmonicity == 0.0 and len(found) < _HARMONIC_PARTIALS
    return f0, np.nan if is_unknown else inharmonicity, peaks


def _peak_near(decibels: Float, centre: float, reach: float) -> tuple[float, float]:
    """Return the bin (fractional, by a parabola) and level of the peak nearest a bin, or -200."""
    low, high = max(int(centre - reach), 1), int(centre + reach) + 2
    best = low + int(np.argmax(decibels[low:high]))
    if best in (low, high - 1) or best + 1 >= decibels.size:
        return centre, -200.0
    left, middle, right = decibels[best - 1 : best + 2]
    return best + 0.5 * (left - right) / (left - 2 * middle + right), float(middle)


def _fit_stiff_string(
    found: list[tuple[int, float, float]], nominal_hz: float, is_struck: bool
) -> tuple[float, float]:
    """Fit (f_k / k)^2 = f0^2 (1 + B k^2) by least squares, weighted by level.

    Stray peaks are dropped in three rounds. B is believed only if it at least halves the error that
    a harmonic series leaves.
    """
    number, frequency, level = np.array(found).T
    weight = 10.0 ** (np.maximum(level, -30.0) / 40.0)
    ordinate = (frequency / number) ** 2
    harmonic = _near(float(np.sqrt(np.average(ordinate, weights=weight**2))), nominal_hz)
    if not is_struck or len(found) < _FEWEST_PARTIALS:
        return harmonic, 0.0
    design = np.stack([np.ones_like(number), number**2], axis=1)
    kept = np.ones(len(found), bool)
    for _ in range(3):
        weighted = weight * kept
        solution = np.linalg.lstsq(design * weighted[:, None], ordinate * weighted, rcond=None)[0]
        error = _CENTS_PER_SQUARE * (ordinate / np.maximum(design @ solution, 1.0) - 1.0)
        kept = np.abs(error) < max(4.0 * float(np.median(np.abs(error[kept]))), 3.0)
        if kept.sum() < max(_FEWEST_PARTIALS, 0.6 * len(found)):
            return harmonic, 0.0
    plain = np.average(ordinate[kept], weights=weight[kept] ** 2)
    plain_error = _CENTS_PER_SQUARE * (ordinate[kept] / plain - 1.0)
    stretch = float(solution[1] / max(solution[0], 1.0))
    ours, theirs = np.sqrt(np.mean(error[kept] ** 2)), np.sqrt(np.mean(plain_error**2))
    if 2e-6 < stretch < 0.02 and ours < min(0.5 * theirs, 8.0):
        return _near(float(np.sqrt(solution[0])), nominal_hz), stretch
    return harmonic, 0.0


def _near(f0_hz: float, nominal_hz: float) -> float:
    """Keep f0 within 80 cents of its key: farther off it is some other partial."""
    return f0_hz if abs(np.log2(f0_hz / nominal_hz)) < 80 / 1200 else nominal_hz


def _other_peaks(decibels: Float, f0_hz: float, inharmonicity: float, bin_hz: float) -> Float:
    """Return (ratio, level) of up to 16 clear peaks that lie away from every partial."""
    residual = decibels.copy()
    width = max(0.12 * f0_hz, 6.0) / bin_hz
    for frequency in partial_hz(f0_hz, inharmonicity, 60):
        centre = frequency / bin_hz
        residual[max(int(centre - width), 0) : int(centre + width) + 1] = -200.0
    residual[: int(0.3 * f0_hz / bin_hz)] = -200.0
    residual[int(min(24 * f0_hz, 18000.0) / bin_hz) :] = -200.0
    peaks: list[tuple[float, float]] = []
    for _ in range(16):
        best = int(np.argmax(residual))
        level = float(residual[best])
        around = decibels[max(best - 400, 0) : best + 400]
        if level < -40.0:
            break
        if level > np.median(around) + 20.0 and _is_peak(decibels, best):
            peaks.append((best * bin_hz / f0_hz, level))
        residual[max(int(best - width), 0) : int(best + width) + 1] = -200.0
    return np.array(peaks, np.float64).reshape(-1, 2)


def _is_peak(decibels: Float, index: int) -> bool:
    return bool(decibels[index] >= decibels[max(index - 3, 0) : index + 4].max())
