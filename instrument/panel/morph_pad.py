"""The morph pad: up to four presets in its corners, a place between them, and a path that loops."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from typing import Literal

from instrument.errors import PresetError
from instrument.panel.messages import Pad

LONGEST_SECONDS = 60.0
MOST_POINTS = 4096
PACE_SECONDS = 0.08
"""A loop makes no more sounds than one in this time: each has to be rendered."""

State = Literal["stopped", "recording", "looping"]


class MorphPad:
    """Where the pad is, and where it goes by itself.

    Parameters
    ----------
    now
        Seconds; a test has its own.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.corners: tuple[str, ...] = ()
        self.x = self.y = 0.5
        self._state: State = "stopped"
        self._began = self._paced = 0.0
        self._path: list[tuple[float, float, float]] = []  # seconds, x, y
        self._length = 0.0

    def show(self) -> Pad:
        """Return what the pages see."""
        return Pad(self.corners, self.x, self.y, self._state, round(self._length, 3))

    def go(self, x: float, y: float) -> None:
        """Be at a place; while a path is recorded it becomes part of it."""
        self.x, self.y = x, y
        if self._state == "recording":
            seconds = self._now() - self._began
            if len(self._path) < MOST_POINTS and seconds <= LONGEST_SECONDS:
                self._path.append((seconds, x, y))
        elif self._state == "looping":
            self._state = "stopped"  # the hand has taken it

    def record(self) -> None:
        """Begin a new path, here."""
        self._state, self._began = "recording", self._now()
        self._path, self._length = [(0.0, self.x, self.y)], 0.0

    def loop(self) -> None:
        """Go round the path, from its beginning.

        Raises
        ------
        PresetError
            There is none.
        """
        self._end_recording()
        if len(self._path) < 2:
            raise PresetError("no path is recorded yet", "Press Record, drag, then press Loop.")
        self._state, self._began, self._paced = "looping", self._now(), 0.0

    def stop(self) -> None:
        """Stay here."""
        self._end_recording()
        self._state = "stopped"

    def moved(self) -> tuple[float, float] | None:
        """Return where the loop has come to, if it is time for another place."""
        now = self._now()
        if self._state != "looping" or now - self._paced < PACE_SECONDS:
            return None
        self._paced = now
        at = (now - self._began) % self._length
        place = self._path[bisect_right(self._path, (at, 2.0, 2.0)) - 1][1:]
        if place == (self.x, self.y):
            return None
        self.x, self.y = place
        return place

    @property
    def is_busy(self) -> bool:
        """It moves by itself."""
        return self._state == "looping"

    def _end_recording(self) -> None:
        if self._state == "recording":
            self._length = min(LONGEST_SECONDS, max(0.1, self._now() - self._began))
