"""Renderers' processes, and one more that waits with its model open.

One that was left before its table was whole stops and waits for the next: a sound that goes over
its map leaves a table every tenth of a second.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty

from instrument.plugin.line_process import LineProcess
from instrument.plugin.tables.table_file import tables_folder

STOP_SECONDS = 1.0
"""A renderer that is left has so long to stop; a step of it takes some hundredths of a second."""


class RendererProcess(LineProcess):
    """One renderer's process."""

    def __init__(self) -> None:
        super().__init__("instrument.plugin.tables.renderer_process")

    def stops(self) -> bool:
        """Let it leave what it does; tell whether it is free for something else."""
        self.tell("STOP")
        end = time.monotonic() + STOP_SECONDS
        with suppress(Empty):
            while line := self.said.get(timeout=max(0.0, end - time.monotonic())):
                if line == "STOPPED":
                    return True
        return False

    def end(self) -> None:
        """End it, wait until it is gone, and remove the table that it has not finished."""
        super().end()
        for unfinished in tables_folder().glob(f"*.{self.pid}.part"):
            unfinished.unlink(missing_ok=True)  # it may not even have named it yet


class Renderers:
    """Start renderers, and keep one that waits for work.

    They are started by one thread that lives as long as this process: on Linux they die with the
    thread that started them.
    """

    def __init__(self) -> None:
        self._ready: RendererProcess | None = None
        self._is_closed = False
        self._stopping = 0  #: that may be ready in a moment
        self._changed = threading.Condition()
        self._starter = ThreadPoolExecutor(1)

    def take(self) -> RendererProcess:
        """Return the renderer that waits, or one that is about to; or a new one."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or not self._stopping, STOP_SECONDS)
            taken, self._ready = self._ready, None
        if taken and taken.is_running:
            return taken
        return self._start()

    def expect(self) -> None:
        """Know that one is about to be given back."""
        with self._changed:
            self._stopping += 1

    def give_back(self, renderer: RendererProcess) -> None:
        """Let an expected one that was left wait for other work, or end it."""
        is_free = renderer.stops()
        with self._changed:
            self._stopping -= 1
            is_kept = is_free and self._ready is None and not self._is_closed
            if is_kept:
                self._ready = renderer
            self._changed.notify_all()
        if not is_kept:
            renderer.end()
        if not is_free:
            self.keep_ready()

    def keep_ready(self) -> None:
        """Have one wait for work; not while another one works, whose time it would take."""
        with self._changed:
            if self._ready is None and not self._is_closed:
                self._ready = self._start()

    def close(self) -> None:
        """End the one that waits, and start no other one to wait."""
        with self._changed:
            waiting, self._ready, self._is_closed = self._ready, None, True
        if waiting:
            waiting.end()

    def _start(self) -> RendererProcess:
        return self._starter.submit(RendererProcess).result()
