"""How loud a score is, moment by moment: its marks and hairpins, as velocities.

In: marks with their beats. Out: a `Loudness`, which gives each note its velocity.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter

import numpy as np

_UNMARKED, _HAIRPIN, _ACCENT = 70, 16, 12
_LOUDNESS = {
    "pppp": 20, "ppp": 26, "pp": 36, "p": 50, "mp": 62, "mf": 76, "f": 92, "ff": 108,
    "fff": 120, "ffff": 126, "fp": 50,
}  # fmt: skip
_SOON_BEATS = 1.5  # a mark so soon after a hairpin says where it leads


class Loudness:
    """How loud each moment is; velocities."""

    def __init__(self, marks: Sequence[tuple[float, str]]) -> None:
        self._beats, self._levels = [0.0], [float(_UNMARKED)]
        self._accents = {round(at, 3) for at, what in marks if "z" in what or what == "sf"}
        self._told = [(at, _LOUDNESS[what]) for at, what in marks if what in _LOUDNESS]
        stops = [at for at, what in marks if what == "stop"]
        for at, what in marks:
            if what in ("crescendo", "diminuendo"):
                if (place := bisect_left(stops, at)) < len(stops):
                    self._open(at, what, stops[place])
            elif what in _LOUDNESS:
                self._add(at - 1e-4, self._levels[-1])
                self._add(at, _LOUDNESS[what])
        self._curve = np.array(self._beats), np.array(self._levels)

    def _open(self, begins: float, what: str, ends: float) -> None:
        level = self._levels[-1]
        goal = level + (_HAIRPIN if what == "crescendo" else -_HAIRPIN)
        place = bisect_left(self._told, ends - 0.01, key=itemgetter(0))
        if place < len(self._told) and self._told[place][0] <= ends + _SOON_BEATS:
            goal = self._told[place][1]
        self._add(begins, level)
        self._add(ends, min(max(goal, 16), 126))

    def _add(self, at: float, level: float) -> None:
        self._beats.append(max(at, self._beats[-1]))
        self._levels.append(level)

    def velocity(self, beats: float, is_accented: bool) -> int:
        """Return a note's velocity."""
        level = float(np.interp(beats, *self._curve))
        level += _ACCENT * (is_accented or round(beats, 3) in self._accents)
        return min(max(round(level), 1), 127)
