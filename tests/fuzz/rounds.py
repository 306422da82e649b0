"""Try inputs, one after the other, each with a limit of time; count what went wrong."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from instrument.errors import LatentkeysError
from tests.fuzz.entrances import ENTRANCES, scratch

LIMIT_SECONDS = 10.0


class TooSlowError(Exception):
    """An input took longer than anybody waits."""


@dataclass(slots=True)
class Count:
    """What came of an entrance's inputs.

    Attributes
    ----------
    refused
        With a `LatentkeysError`.
    slowest_seconds
        Of wall time, for one input.
    most_mb
        The process's largest size so far.
    failures
        The seed, and the trace.
    """

    tried: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    most_mb: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


def try_inputs(name: str, inputs: int, seed: int) -> Count:
    """Try an entrance.

    Parameters
    ----------
    name
        A key of `ENTRANCES`.
    inputs
        How many.
    seed
        The first one's; the others count on from there.
    """
    count, folder = Count(), scratch(name)
    try:
        try_one = ENTRANCES[name].open(folder)
        for number in range(seed, seed + inputs):
            began = time.monotonic()
            count.tried += 1
            try:
                with time_limit():
                    try_one(random.Random(f"{name} {number}"))
            except LatentkeysError:
                count.refused += 1
            except Exception:  # counting these is what this is for
                count.failures.append((f"{name} {number}", traceback.format_exc(limit=-4)))
            count.slowest_seconds = max(count.slowest_seconds, time.monotonic() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    count.most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return count


@contextmanager
def time_limit() -> Iterator[None]:
    """Interrupt what takes too long; main thread."""

    def interrupt(*_: object) -> None:
        raise TooSlowError(f"more than {LIMIT_SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        with suppress(ValueError, TypeError):
            signal.signal(signal.SIGALRM, before)
