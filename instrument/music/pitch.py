"""Pitch: MIDI numbers, hertz, mels, scales and keys, each defined once.

In: numbers. Out: numbers. A pitch is a MIDI number, 69 for the A of 440 Hz, and may lie between two
keys. Conversions take one number, an array or a tensor, and return the same in its own precision.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
_Numbers = TypeVar("_Numbers")

PITCHES = 128
"""MIDI pitches, 0 to 127."""
A4_PITCH, A4_HZ = 69.0, 440.0

# Scales: semitones above the tonic.
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
NATURAL_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
HARMONIC_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 11)
ANY_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 9, 10, 11)
"""Both sixths and sevenths: melodies rise through the raised ones and fall through the others."""

# How well each degree fits a key: probe-tone ratings of Krumhansl and Kessler, "Tracing the
# dynamic changes in perceived tonal organization", Psychological Review 89 (1982).
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_PROFILES = np.array(
    [np.roll(mode, tonic) for mode in (MAJOR_PROFILE, MINOR_PROFILE) for tonic in range(12)]
)  # of every key, C major first
_PROFILES -= _PROFILES.mean(axis=1, keepdims=True)
_PROFILE_SIZES = np.linalg.norm(_PROFILES, axis=1)

# O'Shaughnessy, Speech Communication (1987), page 150, in natural logarithms.
MEL_BREAK_HZ, MELS_PER_NEPER = 700.0, 1127.0


@overload
def pitch_to_hz(pitch: float) -> float: ...
@overload
def pitch_to_hz(pitch: _Numbers) -> _Numbers: ...
def pitch_to_hz(pitch: object) -> object:
    """Return equal-tempered frequencies."""
    return A4_HZ * 2.0 ** ((cast("float", pitch) - A4_PITCH) / 12.0)


def hz_to_pitch(hz: npt.ArrayLike) -> Reals:
    """Return pitches, as fine as the frequencies; float64.

    Parameters
    ----------
    hz
        Frequencies above 0, any shape.
    """
    return np.asarray(A4_PITCH + 12.0 * np.log2(np.asarray(hz, np.float64) / A4_HZ))


def hz_to_mel(hz: npt.ArrayLike) -> Reals:
    """Return places on the mel scale; float64.

    Parameters
    ----------
    hz
        Frequencies, any shape.
    """
    return np.asarray(MELS_PER_NEPER * np.log1p(np.asarray(hz, np.float64) / MEL_BREAK_HZ))


def mel_to_hz(mel: npt.ArrayLike) -> Reals:
    """Undo `hz_to_mel`.

    Parameters
    ----------
    mel
        Places on the scale, any shape.
    """
    return np.asarray(MEL_BREAK_HZ * np.expm1(np.asarray(mel, np.float64) / MELS_PER_NEPER))


def mel_bands(
    window_frames: int,
    rate_hz: float,
    bands: int,
    lowest_hz: float = 0.0,
    highest_hz: float | None = None,
    narrowest_hz: float = 0.0,
) -> Reals:
    """Return overlapping triangles with peaks of 1, evenly spaced in mels.

    Parameters
    ----------
    window_frames, rate_hz
        Of the Fourier transform whose bins they weigh.
    bands
        How many.
    lowest_hz, highest_hz
        Where the first one begins and the last one ends; up to half the rate when not given.
    narrowest_hz
        No slope is steeper than over so much: as wide as a bin, every band hears at least one.

    Returns
    -------
    ndarray
        float64, shape (window_frames // 2 + 1, bands), 0 to 1.
    """
    highest_hz = rate_hz / 2.0 if highest_hz is None else highest_hz
    mels = np.linspace(hz_to_mel(lowest_hz), hz_to_mel(highest_hz), bands + 2)
    edges_hz = mel_to_hz(mels)
    hz = np.fft.rfftfreq(window_frames, 1.0 / rate_hz)[:, None]
    widths = np.maximum(np.diff(edges_hz), narrowest_hz)
    rising = 1.0 - (edges_hz[1:-1] - hz) / widths[:-1]
    falling = 1.0 - (hz - edges_hz[1:-1]) / widths[1:]
    return np.asarray(np.minimum(rising, falling).clip(min=0.0))


PERFECT = (0, 7)
"""Intervals, without octaves, in which careful voices do not move side by side."""


def clashing(sounding: Iterable[int]) -> npt.NDArray[np.float32]:
    """Return 1 for each pitch a semitone, in some octave, from what sounds, else 0.

    Parameters
    ----------
    sounding
        MIDI numbers.

    Returns
    -------
    ndarray
        float32, shape (128,).
    """
    classes = np.zeros(12, np.float32)
    for pitch in sounding:
        classes[[(pitch + 1) % 12, (pitch - 1) % 12]] = 1.0
    return classes[np.arange(PITCHES) % 12]


def key_fits(weights: npt.ArrayLike) -> Reals:
    """Return how well music fits each key, -1 to 1 (Krumhansl, 1990, chapter 4).

    Parameters
    ----------
    weights
        Shape (12,): for how long each pitch class sounds, C first.

    Returns
    -------
    ndarray
        float64, shape (24,): correlations with the profiles of C major to B major, then C minor to
        B minor; all 0 where no pitch class stands out.
    """
    heard = np.asarray(weights, np.float64)
    heard = heard - heard.mean()
    sizes = _PROFILE_SIZES * np.linalg.norm(heard)
    return np.asarray(np.divide(_PROFILES @ heard, sizes, out=np.zeros(24), where=sizes > 0.0))
