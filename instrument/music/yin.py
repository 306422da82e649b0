"""Estimate the pitch of a recorded note whose file does not name it.

YIN (de Cheveigné and Kawahara, 2002): the shortest period after which a wave repeats itself; where
nothing repeats it says so. Of 704 notes of 104 SoundFont instruments, pitches 24 to 84, 92.6 %
come within half a semitone of the key (95 % of those within 15 cents) and 0.9 % are refused; the
rest are nearly all instruments that sound in another octave than their key, such as guitar
harmonics and organs with a sixteen-foot stop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from instrument.music.pitch import hz_to_pitch, pitch_to_hz

RATE_HZ = 16_000
LOWEST_PITCH, HIGHEST_PITCH = 21, 108
"""A piano's."""

_THRESHOLD = 0.15  # of the normalised difference; section II.D of the paper tries 0.1
_UNCLEAR = 0.35
_FINE = 4  # lags per frame
_HOP_FRAMES, _MOST_WINDOWS = 1600, 16
_AUDIBLE = 10.0 ** (-30.0 / 20.0)

Float = NDArray[np.float64]


def estimate_pitch(wave: NDArray[np.float32]) -> float:
    """Estimate a note's pitch.

    Parameters
    ----------
    wave
        float32, shape (frames,), at 16 kHz, one note.

    Returns
    -------
    float
        MIDI number with a fraction: the median over windows of 0.2 s.

    Raises
    ------
    ValueError
        The pitch is not clear: it is too short, or noise, or several notes.
    """
    longest = int(RATE_HZ / pitch_to_hz(LOWEST_PITCH - 1)) + 2
    window = 4 * longest
    if wave.size < window:
        raise ValueError("it is too short to estimate its pitch")
    windows = np.lib.stride_tricks.sliding_window_view(wave, window)[::_HOP_FRAMES]
    power = np.sqrt(np.mean(np.square(windows, dtype=np.float64), axis=1))
    loud = np.flatnonzero(power > _AUDIBLE * power.max())[:_MOST_WINDOWS]
    found = [_period(windows[place].astype(np.float64), longest) for place in loud]
    clear = [period for period, dip in found if dip < _UNCLEAR]
    if len(clear) < 0.5 * len(found):
        raise ValueError("its pitch is not clear: name the file after it, like violin_A4.wav")
    return float(np.median(hz_to_pitch(RATE_HZ / np.array(clear))))


def _period(window: Float, longest: int) -> tuple[float, float]:
    """Return the period in frames, and how far the wave is from repeating itself after it."""
    shortest = int(_FINE * RATE_HZ / pitch_to_hz(HIGHEST_PITCH + 1))
    difference = _normalised_difference(window, longest)
    below = np.flatnonzero(difference[shortest:-1] < _THRESHOLD) + shortest
    if below.size:
        lag = int(below[0])
        while lag + 2 < difference.size and difference[lag + 1] < difference[lag]:
            lag += 1
    else:
        lag = shortest + int(np.argmin(difference[shortest:-1]))
    left, middle, right = difference[lag - 1 : lag + 2]
    curve = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / curve if curve > 0.0 else 0.0
    return (lag + float(np.clip(shift, -0.5, 0.5))) / _FINE, float(middle)


def _normalised_difference(window: Float, longest: int) -> Float:
    """Return equation 8 of the paper for lags from 0 to `longest`, a quarter of a frame apart.

    The difference, equation 6, is two powers less twice a correlation. That comes from a Fourier
    transform, with zeros above half the rate: at seven frames a period, whole frames would miss it.
    """
    size, points = window.size - longest, 2 * window.size
    spectrum = np.fft.rfft(window, points) * np.fft.rfft(window[:size], points).conj()
    correlation = _FINE * np.fft.irfft(spectrum, _FINE * points)[: _FINE * longest + 1]
    sums = np.concatenate([[0.0], np.cumsum(window**2)])
    powers = sums[size : size + longest + 1] - sums[: longest + 1]
    lags = np.arange(_FINE * longest + 1)
    power = np.interp(lags / _FINE, np.arange(longest + 1), powers)
    difference = np.maximum(power[0] + power - 2.0 * correlation, 0.0)
    mean = np.cumsum(difference[1:]) / lags[1:]
    return np.concatenate([[1.0], difference[1:] / np.maximum(mean, 1e-20)])
