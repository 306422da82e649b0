"""What a person sees of long work: how far it is, and Ctrl-C that saves first."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import (
    MofNCompleteColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from instrument.progress import LongWork

_LINE_SECONDS = 30.0
"""Of a training that writes into a log."""


@contextmanager
def counting(console: Console, what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar that counts items; gives what tells it what is done, how many, and of how many."""
    with _progress(console, MofNCompleteColumn()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda now, done, total: progress.update(
            task, description=now, completed=done, total=total
        )


@contextmanager
def training_bar(console: Console) -> Iterator[Callable[[float, str], None]]:
    """Show the bar of a training; gives what tells it the share that is done, and figures."""
    with _progress(console, TextColumn("{task.fields[state]}")) as progress:
        task = progress.add_task("training", total=1.0, state="")
        yield lambda share, state: progress.update(task, completed=share, state=state)


def _progress(console: Console, column: MofNCompleteColumn | TextColumn) -> LongWork:
    columns = (TaskProgressColumn(), column, TimeElapsedColumn(), TimeRemainingColumn())
    return LongWork(console, *columns, line_seconds=_LINE_SECONDS)


@contextmanager
def stop_flag() -> Iterator[list[bool]]:
    """Give a list that gets an element at the first Ctrl-C or SIGTERM; the next one interrupts."""
    asked: list[bool] = []

    def stop(_: int, __: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
