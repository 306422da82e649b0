"""Read many files side by side, and bear with a few that are broken.

In: a function that reads one item. Out: what it gave, in order. Ctrl-C ends the workers at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeVar

from instrument.errors import FileError
from training.data.symbolic.corpus import Corpus, Piece

MOST_SKIPPED = 0.01
_FEW = 16
"""So many small files are read sooner than workers start."""
_WORKERS = 2
_CHUNK = 8

Show = Callable[[str, int, int], None]
"""Told a name, how many items are done, and how many there are."""
Skipped = tuple[str, str]
"""An item that could not be read, and why."""
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Found:
    """What a file gave: pieces, and what could not be read of it."""

    pieces: tuple[Piece, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """A corpus, and what could not be read of its source."""

    corpus: Corpus
    skipped: tuple[Skipped, ...] = ()


def read_side_by_side(
    read: Callable[[Task], Result], tasks: Sequence[Task], chunk: int = _CHUNK
) -> Iterator[Result]:
    """Apply a module's function to every task, in processes of lower priority, in order.

    Raises
    ------
    FileError
        A worker was killed, for want of memory as a rule.
    """
    if len(tasks) <= _FEW:
        yield from map(read, tasks)
        return
    # A process with threads, as a progress bar has one, is not safely forked.
    context = multiprocessing.get_context("spawn")
    workers = ProcessPoolExecutor(_WORKERS, mp_context=context, initializer=_be_quiet)
    try:
        yield from workers.map(read, tasks, chunksize=chunk)
    except BrokenProcessPool as reason:
        raise FileError(
            "a process that reads files was killed", "Read fewer files at once (--most)."
        ) from reason
    except BaseException:  # Ctrl-C: what is in work would go on for as long as it takes
        workers.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        workers.shutdown(cancel_futures=True)


def refuse_many_skipped(skipped: Sequence[Skipped], total: int, most: float = MOST_SKIPPED) -> None:
    """Refuse a source of which more than a share of `most` cannot be read, if it is not just one.

    Raises
    ------
    FileError
        With the first names and reasons.
    """
    if len(skipped) > most * max(1, total) and len(skipped) > 1:
        first = "; ".join(f"{name}: {reason}" for name, reason in skipped[:3])
        raise FileError(
            f"{len(skipped)} of {total} items cannot be read: {first}",
            f"That is more than {most:.0%}: the source is damaged or of another kind.",
        )


def _be_quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback for each worker
    if hasattr(os, "nice"):
        os.nice(5)
