"""Long work where there is no terminal: a line now and then, whatever keeps it."""

from __future__ import annotations

import io
import time

from rich.console import Console

from instrument.progress import LongWork, working


def test_work_that_says_nothing_is_not_silent() -> None:
    """One step may take minutes, on a slow machine most of all."""
    said = io.StringIO()
    with LongWork(Console(file=said), line_seconds=0.05) as progress:
        task = progress.add_task("Learning", total=4.0)
        progress.advance(task)
        time.sleep(0.3)
    lines = said.getvalue().splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("Learning, 25 % (") for line in lines)
    time.sleep(0.2)
    assert said.getvalue().splitlines() == lines  # it is over


def test_quick_work_says_nothing_and_slow_work_what_it_does_now() -> None:
    said = io.StringIO()
    with working(Console(file=said), "reading") as now:
        now("comparing")
    assert said.getvalue() == ""
