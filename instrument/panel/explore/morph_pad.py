"""The morph pad: up to four presets in its corners, a place between them, and a path that loops."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from instrument.errors import PresetError
from instrument.panel.messages.news import Pad
from instrument.preset.pad_path import LONGEST_SECONDS, MOST_POINTS, PadPath

PACE_SECONDS = 0.08
"""A loop makes no more sounds than one in this time: each has to be rendered."""
POINT_SECONDS = LONGEST_SECONDS / MOST_POINTS
"""A path has no more points than one in this time."""

State = Literal["stopped", "recording", "looping"]


class MorphPad:
    """Where the pad is, and where it goes by itself.

    Parameters
    ----------
    now
        Seconds; a test has its own.

    Attributes
    ----------
    path
        What was recorded last, or came with a preset.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.corners: tuple[str, ...] = ()
        self.x = self.y = 0.5
        self.path: PadPath | None = None
        self._state: State = "stopped"
        self._began = self._paced = 0.0
        self._points: list[tuple[float, float, float]] = []  # seconds, x, y: while it is recorded

    def show(self) -> Pad:
        """Return what the pages see."""
        seconds = self.path.length_seconds if self.path else 0.0
        return Pad(self.corners, self.x, self.y, self._state, seconds)

    def go(self, x: float, y: float) -> None:
        """Be at a place; while a path is recorded it becomes part of it."""
        self.x, self.y = x, y
        if self._state == "recording":
            self._add_point(self._now() - self._began)
        elif self._state == "looping":
            self.stop()  # the hand has taken it

    def choose(self, corners: tuple[str, ...]) -> None:
        """Go between other presets; a path goes between them, too."""
        self.corners = corners
        if self.path and self.path.corners != corners and len(corners) > 1:
            self.path = replace(self.path, corners=corners)

    def record(self) -> None:
        """Begin a new path, here."""
        self._state, self._began = "recording", self._now()
        self.path, self._points = None, [(0.0, self.x, self.y)]

    def loop(self) -> None:
        """Go round the path, from its beginning.

        Raises
        ------
        PresetError
            There is none.
        """
        self._end_recording()
        if self.path is None:
            raise PresetError("no path is recorded yet", "Press Record, drag, then press Loop.")
        self.path = replace(self.path, loops=True)
        self._state, self._began, self._paced = "looping", self._now(), 0.0

    def stop(self) -> None:
        """Stay here."""
        self._end_recording()
        self._state = "stopped"
        if self.path and self.path.loops:
            self.path = replace(self.path, loops=False)

    def take(self, path: PadPath | None) -> None:
        """Take a sound's path, and go it if the sound says so; one that is gone goes on."""
        if path == self.path:
            return
        self.stop()
        self.path = path
        if path:
            self.corners = path.corners
            if path.loops:
                self.loop()

    def moved(self) -> tuple[float, float] | None:
        """Return where the loop has come to, if it is time for another place."""
        now, path = self._now(), self.path
        if self._state != "looping" or path is None or now - self._paced < PACE_SECONDS:
            return None
        self._paced = now
        at = bisect_right(path.at_seconds, (now - self._began) % path.length_seconds) - 1
        place = path.x[at], path.y[at]
        if place == (self.x, self.y):
            return None
        self.x, self.y = place
        return place

    @property
    def is_recording(self) -> bool:
        """It follows a hand."""
        return self._state == "recording"

    @property
    def is_busy(self) -> bool:
        """It moves by itself."""
        return self._state == "looping"

    def _add_point(self, seconds: float) -> None:
        if seconds > LONGEST_SECONDS:
            return
        point = (round(seconds, 3), round(self.x, 3), round(self.y, 3))
        if len(self._points) > 1 and seconds - self._points[-1][0] < POINT_SECONDS:
            self._points[-1] = (self._points[-1][0], *point[1:])
        elif len(self._points) < MOST_POINTS:
            self._points.append(point)

    def _end_recording(self) -> None:
        if self._state != "recording":
            return
        self._state = "stopped"
        if len(self._points) > 1 and len(self.corners) > 1:
            length = min(LONGEST_SECONDS, max(0.1, round(self._now() - self._began, 3)))
            at, x, y = zip(*self._points, strict=True)
            self.path = PadPath(self.corners, length, at, x, y)
