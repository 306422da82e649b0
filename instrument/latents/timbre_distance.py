"""How much two notes of one pitch sound alike, as a number that a search can make smaller.

In: notes. Out: fingerprints and the distance between them in dB. A fingerprint is the level of mel
bands over time at two resolutions, fine in time for the attack and fine in frequency for what
follows; loudness is taken out, and what lies `FLOOR_DB` under the loudest moment counts as silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrument.music.pitch import mel_bands

Samples = npt.NDArray[np.float32]
Fingerprint = npt.NDArray[np.float32]

FLOOR_DB = 60.0
ONSET_DB = -40.0
"""A note begins where it is first so loud, beside its loudest moment."""
LOWEST_HZ, HIGHEST_HZ = 40.0, 16_000.0


@dataclass(frozen=True, slots=True)
class _Resolution:
    window_seconds: float
    hop_seconds: float
    bands: int


_RESOLUTIONS = (_Resolution(0.064, 0.016, 64), _Resolution(0.016, 0.008, 24))


class Likeness:
    """Measure how far notes are from one note.

    Parameters
    ----------
    rate_hz
        Frames per second of all notes.
    frames
        How much of each note is compared, from its onset; what is missing is silence.
    """

    def __init__(self, rate_hz: int, frames: int) -> None:
        self._rate_hz = rate_hz
        self._frames = frames
        self._bands = [
            level_bands(round(each.window_seconds * rate_hz), rate_hz, each.bands)
            for each in _RESOLUTIONS
        ]

    def fingerprint(self, note: Samples) -> Fingerprint:
        """Return a note's levels in dB, 0 to `FLOOR_DB`, float32, one long row."""
        sound = np.zeros(self._frames, np.float32)
        begun = from_onset(note)[: self._frames]
        sound[: len(begun)] = begun
        parts = []
        for each, bands in zip(_RESOLUTIONS, self._bands, strict=True):
            window, hop = (
                round(seconds * self._rate_hz)
                for seconds in (each.window_seconds, each.hop_seconds)
            )
            padded = np.pad(sound, (window // 2, window))
            slices = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
            power = np.abs(np.fft.rfft(slices * np.hanning(window), axis=1)) ** 2 @ bands
            loudest = max(float(power.sum(axis=1).max()), 1e-20)
            level_db = 10 * np.log10(power / loudest + 10 ** (-FLOOR_DB / 10)) + FLOOR_DB
            parts.append(level_db.ravel() / np.sqrt(level_db.size))
        return np.concatenate(parts).astype(np.float32)

    @staticmethod
    def distance_db(a: Fingerprint, b: Fingerprint) -> float:
        """Return the root mean square difference of two fingerprints, in dB."""
        return float(np.sqrt(np.sum((a - b) ** 2) / len(_RESOLUTIONS)))


def from_onset(note: Samples) -> Samples:
    """Leave out the silence before a note."""
    loud = np.abs(note) > np.abs(note).max(initial=0.0) * 10 ** (ONSET_DB / 20)
    return note[int(np.argmax(loud)) :]


def level_bands(window: int, rate_hz: int, bands: int) -> npt.NDArray[np.float64]:
    """Return mel bands, (bins, bands), none narrower than a bin."""
    highest_hz = min(HIGHEST_HZ, rate_hz / 2)
    return mel_bands(window, rate_hz, bands, LOWEST_HZ, highest_hz, narrowest_hz=rate_hz / window)
