"""Measure what a recorded tone is made of: f0, stretch, modes, vibrato and motion.

In: one held tone (float32 at 48 kHz) and its MIDI pitch. Out: a `ToneAnalysis`, and the tone with
its vibrato straightened. Everything is measured at the partials that the pitch predicts, so an
octave error cannot happen.

A partial k of a stiff string lies at ``k f0 sqrt(1 + B k^2)`` (Fletcher, 1964); B is the
inharmonicity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, map_coordinates, median_filter

from instrument.music.pitch import pitch_to_hz
from training.audio.format import HOP_FRAMES, SAMPLE_RATE_HZ

MOTION_BANDS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 8), (9, 12), (13, 20), (21, 32))
"""First and last partial number of each band in which motion is measured."""

_FLOOR_DB = -50.0  # partials weaker than this against the strongest are noise on these fonts
_WOBBLE_SMOOTHING_SECONDS = 0.25  # slower change is envelope, not motion
_FEWEST_HOPS = 60  # that show how a partial moves
_FFT_FRAMES = 1 << 17
_FEWEST_PARTIALS = 4  # that can show a stretch
_HARMONIC_PARTIALS = 7  # that can show that there is none
_CENTS_PER_SQUARE = 600.0 / np.log(2.0)  # of a small relative change of a squared frequency

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ToneAnalysis:
    """What one held tone is made of.

    Attributes
    ----------
    cents
        Deviation of f0 from the tempered pitch, in cents; 0 where it cannot be measured.
    inharmonicity
        B of the stiff-string law, 0 for harmonic sounds, NaN where too few partials sound.
    modes
        float64, shape (n, 2): frequency ratio to f0 and level in dB against the strongest partial
        of peaks that belong to no partial.
    wobble_db, wobble_hz
        float64, shape (8,), one value for each of `MOTION_BANDS`: standard deviation and rate of
        the partials' level around its smooth envelope; NaN where there is nothing to measure.
    vibrato_cents
        Standard deviation of the f0 contour that was straightened; 0 if none was.
    """

    cents: float
    inharmonicity: float
    modes: Float
    wobble_db: Float
    wobble_hz: Float
    vibrato_cents: float


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


def analyse_note(
    audio: NDArray[np.float32], pitch: int, is_struck: bool
) -> tuple[ToneAnalysis, Float | None]:
    """Analyse a held tone.

    Parameters
    ----------
    audio
        float32, shape (frames,), at least 1 s at 48 kHz.
    pitch
        MIDI number of the key that was played.
    is_struck
        Whether it may be a stiff string. Bowed, blown and electronic sounds repeat themselves, so
        their partials are exact multiples; a stretch found there would be an error.

    Returns
    -------
    ToneAnalysis
        The measurements, of the straightened tone if it has vibrato.
    NDArray or None
        Where the straightened tone reads the recording, as accepted by `read_at`, or None if the
        tone has no vibrato that could be tracked.
    """
    f0, inharmonicity, modes = _fit_partials(audio, pitch_to_hz(pitch), is_struck)
    contour = track_cents(audio, f0, np.nan_to_num(inharmonicity))
    positions = None
    if contour is not None:
        positions = straightening_positions(contour, audio.size)
        audio = read_at(audio, positions)
        f0, inharmonicity, modes = _fit_partials(audio, pitch_to_hz(pitch), is_struck)
    wobble_db, wobble_hz = measure_wobble(audio, partial_hz(f0, np.nan_to_num(inharmonicity), 32))
    analysis = ToneAnalysis(
        cents=1200.0 * float(np.log2(f0 / pitch_to_hz(pitch))),
        inharmonicity=inharmonicity,
        modes=modes,
        wobble_db=_by_band(wobble_db),
        wobble_hz=_by_band(wobble_hz),
        vibrato_cents=0.0 if contour is None else float(contour.std()),
    )
    return analysis, positions


def demodulate(
    audio: NDArray[np.float32], frequencies_hz: Float, window_frames: int
) -> NDArray[np.complex128]:
    """Return each partial's complex level, every 10 ms.

    Parameters
    ----------
    audio
        float32, shape (frames,).
    frequencies_hz
        float64, shape (partials,).
    window_frames
        Length of the Hann window; three periods separate neighbouring partials.

    Returns
    -------
    NDArray
        complex128, shape (hops, partials); its angle turns by the partial's deviation from its
        nominal frequency.
    """
    windows = np.lib.stride_tricks.sliding_window_view(audio, window_frames)[::HOP_FRAMES]
    time = np.arange(window_frames) / SAMPLE_RATE_HZ
    turns = np.outer(time, frequencies_hz)
    weight = np.hanning(window_frames)[:, None] * (2.0 / np.hanning(window_frames).sum())
    basis = (weight * np.exp(-2j * np.pi * turns)).astype(np.complex64)
    starts = np.arange(len(windows)) * HOP_FRAMES / SAMPLE_RATE_HZ
    levels = windows @ basis.real + 1j * (windows @ basis.imag)
    return np.asarray(levels * np.exp(-2j * np.pi * ((starts[:, None] * frequencies_hz) % 1.0)))


def level_ripples(audio: NDArray[np.float32], frequencies_hz: Float) -> Float:
    """Follow how the level of each partial moves around its smooth envelope.

    Parameters
    ----------
    audio
        float32, shape (frames,): a held tone; the first 0.25 s is left out.
    frequencies_hz
        float64, shape (partials,).

    Returns
    -------
    NDArray
        float64, shape (hops, partials): dB, 10 ms apart, from 0.25 s on; NaN where a partial is
        too weak or above 20 kHz. One that decays counts while it is clear of the noise.
    """
    window = int(max(3072, 3 * SAMPLE_RATE_HZ / float(frequencies_hz[0])))
    decibels = np.full((1, frequencies_hz.size), -200.0)
    if audio.size > window:
        decibels = 20.0 * np.log10(np.abs(demodulate(audio, frequencies_hz, window)) + 1e-9)
    loud = decibels > decibels.max() + _FLOOR_DB
    decibels, loud = (x[int(0.25 * SAMPLE_RATE_HZ / HOP_FRAMES) :] for x in (decibels, loud))
    ripples = np.full(decibels.shape, np.nan)
    for k in np.flatnonzero((frequencies_hz < 20000.0) & (loud.sum(axis=0) >= _FEWEST_HOPS)):
        last = int(np.argmin(np.append(loud[:, k], False)))
        if last >= _FEWEST_HOPS:
            level = decibels[:last, k]
            smooth = gaussian_filter1d(level, _WOBBLE_SMOOTHING_SECONDS * 100, mode="nearest")
            ripples[:last, k] = level - smooth
    return ripples


def measure_wobble(audio: NDArray[np.float32], frequencies_hz: Float) -> tuple[Float, Float]:
    """Measure how much and how fast the level of each partial moves: its `level_ripples`.

    Parameters are those of `level_ripples`.

    Returns
    -------
    wobble_db, wobble_hz
        float64, shape (partials,): standard deviation in dB, and rate in cycles per second; NaN
        for partials that are too weak or above 20 kHz.
    """
    depth, rate = np.full((2, frequencies_hz.size), np.nan)
    ripples = level_ripples(audio, frequencies_hz)
    for k in np.flatnonzero(np.isfinite(ripples).any(axis=0)):
        ripple = ripples[np.isfinite(ripples[:, k]), k]
        depth[k] = ripple.std()
        crossings = np.count_nonzero(np.diff(np.signbit(ripple)))
        rate[k] = crossings / 2.0 / (ripple.size * HOP_FRAMES / SAMPLE_RATE_HZ)
    return depth, rate


def track_cents(audio: NDArray[np.float32], f0_hz: float, inharmonicity: float) -> Float | None:
    """Track the deviation of f0 over time, if there is a vibrato or a glide that can be trusted.

    Returns
    -------
    NDArray or None
        float64, cents per 10 ms hop, or None where the partials disagree, or nothing moves.
    """
    frequencies = partial_hz(f0_hz, inharmonicity, 10)
    frequencies = frequencies[frequencies < 12000.0]
    window = int(np.clip(3 * SAMPLE_RATE_HZ / f0_hz, 1536, 4096))
    if frequencies.size == 0 or audio.size < window + 50 * HOP_FRAMES:
        return None
    levels = demodulate(audio, frequencies, window)
    turning = np.angle(levels[1:] * np.conj(levels[:-1])) / (2 * np.pi)
    cents = turning * (SAMPLE_RATE_HZ / HOP_FRAMES) / frequencies * (1200.0 / np.log(2.0))
    strength = np.abs(levels[1:]) ** 2
    strength *= strength > strength.max() * 10 ** (_FLOOR_DB / 10.0)
    total = strength.sum(axis=1)
    if (total > 0).mean() < 0.9:
        return None
    contour = (cents * strength).sum(axis=1) / np.maximum(total, 1e-20)
    contour = gaussian_filter1d(median_filter(contour, 5, mode="nearest"), 1.5, mode="nearest")
    spread = np.sqrt((strength * (cents - contour[:, None]) ** 2).sum() / strength.sum())
    steady = contour[12:]
    if not 1.5 < steady.std() < 60.0 or spread > 0.8 * steady.std() + 1.0:
        return None
    centred = contour - np.median(steady)
    centred[:4] = centred[4]  # the first windows straddle the onset
    delay = window / 2 / HOP_FRAMES
    hops = np.arange(centred.size + 8) - delay
    return np.asarray(np.interp(hops, np.arange(centred.size), centred))


def straightening_positions(contour_cents: Float, frames: int) -> Float:
    """Return where to read a recording so that its f0 contour becomes a constant.

    Parameters
    ----------
    contour_cents
        float64, shape (hops,), cents against the wanted f0.
    frames
        Length of the recording.

    Returns
    -------
    NDArray
        float64, shape (frames,): positions in frames of the recording, increasing, from 0.
    """
    source = np.arange(frames)
    cents = np.interp(source / HOP_FRAMES, np.arange(contour_cents.size), contour_cents)
    straight = np.concatenate([[0.0], np.cumsum(2.0 ** (cents / 1200.0))[:-1]])
    return np.interp(source, straight, source)


def read_at(audio: NDArray[np.float32], positions: Float) -> NDArray[np.float32]:
    """Read a recording at fractional positions with a fifth-order spline."""
    return np.asarray(
        map_coordinates(audio, positions[None, :], np.float32, order=5, mode="nearest"), np.float32
    )


def _by_band(values: Float) -> Float:
    bands = [values[first - 1 : last] for first, last in MOTION_BANDS]
    return np.array([np.nanmean(b) if np.isfinite(b).any() else np.nan for b in bands])


def _fit_partials(
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
        if level > _FLOOR_DB:
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
