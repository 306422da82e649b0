"""What a person sees of long work: bars that say how far it is, and Ctrl-C that saves first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def counting_progress(console: Console) -> Progress:
    """Make a bar that counts items."""
    return _progress(console, MofNCompleteColumn())


def training_progress(console: Console) -> Progress:
    """Make the bar of a training; tasks have a field `state`, a line of figures."""
    return _progress(console, TextColumn("{task.fields[state]}"))


def _progress(console: Console, column: MofNCompleteColumn | TextColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        column,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


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
