"""Measurements of one tone: pitch, attack, motion, drift, and the path between two levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from training.audio.format import SAMPLE_RATE_HZ
from training.data.audio.analysis import level_ripples, measure_wobble
from training.data.audio.stiff_string import partial_hz

_FFT_FRAMES = 1 << 17
_SEARCH_CENTS = 40.0
_WEAKEST_DB = -30.0
_ONSET_SECONDS = 0.045
_MOST_PARTIALS = 32  # whose motion is measured
_FEWEST_COMMON = 3  # partials that can show that they move together


def pitch_error_cents(
    audio: NDArray[np.float32], f0_hz: float, inharmonicity: float = 0.0
) -> float:
    """Return how far a tone's partials are from where they should be, weighted by power.

    Parameters
    ----------
    audio
        float32, shape (frames,); 0.1 to 1.5 s are used.
    f0_hz, inharmonicity
        Where the partials should be.

    Returns
    -------
    float
        Cents; NaN if no partial stands out. Partials closer than three bins to a neighbour cannot
        be told apart and are left out.
    """
    section = audio[int(0.1 * SAMPLE_RATE_HZ) : int(1.5 * SAMPLE_RATE_HZ)]
    spectrum = np.abs(np.fft.rfft(section * np.blackman(section.size), _FFT_FRAMES))
    decibels = 20.0 * np.log10(spectrum + 1e-12)
    decibels -= decibels.max()
    bin_hz = SAMPLE_RATE_HZ / _FFT_FRAMES
    errors, weights = [], []
    for expected in partial_hz(f0_hz, inharmonicity, 10):
        if expected > 18000.0:
            break
        reach = max(expected * (2.0 ** (_SEARCH_CENTS / 1200.0) - 1.0), 2.0) / bin_hz
        low = int(expected / bin_hz - reach)
        peak = low + int(np.argmax(decibels[low : int(expected / bin_hz + reach) + 2]))
        left, middle, right = decibels[peak - 1 : peak + 2]
        if middle < _WEAKEST_DB or middle <= max(left, right):
            continue
        position = peak + 0.5 * (left - right) / (left - 2.0 * middle + right)
        errors.append(1200.0 * np.log2(position * bin_hz / expected))
        weights.append(10.0 ** (middle / 10.0))
    return float(np.average(errors, weights=weights)) if errors else float("nan")


def attack_seconds(audio: NDArray[np.float32], f0_hz: float, share: float = 0.5) -> float:
    """Return when a tone's envelope first reaches a share of its peak in the first second.

    The envelope is the RMS of a period, at least 4 ms, around each moment: peaks would depend on
    the phases of the partials, which are not the recording's.
    """
    width = int(max(0.004, 1.0 / f0_hz) * SAMPLE_RATE_HZ)
    power = np.asarray(audio[:SAMPLE_RATE_HZ], np.float64) ** 2
    envelope = np.sqrt(uniform_filter1d(power, width, mode="constant").clip(min=0.0))
    return float(np.argmax(envelope >= share * envelope.max()) / SAMPLE_RATE_HZ)


def wobble_db(
    audio: NDArray[np.float32], f0_hz: float, inharmonicity: float
) -> NDArray[np.float64]:
    """Return how much each of 32 partials moves around its envelope, dB rms; NaN if unknown."""
    depth, _ = measure_wobble(audio, partial_hz(f0_hz, inharmonicity, _MOST_PARTIALS))
    return depth


def common_motion_db(
    audio: NDArray[np.float32],
    other: NDArray[np.float32],
    f0_hz: float,
    inharmonicity: float,
) -> tuple[float, float]:
    """Return how much the partials of each of two tones move together: bow, breath, hand.

    Parameters
    ----------
    audio, other
        float32, shape (frames,): two held tones of the same partials.
    f0_hz, inharmonicity
        Where the partials are.

    Returns
    -------
    tuple
        dB rms of what the mean of the partials that both tones have does around their envelopes,
        0.7 to 15 Hz; NaN where fewer than three can be followed in both.
    """
    partials = partial_hz(f0_hz, inharmonicity, _MOST_PARTIALS)
    one, two = (level_ripples(tone, partials) for tone in (audio, other))
    hops = min(len(one), len(two))
    both = np.isfinite(one[:hops]) & np.isfinite(two[:hops])
    followed = both.sum(axis=1) >= _FEWEST_COMMON
    if not followed.any():
        return float("nan"), float("nan")
    means = (
        np.where(both, ripples[:hops], 0.0)[followed].sum(axis=1) / both[followed].sum(axis=1)
        for ripples in (one, two)
    )
    first, second = (float(mean.std()) for mean in means)
    return first, second


def onset_level_db(audio: NDArray[np.float32], low_hz: float, high_hz: float) -> float:
    """Return the level of a band of a tone's first 45 ms in dB, to compare with another's."""
    spectrum = np.fft.rfft(np.asarray(audio[: int(_ONSET_SECONDS * SAMPLE_RATE_HZ)], np.float64))
    hz = np.fft.rfftfreq(int(_ONSET_SECONDS * SAMPLE_RATE_HZ), 1.0 / SAMPLE_RATE_HZ)
    power = np.abs(spectrum[: hz.size]) ** 2
    band = (hz[: power.size] >= low_hz) & (hz[: power.size] < high_hz)
    return 10.0 * float(np.log10(power[band].sum() + 1e-12))


def level_db(audio: NDArray[np.float32]) -> float:
    """Return the RMS level in dB of full scale."""
    power = float(np.mean(np.asarray(audio, np.float64) ** 2))
    return 10.0 * float(np.log10(power + 1e-12))


def deepest_dip_db(levels_db: NDArray[np.float64]) -> float:
    """Return how far a path's levels fall below the straight line between its ends; 0 or less."""
    line = np.linspace(levels_db[0], levels_db[-1], levels_db.size)
    return float((levels_db - line).min())


def backward_share(values: NDArray[np.float64]) -> float:
    """Return how much of a path's way runs against its direction, over the way between its ends."""
    steps = np.diff(values) * np.sign(values[-1] - values[0])
    return float(-steps[steps < 0].sum() / max(abs(values[-1] - values[0]), 1e-9))
