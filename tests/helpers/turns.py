"""Tests that measure time or hold an audio server run alone, although others run side by side.

In: whether a test has to be alone. Out: a turn. Two locks on files of this folder, as the system
forgets them when a process dies: the test runs inside the second one, shared or alone, and waits
for it inside the first, so that one who wants to be alone is not overtaken for ever. They count
between the workers of one ``pytest -n`` and between two runs in one checkout.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parent


@contextlib.contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Wait until a test may run; on Windows, where tests run one by one, at once."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with _opened(_HERE / "__init__.py") as queue, _opened(_HERE / "turns.py") as stage:
        fcntl.flock(queue, fcntl.LOCK_EX)
        fcntl.flock(stage, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(queue, fcntl.LOCK_UN)
        try:
            yield
        finally:  # now, not with the last copy of the file in a process that a test has forked
            fcntl.flock(stage, fcntl.LOCK_UN)


@contextlib.contextmanager
def on_jack(*, is_asked: bool) -> Iterator[None]:
    """Wait until no other test has a client on a JACK server; ask for it inside a turn.

    libjack hears of changes over a socket that has the client's name, and not the server's: two
    clients named alike, on two servers, take each other's messages, or end.
    """
    with alone_in(_HERE / "live" / "jack_server.py") if is_asked else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def alone_in(place: Path) -> Iterator[None]:
    """Wait until no other process is in here with the same file or folder; not on Windows."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with _opened(place) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDONLY)
    try:
        yield file
    finally:
        os.close(file)
