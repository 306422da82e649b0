"""A process of the service that is told lines, and says lines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue


class LineProcess:
    """Start it; on Linux it ends with the thread that has done so.

    Parameters
    ----------
    module
        What it runs; it calls `child.begin_child` first.

    Attributes
    ----------
    said : SimpleQueue
        The lines that it says; an empty one once it has ended.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.pid = self._process.pid
        self.said: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._collect, daemon=True).start()

    @property
    def is_running(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def tell(self, line: str) -> None:
        """Write a line to it; one that has ended hears nothing."""
        if self._process.stdin:
            with suppress(OSError, ValueError):  # straight away: what waits would fail at its end
                os.write(self._process.stdin.fileno(), f"{line}\n".encode())

    def end(self) -> None:
        """End it, and wait until it is gone."""
        with self._process:
            self._process.kill()

    def _collect(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.said.put(line.strip())
        self.said.put("")
