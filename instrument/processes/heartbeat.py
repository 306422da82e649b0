"""Show that a process lives, and see when another one hangs.

A process can hang in two ways. It may stand still altogether (stopped, out of memory, a library
that keeps the interpreter's lock): then the thread of its `Heartbeat` writes no time into the
engine's block any more. Or its work does not come back (a graph that loops for ever, a device that
does not answer) while that thread goes on beating: so work is announced with a limit. `Watch` looks
at both. Nothing waits: it is all plain memory that every process of a session has mapped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from instrument.processes.held_file import HeldFile
from instrument.realtime.memory.constants import (
    CONTROL_BEATS,
    ENGINE_BEATS,
    MODELS_BEATS,
    PANEL_BEATS,
    PARTNER_BEATS,
    RACK_BEATS,
)
from instrument.realtime.memory.state import EngineState

BEAT_SECONDS = 0.1
PATIENCE_SECONDS = 0.7
"""Of silence, then a process counts as hung; with a beat and a look that is under a second."""
OPENING_PATIENCE_SECONDS = 5.0
"""While libraries are loaded, which keeps the interpreter's lock as long as the disk takes."""
START_SECONDS = 60.0
"""The first beat may take so long: Python and its imports on a slow machine."""
SLOW_SECONDS = 0.8
"""Work that takes longer is worth a word to the player, long before it reaches its limit."""
ABSENT_SECONDS = 0.2
"""A watch that has not looked for longer was itself kept from running."""
LOCK_FILES = {
    ENGINE_BEATS: "engine.lock",
    MODELS_BEATS: "models.lock",
    PARTNER_BEATS: "partner.lock",
    CONTROL_BEATS: "control.lock",
    PANEL_BEATS: "panel.lock",
    RACK_BEATS: "rack.lock",
}

Finding = Literal["well", "slow", "stuck", "silent"]
"""Stuck: its work does not come back. Silent: it stands still altogether."""


class Heartbeat:
    """A process's own sign of life.

    Parameters
    ----------
    state
        The engine block.
    process
        Which one this is: `ENGINE_BEATS` and so on.
    folder
        The session's: the process holds its lock file in it.
    """

    def __init__(self, state: EngineState, process: int, folder: Path | None = None) -> None:
        self._field = state.fields["heartbeats"][process]
        self._held = HeldFile(folder / LOCK_FILES[process]) if folder else None
        self._ends = threading.Event()
        self.expect_silence(PATIENCE_SECONDS)
        self.rest()
        self._beat()

    def start(self) -> Heartbeat:
        """Beat from now on, from a thread, until `stop` or the end of this process."""
        threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True).start()
        return self

    def stop(self) -> None:
        """Beat no more."""
        self._ends.set()
        if self._held:
            self._held.release()

    def work(self, limit_seconds: float) -> None:
        """Announce that something begins which will be done within a time. Working thread.

        Parameters
        ----------
        limit_seconds
            After which it is taken for one that hangs.
        """
        self._field["limit_ns"] = round(limit_seconds * 1e9)
        self._field["works_since_ns"] = time.monotonic_ns()

    def rest(self) -> None:
        """Announce that there is nothing to do at present. Working thread."""
        self._field["works_since_ns"] = 0

    def expect_silence(self, seconds: float) -> None:
        """Announce how long the beat may pause from now on.

        Parameters
        ----------
        seconds
            The longest pause that is in order.
        """
        self._field["patience_ns"] = round(seconds * 1e9)

    @contextmanager
    def opening(self, limit_seconds: float) -> Iterator[None]:
        """Announce work in which libraries are loaded or files are written. Working thread.

        Parameters
        ----------
        limit_seconds
            After which it is taken for one that hangs.
        """
        self.expect_silence(OPENING_PATIENCE_SECONDS)
        self.work(limit_seconds)
        try:
            yield
        finally:
            self.rest()
            self._beat()
            self.expect_silence(PATIENCE_SECONDS)

    def _beat(self) -> None:
        self._field["beat_ns"] = time.monotonic_ns()

    def _keep_beating(self) -> None:
        while not self._ends.wait(BEAT_SECONDS):
            self._beat()


class Watch:
    """Look at another process's heartbeat; a fresh one for every process that is started.

    Time in which this process did not run itself counts as nobody's silence, so that neither a
    laptop that wakes up nor a machine that stutters looks like a hang.
    """

    def __init__(self, state: EngineState, process: int) -> None:
        self._field = state.fields["heartbeats"][process]
        self._field["beat_ns"] = 0  # its predecessor's
        self._field["works_since_ns"] = 0
        self._seen_beat = self._seen_work = 0
        self._silent_seconds = self._worked_seconds = 0.0
        self._looked_at = time.monotonic()

    def look(self) -> Finding:
        """Say how the process is. Call it at least ten times a second."""
        now = time.monotonic()
        passed, self._looked_at = min(now - self._looked_at, ABSENT_SECONDS), now
        beat, work = int(self._field["beat_ns"]), int(self._field["works_since_ns"])
        self._silent_seconds = 0.0 if beat != self._seen_beat else self._silent_seconds + passed
        self._worked_seconds = 0.0 if work != self._seen_work else self._worked_seconds + passed
        self._seen_beat, self._seen_work = beat, work
        patience = self._field["patience_ns"] * 1e-9 if beat else START_SECONDS
        if self._silent_seconds > patience:
            return "silent"
        if not work:
            return "well"
        if self._worked_seconds > self._field["limit_ns"] * 1e-9:
            return "stuck"
        is_slow = self._worked_seconds > SLOW_SECONDS and patience < 2 * PATIENCE_SECONDS
        return "slow" if is_slow else "well"
