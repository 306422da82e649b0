"""The rendering of one table: a renderer that dies or hangs is replaced.

One that is left without its service ends by itself.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from instrument.plugin.child import BEAT
from instrument.plugin.tables.renderers import RendererProcess, Renderers
from instrument.plugin.tables.table_file import table_path

SILENT_SECONDS = 30.0
"""A renderer that gets no further for so long is taken for one that hangs."""
STOPPED_SECONDS = 5.0
"""And so is one whose heart does not beat."""
MOST_TRIES = 3
"""Renderers that come no further than those before them."""
_LEFT = "LEFT"


class Rendering:
    """A renderer's process for one table, started again when it dies or hangs.

    Attributes
    ----------
    lines : SimpleQueue
        What it said to those that follow it.
    is_over : bool
        It has ended, well or not.
    """

    def __init__(self, renderers: Renderers, preset: Path, rate_hz: int, folder: Path) -> None:
        self._renderers = renderers
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._preset = Path(shutil.copy(preset, self._folder))
        self._rate_hz = rate_hz
        self._followers: list[SimpleQueue[str]] = []
        self._said: list[str] = []
        self._process: RendererProcess | None = None
        self._lock = threading.Lock()
        self.is_over = False
        self._is_wanted = True
        self._is_left = False  #: while a renderer worked: that one is given back
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
            if not self._is_wanted:
                self.is_over = True
                if self._process and not self._is_left:
                    self._is_left = True
                    self._renderers.expect()
                    self._process.said.put(_LEFT)
        queue.put(_LEFT)

    def want(self, pitch: int) -> None:
        """Tell the renderer that a key was struck."""
        if process := self._process:
            process.tell(f"{pitch}")

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
            if self._is_wanted:
                self._renderers.keep_ready()

    def _render_once(self) -> tuple[bool, int]:
        """Run one renderer; tell whether it came to an end by itself, and after how many tones."""
        with self._lock:
            self._said.clear()
        process = self._renderers.take()
        with self._lock:
            if not self._is_wanted:  # whoever followed has left before there was a process
                self._is_left = True
                self._renderers.expect()
            self._process = process
        try:
            if self._is_left:
                return True, 0
            process.tell(f"{self._rate_hz} {self._preset}")
            return self._listen(process.said)
        finally:
            with self._lock:
                self._process = None
            if self._is_left:
                self._renderers.give_back(process)
            else:
                process.end()

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
            if not line or line == _LEFT or line.startswith(("FAILED", "WHOLE")):
                return bool(line), steps
        return False, steps


class Renderings:
    """The renderings of all instances: who asks for a table that is being made follows it.

    Parameters
    ----------
    folder
        Where presets are put while they are rendered.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._renderers = Renderers()
        self._known: dict[Path, Rendering] = {}
        self._lock = threading.Lock()

    def of(self, preset: Path, rate_hz: int, recipe: str) -> Rendering:
        """Return the rendering of a table: the one that goes on, or a new one.

        Raises
        ------
        OSError
            There is no room for what it needs.
        """
        target = table_path(recipe, rate_hz)
        with self._lock:
            found = self._known.get(target)
            if found is None or found.is_over:
                found = Rendering(self._renderers, preset, rate_hz, self._folder)
                self._known[target] = found
            return found

    def keep_ready(self) -> None:
        """Have a renderer wait for work; it gives way to whoever waits for an answer."""
        self._renderers.keep_ready()

    def close(self) -> None:
        """End the renderer that waits."""
        self._renderers.close()
