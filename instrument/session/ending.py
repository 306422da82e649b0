"""Ctrl-C and SIGTERM while people play: the first one ends the session, and none is lost.

Python raises in whatever code runs at that moment, and swallows what is raised inside a destructor
or a callback of the importer. So the first signal is written down too, and control's loop raises it
again; those that follow do not interrupt the end, which fades out and finishes the recording.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Ending:
    """Use it around a session, in a ``with`` statement of the main thread."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._raise: Callable[[], None] | None = None

    def check(self) -> None:
        """Raise what an earlier signal asked for, should that have been swallowed.

        Raises
        ------
        KeyboardInterrupt, SystemExit
            As the handlers that were there before do.
        """
        if self._raise:
            self._raise()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._raise is None:
            self._raise = lambda: self._before[number](number, frame)
            self._raise()

    def __enter__(self) -> Ending:
        for number in _SIGNALS:
            before = signal.getsignal(number)
            if callable(before):  # else it is ignored, or ends the process at once
                self._before[number] = before
                signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal break into an end that has begun; only the main thread is ever interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
