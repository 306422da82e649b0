"""Renderers: a process for each table, and one more that waits with its model open.

A renderer that dies or hangs is replaced; one that is left without its service ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from instrument.plugin.renderer_process import BEAT
from instrument.plugin.table_file import tables_folder

SILENT_SECONDS = 30.0
"""A renderer that gets no further for so long is taken for one that hangs."""
STOPPED_SECONDS = 5.0
"""And so is one whose heart does not beat."""
MOST_TRIES = 3
"""Renderers that come no further than those before them."""


class Renderers:
    """Start renderers, and keep one that waits for work.

    They are started by one thread that lives as long as this process: on Linux they die with the
    thread that started them.
    """

    def __init__(self) -> None:
        self._ready: subprocess.Popen[str] | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        self._starter = ThreadPoolExecutor(1)

    def take(self) -> subprocess.Popen[str]:
        """Return the renderer that waits, or a new one."""
        with self._lock:
            taken, self._ready = self._ready, None
        return taken if taken and taken.poll() is None else self._start()

    def keep_ready(self) -> None:
        """Have one wait for work; not while another one works, whose time it would take."""
        with self._lock:
            if self._ready is None and not self._is_closed:
                self._ready = self._start()

    def close(self) -> None:
        """End the one that waits, and start no other one to wait."""
        with self._lock:
            waiting, self._ready, self._is_closed = self._ready, None, True
        if waiting:
            with waiting:
                waiting.kill()

    def _start(self) -> subprocess.Popen[str]:
        return self._starter.submit(_start_renderer).result()


class Rendering:
    """A renderer's process for one table, started again when it dies or hangs.

    Attributes
    ----------
    lines : SimpleQueue
        What it said to those that follow it.
    is_over : bool
        It has ended, well or not.
    """

    def __init__(self, renderers: Renderers, preset: Path, rate_hz: int) -> None:
        self._renderers = renderers
        self._folder = Path(tempfile.mkdtemp(prefix="latentkeys-"))
        self._preset = Path(shutil.copy(preset, self._folder))
        self._rate_hz = rate_hz
        self._followers: list[SimpleQueue[str]] = []
        self._said: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self.is_over = False
        self._is_wanted = True
        threading.Thread(target=self._run, daemon=True).start()

    def follow(self) -> SimpleQueue[str]:
        """Return a queue of everything that was and will be said."""
        queue: SimpleQueue[str] = SimpleQueue()
        with self._lock:
            for line in self._said:
                queue.put(line)
            self._followers.append(queue)
        return queue

    def leave(self, queue: SimpleQueue[str]) -> None:
        """Stop following; what nobody follows is not rendered any further."""
        with self._lock:
            self._followers = [other for other in self._followers if other is not queue]
            self._is_wanted = bool(self._followers)
            process = self._process
        if not self._is_wanted:
            self.is_over = True
            if process:
                process.kill()
        queue.put("LEFT")

    def want(self, pitch: int) -> None:
        """Tell the renderer that a key was struck."""
        self._write(f"{pitch}")

    def _write(self, line: str) -> None:
        process = self._process
        if process and process.stdin:
            with suppress(OSError, ValueError):  # straight away: what waits would fail at its end
                os.write(process.stdin.fileno(), f"{line}\n".encode())

    def _tell(self, line: str) -> None:
        with self._lock:
            self._said.append(line)
            for queue in self._followers:
                queue.put(line)

    def _run(self) -> None:
        tries = furthest = 0
        try:
            while tries < MOST_TRIES:
                is_done, steps = self._render_once()
                if is_done or not self._is_wanted:
                    return
                tries = tries + 1 if steps <= furthest else 1
                furthest = max(furthest, steps)
            self._tell("FAILED The renderer dies or hangs, again and again. Choose another preset")
        finally:
            self.is_over = True
            shutil.rmtree(self._folder, ignore_errors=True)
            self._renderers.keep_ready()

    def _render_once(self) -> tuple[bool, int]:
        """Run one renderer; tell whether it came to an end by itself, and after how many tones."""
        with self._lock:
            self._said.clear()
        with self._renderers.take() as process:
            with self._lock:
                self._process = process
                if not self._is_wanted:  # whoever followed has left before there was a process
                    process.kill()
            self._write(f"{self._rate_hz} {self._preset}")
            heard: SimpleQueue[str] = SimpleQueue()
            threading.Thread(target=_collect, args=(process, heard), daemon=True).start()
            try:
                return self._listen(heard)
            finally:
                process.kill()
                process.wait()
                for unfinished in tables_folder().glob(f"*.{process.pid}.part"):
                    unfinished.unlink(missing_ok=True)  # it may not even have named it yet

    def _listen(self, heard: SimpleQueue[str]) -> tuple[bool, int]:
        steps, patience = 0, SILENT_SECONDS
        last = time.monotonic()
        while time.monotonic() - last < SILENT_SECONDS:
            try:
                line = heard.get(timeout=patience)
            except Empty:
                break
            patience = STOPPED_SECONDS  # from now on its heart beats
            if line != BEAT:
                last = time.monotonic()
            if line == "STEP":
                steps += 1
            elif line.startswith(("TABLE", "FAILED", "WHOLE")):
                self._tell(line)
            if not line or line.startswith(("FAILED", "WHOLE")):
                return bool(line), steps
        return False, steps


def _start_renderer() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "instrument.plugin.renderer_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _collect(process: subprocess.Popen[str], heard: SimpleQueue[str]) -> None:
    assert process.stdout
    for line in process.stdout:
        heard.put(line.strip())
    heard.put("")
