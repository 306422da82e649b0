"""What a person sees of long work: a bar in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
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
        self._began = self._said = time.monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Set how far a task is, as rich's own `update` does."""
        super().update(task_id, **changes)
        self._say(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Go on by so many steps."""
        super().advance(task_id, advance)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        now = time.monotonic()
        if self.console.is_terminal or now - self._said < self._line_seconds:
            return
        self._said = now
        task = next(task for task in self.tasks if task.id == task_id)
        parts = [str(task.description)]
        if task.total:
            parts.append(f"{task.percentage:.0f} %")
        parts += [str(value) for value in task.fields.values() if value]
        self.console.print(f"{', '.join(parts)} ({now - self._began:.0f} s)", highlight=False)
