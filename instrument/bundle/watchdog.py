"""End runs of graphs that take too long.

onnxruntime looks at the flag of a run before each node: one that is told to end does so after the
node that it is in. `graph_check` keeps nodes from being endless.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from typing import Any

_LOOK_SECONDS = 0.25


class Watchdog:
    """Watches runs; its thread starts with the first, and ends with the watchdog.

    Any number of threads may run graphs under one watchdog.
    """

    def __init__(self) -> None:
        self._deadlines: dict[Any, float] = {}  # by the options of the run
        self._has_thread = False

    def begin(self, options: Any, seconds: float) -> None:
        """Tell a run with these options to end once it has taken so long.

        Parameters
        ----------
        options
            onnxruntime's ``RunOptions``; their ``terminate`` becomes true then.
        """
        if not self._has_thread:
            self._has_thread = True
            threading.Thread(target=_watch, args=(weakref.ref(self),), daemon=True).start()
        self._deadlines[options] = time.monotonic() + seconds

    def end(self, options: Any) -> None:
        """Take note that the run has ended."""
        self._deadlines[options] = math.inf

    def look(self) -> None:
        """End what has taken too long."""
        now = time.monotonic()
        for options, deadline in list(self._deadlines.items()):
            if now > deadline:
                options.terminate = True


def _watch(watchdog: weakref.ref[Watchdog]) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        watched = watchdog()
        if watched is None:
            return
        watched.look()
        del watched
