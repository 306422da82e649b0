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
from training.data.audio.stiff_string import FLOOR_DB, Float, fit_partials, partial_hz

MOTION_BANDS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 8), (9, 12), (13, 20), (21, 32))
"""First and last partial number of each band in which motion is measured."""

_WOBBLE_SMOOTHING_SECONDS = 0.25  # slower change is envelope, not motion
_FEWEST_HOPS = 60  # that show how a partial moves


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
    f0, inharmonicity, modes = fit_partials(audio, pitch_to_hz(pitch), is_struck)
    contour = track_cents(audio, f0, np.nan_to_num(inharmonicity))
    positions = None
    if contour is not None:
        positions = straightening_positions(contour, audio.size)
        audio = read_at(audio, positions)
        f0, inharmonicity, modes = fit_partials(audio, pitch_to_hz(pitch), is_struck)
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
    loud = decibels > decibels.max() + FLOOR_DB
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
    strength *= strength > strength.max() * 10 ** (FLOOR_DB / 10.0)
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
