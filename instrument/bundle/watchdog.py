"""End runs of graphs that take too long.

Time counts in which this process computes: on a machine that has other things to do a run may last
`PATIENCE` times as long, so that a sound graph is not taken for an endless one.

onnxruntime looks at the flag of a run before each node: one that is told to end does so after the
node that it is in. `graph_check` keeps nodes from being endless.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

_LOOK_SECONDS = 0.25
PATIENCE = 5.0


class _Deadline:
    def __init__(self, seconds: float) -> None:
        now = time.monotonic()
        self._soonest, self._latest = now + seconds, now + PATIENCE * seconds
        self._computed = time.process_time() + seconds

    def is_over(self) -> bool:
        now = time.monotonic()
        return now > self._soonest and (time.process_time() > self._computed or now > self._latest)


class Watchdog:
    """Watches runs; its thread starts with the first, and ends with the watchdog.

    Any number of threads may run graphs under one watchdog.
    """

    def __init__(self) -> None:
        self._deadlines: dict[Any, _Deadline] = {}  # by the options of the run
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
        options.terminate = False  # it may have been told just as the run before it ended
        self._deadlines[options] = _Deadline(seconds)

    def end(self, options: Any) -> None:
        """Take note that the run has ended."""
        self._deadlines.pop(options, None)

    def look(self) -> None:
        """End what has taken too long."""
        for options, deadline in list(self._deadlines.items()):
            if deadline.is_over():
                options.terminate = True


def _watch(watchdog: weakref.ref[Watchdog]) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        watched = watchdog()
        if watched is None:
            return
        watched.look()
        del watched
