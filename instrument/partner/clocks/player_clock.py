"""The player is the clock: a tempo and a beat from nothing but strikes.

In: the frames of strikes. Out: where beat 0 is and how long a beat lasts. Beat 0 is the first
strike. A tempo is chosen by how well the distances of strikes fit whole, half and quarter beats and
triplets, moderate tempos sooner than extreme ones; from then on every strike pulls the beat a
little towards itself.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from instrument.music.meant import CHORD_BEATS, meant_start
from instrument.music.transport import BeatAnchor

_SLOWEST_BPM, _FASTEST_BPM, _USUAL_BPM = 46.0, 200.0, 92.0
_TEMPOS = 160
_OCTAVES = 0.7  # how far from the usual tempo is still likely
_OFF_SECONDS = 0.018
_LEVELS = ((1.0, 1.0), (2.0, 0.6), (4.0, 0.25), (3.0, 0.2))  # parts of a beat, and their worth
_ENOUGH, _FEWEST = 6, 3
_SILENCE_SECONDS = 1.2
_KEPT = 16
_PHASE, _TEMPO = 0.25, 0.12  # how far a strike pulls the beat, and the tempo
_FARTHEST_BEATS = 0.14

Times = NDArray[np.float64]


class PlayerClock:
    """Listens for the beat.

    Parameters
    ----------
    rate_hz
        Frames per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self.is_sure = False
        self._strikes: deque[float] = deque(maxlen=_KEPT)
        self._first = self._beats = 0.0

    def begin(self, frame: float, beats: float = 0.0) -> None:
        """Take this strike for a bar line, and find the tempo anew.

        Parameters
        ----------
        beats
            The bar line's position.
        """
        self.is_sure = False
        self._strikes.clear()
        self._strikes.append(frame)
        self._first, self._beats = frame, beats

    def strike(self, frame: float, tie: BeatAnchor) -> BeatAnchor:
        """Hear a strike that is not the first; return the beat as it is now."""
        if frame - self._strikes[-1] < CHORD_BEATS * tie.frames_per_beat:
            return tie
        self._strikes.append(frame)
        if self.is_sure:
            return _pulled(tie, frame)
        return self._found(tie) if len(self._strikes) >= _ENOUGH else tie

    def look(self, frame: float, tie: BeatAnchor) -> BeatAnchor:
        """Make do with few strikes once the player is silent; return the beat as it is now."""
        silence = frame - self._strikes[-1] if self._strikes else 0.0
        if self.is_sure or silence < _SILENCE_SECONDS * self._rate_hz:
            return tie
        if len(self._strikes) >= _FEWEST:
            return self._found(tie)
        self.is_sure = bool(self._strikes)
        return tie

    def _found(self, tie: BeatAnchor) -> BeatAnchor:
        self.is_sure = True
        strikes = np.array(self._strikes) / self._rate_hz
        seconds = likely_beat(strikes)
        if seconds is None:
            return tie
        return BeatAnchor(self._first, self._beats, fitted_beat(strikes, seconds) * self._rate_hz)


def likely_beat(strikes: Times) -> float | None:
    """Return how long a beat lasts, seconds; None if strikes are too few.

    Parameters
    ----------
    strikes
        Seconds, in order.
    """
    if len(strikes) < _FEWEST:
        return None
    first, then = np.triu_indices(len(strikes), 1)
    gaps = strikes[then] - strikes[first]
    beats = 60.0 / np.geomspace(_SLOWEST_BPM, _FASTEST_BPM, _TEMPOS)
    octaves = np.log2(60.0 / beats / _USUAL_BPM) / _OCTAVES
    worth = np.max([level * _fit(gaps, beats / parts) for parts, level in _LEVELS], axis=0).mean(
        axis=1
    )
    return float(beats[np.argmax(worth * np.exp(-0.5 * octaves**2))])


def fitted_beat(strikes: Times, seconds: float) -> float:
    """Return the beat that fits strikes best, near one that fits well; the first is on it."""
    for _ in range(3):
        places = np.array([meant_start(at) for at in (strikes - strikes[0]) / seconds])
        weight = float(places @ places)
        if weight <= 0.0:
            break
        seconds = float(places @ (strikes - strikes[0])) / weight
    return seconds


def _fit(gaps: Times, parts: Times) -> Times:
    """Return how near each gap is to a whole number of parts, 0 to 1: (tempos, gaps)."""
    counts = gaps / parts[:, None]
    off = (counts - np.maximum(np.round(counts), 1.0)) * parts[:, None]
    return np.asarray(np.exp(-0.5 * (off / _OFF_SECONDS) ** 2))


def _pulled(tie: BeatAnchor, frame: float) -> BeatAnchor:
    """Return the beat, pulled a little towards a strike that is near one of its parts."""
    beats = tie.beats_at(frame)
    off = beats - meant_start(beats)
    if abs(off) > _FARTHEST_BEATS:
        return tie
    since = max(1.0, beats - tie.beats)
    longer = math.exp(min(max(_TEMPO * off / since, -0.02), 0.02))
    return BeatAnchor(frame, beats - _PHASE * off, tie.frames_per_beat * longer)
