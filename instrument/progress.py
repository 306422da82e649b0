"""What a person sees of long work: a bar in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LINE_SECONDS = 10.0
"""Where lines are all there is (a log, a pipe), one comes so often."""


class LongWork(Progress):
    """rich's `Progress`, which also speaks where there is no terminal.

    Parameters
    ----------
    console
        Where to; stderr, as a rule.
    columns
        What the bar shows behind its description; the time that remains when not given.
    line_seconds
        How often a line comes where there is no terminal.
    """

    def __init__(
        self, console: Console, *columns: ProgressColumn, line_seconds: float = LINE_SECONDS
    ) -> None:
        shown = columns or (TimeRemainingColumn(),)
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            *shown,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._line_seconds = line_seconds
        self._began = time.monotonic()
        self._ends = threading.Event()

    def start(self) -> None:
        """Show the bar, or speak from a thread: whoever works may be silent for minutes."""
        super().start()
        if not self.console.is_terminal:
            threading.Thread(target=self._speak, name="progress", daemon=True).start()

    def stop(self) -> None:
        """Say no more."""
        self._ends.set()
        super().stop()

    def _speak(self) -> None:
        while not self._ends.wait(self._line_seconds):
            if self.tasks:
                self._say(self.tasks[-1])

    def _say(self, task: Task) -> None:
        parts = [str(task.description)]
        if task.total:
            parts.append(f"{task.percentage:.0f} %")
        parts += [str(value) for value in task.fields.values() if value]
        passed = time.monotonic() - self._began
        self.console.print(f"{', '.join(parts)} ({passed:.0f} s)", highlight=False)


@contextmanager
def working(console: Console, what: str) -> Iterator[Callable[[str], None]]:
    """Show what is done at present, of work whose end nobody knows; gives what tells it so."""
    with LongWork(console, TimeElapsedColumn()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda now: progress.update(task, description=now)
