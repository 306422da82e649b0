"""Figures of rendered notes. In: float32 stereo, (frames, 2). Out: decibels, shares, cents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from instrument.music.pitch import pitch_to_hz

Stereo = NDArray[np.float32]

BRIGHT_HZ = 2500.0
RIPPLE_SECONDS = 0.04
SHORTEST_LAG_SECONDS = 0.3
ENVELOPE_SECONDS = 0.1
FADE_SECONDS = 0.1
CLICK_CREST = 12.0  # of a prediction's error; the steepest of the notes that nobody clicked: 5.3
CLICK_ORDER = 24
CLICK_SECONDS = 0.5
CLICK_NEAR_SECONDS = 0.004
_TINY = 1e-20


def side_over_mid_db(audio: Stereo) -> float:
    """Return how wide a sound is: the difference of its channels over their sum, in dB."""
    return _db(_power(audio[:, 0] - audio[:, 1]) / (_power(audio.sum(axis=1)) + _TINY))


def mono_loss_db(audio: Stereo) -> float:
    """Return how much a sound loses when its channels are added up."""
    return _db(0.5 * (_power(audio[:, 0]) + _power(audio[:, 1])) / (_power(audio.mean(axis=1)) + _TINY))


def correlation(audio: Stereo) -> float:
    """Return how alike left and right are, -1 to 1."""
    left, right = audio[:, 0].astype(np.float64), audio[:, 1].astype(np.float64)
    return float(left @ right / np.sqrt((left @ left) * (right @ right) + _TINY))


def bright_share_db(audio: Stereo, rate_hz: int) -> float:
    """Return the power above 2.5 kHz over all of it, in dB.

    The end is faded out: a cut through a dark note has more treble than the note.
    """
    mono, fade = audio.mean(axis=1, dtype=np.float64), round(FADE_SECONDS * rate_hz)
    mono[-fade:] *= np.cos(np.linspace(0.0, np.pi / 2.0, fade)) ** 2
    power = np.abs(np.fft.rfft(mono)) ** 2
    hz = np.fft.rfftfreq(len(audio), 1.0 / rate_hz)
    return _db(power[hz > BRIGHT_HZ].sum() / (power.sum() + _TINY))


def ripple_db(audio: Stereo, rate_hz: int) -> float:
    """Return by how much a held note's level goes up and down, peak to peak, its trend removed.

    The trend is a straight line in dB, so that a note that dies away is no ripple.
    """
    power = _smoothed((audio.astype(np.float64) ** 2).sum(axis=1), round(RIPPLE_SECONDS * rate_hz))
    level = 10.0 * np.log10(power[:: rate_hz // 200] + _TINY)
    times = np.arange(len(level))
    level -= np.polyval(np.polyfit(times, level, 1), times)
    return float(np.percentile(level, 99) - np.percentile(level, 1))


def self_likeness(audio: Stereo, rate_hz: int) -> float:
    """Return how well a held note matches its own past at its best lag beyond 0.3 s, 0 to 1.

    Its envelope is removed. A loop that goes round unchanged gives 1.
    """
    mono = audio.mean(axis=1, dtype=np.float64)
    level = np.sqrt(_smoothed(mono**2, round(ENVELOPE_SECONDS * rate_hz)) + _TINY)
    flat = mono / level
    half = len(flat) // 2
    size = 1 << (2 * len(flat) - 1).bit_length()
    spectrum = np.fft.rfft(flat[half:], size)
    match = np.fft.irfft(np.fft.rfft(flat, size) * spectrum.conj(), size)[: half + 1]
    energy = np.concatenate([[0.0], np.cumsum(flat**2)])
    powers = energy[np.arange(half + 1) + len(flat) - half] - energy[np.arange(half + 1)]
    likeness = match / np.sqrt(powers * (flat[half:] @ flat[half:]) + _TINY)
    last = half - round(SHORTEST_LAG_SECONDS * rate_hz)
    return float(likeness[: max(last, 1)].max())


def pitch_cents(audio: Stereo, rate_hz: int, pitch: int) -> float:
    """Return how far a note's first partials are from its pitch, weighted by power; NaN if unclear."""
    mono = audio.mean(axis=1, dtype=np.float64)
    size = 1 << 18
    decibels = 20.0 * np.log10(np.abs(np.fft.rfft(mono * np.blackman(len(mono)), size)) + 1e-12)
    bin_hz = rate_hz / size
    errors, weights = [], []
    for partial in (1, 2, 3):
        expected = partial * pitch_to_hz(pitch)
        reach = max(expected * 0.02, 3.0) / bin_hz
        low = int(expected / bin_hz - reach)
        peak = low + int(np.argmax(decibels[low : int(expected / bin_hz + reach)]))
        left, middle, right = decibels[peak - 1 : peak + 2]
        if middle < decibels.max() - 30.0 or middle <= max(left, right):
            continue
        position = peak + 0.5 * (left - right) / (left - 2.0 * middle + right)
        errors.append(1200.0 * np.log2(position * bin_hz / expected))
        weights.append(10.0 ** (middle / 10.0))
    return float(np.average(errors, weights=weights)) if errors else float("nan")


def clicks(audio: Stereo, rate_hz: int) -> int:
    """Count the half seconds in which a sample is far from what those before it let expect.

    It is so beside those around it, too: a strike and its echo are steep for some milliseconds.
    """
    length = round(CLICK_SECONDS * rate_hz)
    mono = audio.mean(axis=1, dtype=np.float64)
    found = 0
    for start in range(0, len(mono) - length + 1, length):
        error = _unexpected(mono[max(start - CLICK_ORDER, 0) : start + length])
        rms = float(np.sqrt(np.mean(error**2)))
        at, near = int(np.abs(error).argmax()), round(CLICK_NEAR_SECONDS * rate_hz)
        around = np.concatenate([error[max(at - near, 0) : max(at - near // 8, 0)],
                                 error[at + near // 8 : at + near]])
        calm = max(rms, float(np.sqrt(np.mean(around**2))))
        found += bool(rms > 1e-7 and np.abs(error[at]) > CLICK_CREST * calm)
    return found


def _unexpected(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a linear prediction from the samples before does not explain."""
    history = np.lib.stride_tricks.sliding_window_view(samples, CLICK_ORDER + 1)
    past, present = history[:, :-1], history[:, -1]
    normal = past.T @ past
    normal += (1e-9 * np.trace(normal) + 1e-12) * np.eye(CLICK_ORDER)
    return np.asarray(present - past @ np.linalg.solve(normal, past.T @ present))


def _smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the mean over `width` values around each, where there are so many."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    inside = (sums[width:] - sums[:-width]) / width
    before = (len(values) - len(inside)) // 2
    return np.pad(inside, (before, len(values) - len(inside) - before), mode="edge")


def _power(samples: NDArray[np.float32]) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def _db(ratio: float) -> float:
    return float(10.0 * np.log10(ratio + _TINY))
