"""How far a tone at 16 kHz is from the pitch that was asked for.

In: a tone and its MIDI pitch. Out: cents, or NaN for what has no pitch near the one asked for. The
partials that the pitch predicts are looked for, so that a missing fundamental does not matter; for
the same reason a tone that sounds an octave higher passes, and the classifier must notice it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal.windows import blackman

from instrument.music.pitch import pitch_to_hz

SAMPLE_RATE_HZ = 16000
_SECTION_SECONDS = (0.05, 2.05)
_FFT_FRAMES = 1 << 17
_BIN_HZ = SAMPLE_RATE_HZ / _FFT_FRAMES
_SEARCH_CENTS = 60
_FITTED_PARTIALS = 10
_WEAKEST_DB = -40.0
_TOP_HZ = 7500.0
_LEAST_SHARE = 0.5
_LOBE_HZ = 1.5  # half the main lobe of a two-second Blackman window
_MOST_OF_F0 = 0.2  # so that noise has no more than 40 % of its power near partials


def cents_error(tone: NDArray[np.float32], pitch: int) -> float:
    """Return a tone's deviation from its pitch's tempered frequency.

    Parameters
    ----------
    tone
        float32, shape (frames,), 16 kHz; 0.05 to 2.05 s are used.
    pitch
        MIDI pitch, 24 to 84.

    Returns
    -------
    float
        Cents, within ±60; NaN where less than half of the power lies near partials.
    """
    first, last = (int(seconds * SAMPLE_RATE_HZ) for seconds in _SECTION_SECONDS)
    section = np.asarray(tone[first:last], np.float64)
    amplitude = np.abs(rfft(section * blackman(section.size), _FFT_FRAMES))
    if not amplitude.any():
        return float("nan")
    asked = pitch_to_hz(pitch)
    near = asked * 2.0 ** (_comb_offset(amplitude, asked) / 1200.0)
    found = _fit(amplitude, near)
    if not found or harmonic_share(amplitude, found) < _LEAST_SHARE:
        return float("nan")
    return 1200.0 * float(np.log2(found / asked))


def harmonic_share(amplitude: NDArray[np.float64], f0_hz: float) -> float:
    """Return the share of a spectrum's power near the multiples of a frequency.

    Near is the window's own width or 15 cents, whichever is more, but a fifth of the distance
    between partials at most.
    """
    power = np.square(amplitude[: int(_TOP_HZ / _BIN_HZ)])
    hz = np.arange(power.size) * _BIN_HZ
    number = np.round(hz / f0_hz)
    reach = np.minimum(np.maximum(_LOBE_HZ, 0.0087 * hz), _MOST_OF_F0 * f0_hz)
    is_near = (number >= 1) & (np.abs(hz - number * f0_hz) <= reach)
    return float(power[is_near].sum() / max(power.sum(), 1e-30))


def _comb_offset(amplitude: NDArray[np.float64], asked_hz: float) -> float:
    """Return the offset in cents whose multiples meet the most amplitude."""
    offsets = np.arange(-_SEARCH_CENTS, _SEARCH_CENTS + 1)
    count = int(min(_FITTED_PARTIALS, _TOP_HZ / asked_hz))
    partials = np.outer(2.0 ** (offsets / 1200.0), np.arange(1, count + 1)) * asked_hz
    met = np.sqrt(amplitude[np.round(partials / _BIN_HZ).astype(np.int64)])
    return float(offsets[int(met.sum(axis=1).argmax())])


def _fit(amplitude: NDArray[np.float64], near_hz: float) -> float:
    """Refine f0 by the peaks nearest its partials, weighted by power over number; 0 without any."""
    floor = float(amplitude.max()) * 10.0 ** (_WEAKEST_DB / 20.0)
    logs = np.log(amplitude + 1e-12)
    estimates, weights = [], []
    for number in range(1, int(min(_FITTED_PARTIALS, _TOP_HZ / near_hz)) + 1):
        expected = number * near_hz
        reach = min(max(_LOBE_HZ, 0.012 * expected), 0.4 * near_hz)
        low, high = int((expected - reach) / _BIN_HZ), int((expected + reach) / _BIN_HZ) + 1
        peak = low + int(amplitude[low:high].argmax())
        if amplitude[peak] < floor or peak in (low, high - 1):
            continue
        left, middle, right = logs[peak - 1 : peak + 2]
        if middle <= max(left, right):
            continue
        position = peak + 0.5 * (left - right) / (left - 2.0 * middle + right)
        estimates.append(position * _BIN_HZ / number)
        weights.append(float(amplitude[peak]) ** 2 / number)
    return float(np.average(estimates, weights=weights)) if estimates else 0.0
