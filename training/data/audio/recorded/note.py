"""What has to be found out about a recording of one note before anything can be learned from it.

In: the samples of a recording. Out: its onset, its end, its level, and its pitch by two ways of
hearing: YIN looks for a period, the comb for a series of partials near the key that a name or a
mapping says. Where they agree on another key than is said, the recording is tuned to what is said.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from instrument.music.pitch import pitch_to_hz
from instrument.music.yin import RATE_HZ as ESTIMATE_HZ
from instrument.music.yin import estimate_pitch
from training.audio.format import SAMPLE_RATE_HZ as RATE_HZ

SHORTEST_SECONDS = 0.3
STRUCK_DB = -12.0
FARTHEST_RETUNING = 2.5
"""Semitones between what is said and what is heard; more is a wrong name."""

_ONSET_HOP, _LEAD_FRAMES = RATE_HZ // 400, RATE_HZ // 250
_ONSET_DB = (12.0, 45.0)  # under the peak: certainly the note, and certainly nothing
_OVER_ROOM_DB, _SLOWEST_HOPS, _SWELL_HOPS = 6.0, 160, 60
# A key was let go where a sustained note, or its treble, falls so far under its middle.
_STEADY_DB, _BRIGHT_DB, _STEADY_WINDOWS = 12.0, 8.0, 5
_SAME_SIDES = 0.3  # a correlation of left and right below this: their sum would cancel
_COMB_SECONDS = (0.08, 1.4)
_COMB_FFT, _COMB_PARTIALS, _COMB_STEP = 1 << 17, 12, 0.03
_AGREE, _NEAR = 0.3, 0.5  # semitones
_BETTER_DB, _CLEAR_DB = 1.5, 6.0  # of the mean partial

Samples = NDArray[np.float32]


def one_channel(sound: NDArray[np.float32]) -> Samples:
    """Return the middle of a stereo recording, or its louder side where the sides cancel.

    Parameters
    ----------
    sound
        float32, shape (frames, channels).

    Returns
    -------
    ndarray
        float32, shape (frames,).
    """
    if sound.shape[1] == 1:
        return np.ascontiguousarray(sound[:, 0])
    power = np.square(sound, dtype=np.float64).sum(axis=0)
    loud = np.argsort(power)[-2:]
    left, right = sound[:, loud[0]], sound[:, loud[1]]
    alike = float(np.dot(left, right)) / float(np.sqrt(power[loud[0]] * power[loud[1]]) + 1e-20)
    return np.asarray((left + right) / 2 if alike > _SAME_SIDES else right, np.float32)


def from_onset(audio: Samples) -> Samples:
    """Return a recording from a few milliseconds before its note begins.

    It begins where the level, on its way back from a tenth of the peak, is down in what was there
    before: silence, or a room.
    """
    levels = levels_db(audio, _ONSET_HOP)
    loud = int(np.argmax(levels > levels.max() - _ONSET_DB[0]))
    before, air = levels[:loud], levels[max(loud - _SLOWEST_HOPS, 0) : max(loud - _SWELL_HOPS, 0)]
    room = float(np.median(air)) + _OVER_ROOM_DB if air.size else -np.inf
    quiet = np.flatnonzero(before < max(room, levels.max() - _ONSET_DB[1]))
    first = max(int(quiet[-1]) if quiet.size else 0, loud - _SLOWEST_HOPS)
    return np.asarray(audio[max(first * _ONSET_HOP - _LEAD_FRAMES, 0) :], np.float32)


def held_part(audio: Samples) -> Samples:
    """Cut a sustained note where its player let go: the model must not learn that it ends.

    Parameters
    ----------
    audio
        float32, shape (frames,), from its onset.
    """
    return audio if falls_db(audio) < STRUCK_DB else audio[: let_go(audio)]


def let_go(audio: Samples) -> int:
    """Return the frame at which the player of a sustained note let go.

    A string rings on, but not its treble: the bend of the wave shows where the bow has left it.
    """
    last = _last_steady(audio, audio.size, _STEADY_DB)
    last = min(last, _last_steady(np.diff(audio, n=2), last, _BRIGHT_DB))
    return min(max(last, round(SHORTEST_SECONDS * RATE_HZ)), audio.size)


def _last_steady(audio: Samples, frames: int, fall_db: float) -> int:
    """Return where a note has fallen under what it is in the second quarter of its frames."""
    hop = RATE_HZ // 50
    levels = median_filter(levels_db(audio, hop), _STEADY_WINDOWS, mode="nearest")
    middle = float(np.median(levels[frames // hop // 4 : frames // hop // 2 + 1]))
    sounding = np.flatnonzero(levels > middle - fall_db)
    return (int(sounding[-1]) + 1) * hop if sounding.size else audio.size


def heard_pitch(audio: Samples) -> float | None:
    """Return what YIN hears, a MIDI number with a fraction; None if that is not clear."""
    slow = np.asarray(soxr.resample(audio, RATE_HZ, ESTIMATE_HZ, "HQ"), np.float32)
    try:
        return estimate_pitch(slow)
    except ValueError:
        return None


def falls_db(audio: Samples, seconds: float = 1.2) -> float:
    """Return how far a note has fallen by the end of its first seconds, against its loudest."""
    levels = levels_db(audio[: round(seconds * RATE_HZ)])
    return float(np.mean(levels[-max(len(levels) // 5, 1) :]) - levels.max())


def levels_db(audio: Samples, size: int = RATE_HZ // 50) -> NDArray[np.float64]:
    """Return the level every 20 ms, or every `size` frames."""
    whole = np.asarray(audio[: audio.size // size * size], np.float64).reshape(-1, size)
    return np.asarray(10.0 * np.log10(np.mean(whole**2, axis=1) + 1e-12))


def tuned(audio: Samples, pitch: int) -> tuple[Samples, float]:
    """Bring a recording to the key that it is said to have.

    Parameters
    ----------
    audio
        float32, shape (frames,).
    pitch
        MIDI number.

    Returns
    -------
    Samples
        As it was, if it is off by less than the analysis follows by itself.
    float
        How far off it was, semitones.

    Raises
    ------
    ValueError
        It sounds like another key, or two ways of hearing disagree.
    """
    by_comb, gains = _comb(audio, pitch)
    heard = heard_pitch(audio)
    is_clear = gains.max() - float(np.median(gains)) > _CLEAR_DB
    by_period = by_comb if heard is None else (heard - pitch + 6.0) % 12.0 - 6.0
    if abs(by_period - by_comb) <= _AGREE:
        off = by_comb
    elif abs(by_comb) <= _NEAR and is_clear:
        return audio, by_comb  # an octave or a twelfth is YIN's usual error
    elif abs(by_period) <= _AGREE and gains.max() - _gain_at(gains, by_period) < _BETTER_DB:
        off = by_period
    else:
        raise ValueError(
            f"its period says pitch {pitch + by_period:.1f}, its partials {pitch + by_comb:.1f}, "
            f"its name {pitch}"
        )
    if abs(off) <= _AGREE:
        return audio, off
    return lowered(audio, off), off


def lowered(audio: Samples, semitones: float) -> Samples:
    """Play a recording more slowly, and so lower."""
    return np.asarray(
        soxr.resample(audio, RATE_HZ, RATE_HZ * 2.0 ** (semitones / 12.0), "VHQ"), np.float32
    )


_OFFSETS = np.arange(-FARTHEST_RETUNING, FARTHEST_RETUNING + 1e-9, _COMB_STEP)


def _gain_at(gains: NDArray[np.float64], offset: float) -> float:
    return float(gains[int(np.argmin(np.abs(_OFFSETS - offset)))])


def _comb(audio: Samples, pitch: int) -> tuple[float, NDArray[np.float64]]:
    """Return where a series of partials fits best, semitones from a key, and how well each does."""
    section = audio[round(_COMB_SECONDS[0] * RATE_HZ) : round(_COMB_SECONDS[1] * RATE_HZ)]
    section = section if section.size > RATE_HZ // 10 else audio
    spectrum = np.abs(np.fft.rfft(section * np.hanning(section.size), _COMB_FFT))
    decibels = 20.0 * np.log10(spectrum + 1e-9)
    decibels = np.maximum(decibels - decibels.max(), -60.0)
    wide = np.maximum.reduce([np.roll(decibels, shift) for shift in range(-3, 4)])
    hz = pitch_to_hz(pitch + _OFFSETS)[:, None] * np.arange(1, _COMB_PARTIALS + 1)
    bins = np.round(hz * _COMB_FFT / RATE_HZ).astype(int)
    is_heard = hz < min(16_000.0, RATE_HZ / 2.0)
    weight = is_heard / np.sqrt(np.arange(1, _COMB_PARTIALS + 1))
    gains = (wide[np.minimum(bins, wide.size - 1)] * weight).sum(axis=1) / weight.sum(axis=1)
    return float(_OFFSETS[int(np.argmax(gains))]), gains
