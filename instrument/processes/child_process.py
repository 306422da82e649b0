"""A process of ours that talks in JSON lines, as the process that started it sees it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

import msgspec

from instrument.processes.json_lines import encode


class ChildProcess:
    """Run ``python -m MODULE SESSION_DIR`` and exchange lines with it without ever waiting.

    It gets a session of its own, so that Ctrl-C in the terminal reaches control alone, which then
    ends the others in order; SIGINT is blocked from its first instruction on. Its stderr goes to
    ``MODULE.log`` in the session's folder.

    Parameters
    ----------
    module
        What to run.
    folder
        The session's folder.
    """

    def __init__(self, module: str, folder: Path) -> None:
        self.module = module
        self.log = folder / f"{module}.log"
        with self.log.open("ab") as log, _sigint_blocked():
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdin and self._process.stdout
        self._input: IO[bytes] = self._process.stdin
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._reader = threading.Thread(
            target=_collect, args=(self._process.stdout, self._lines), daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, minus the signal's number if a signal ended it; None while it runs."""
        return self._process.poll()

    def lines(self) -> Iterator[bytes]:
        """Yield every line that it has printed since the last call."""
        while True:
            try:
                yield self._lines.get_nowait()
            except Empty:
                return

    def send(self, message: msgspec.Struct) -> None:
        """Send one message; a process that has just died does not hear it."""
        with suppress(OSError, ValueError):
            self._input.write(encode(message))
            self._input.flush()

    def note(self, line: bytes) -> None:
        """Put a line that is no message beside the process's stderr."""
        with self.log.open("ab") as log:
            log.write(line + b"\n")

    def last_words(self, count: int = 3) -> str:
        """Return the last lines of its stderr, for an error message."""
        with suppress(OSError):
            text = self.log.read_text(encoding="utf-8", errors="replace")
            return "\n".join(text.strip().splitlines()[-count:])
        return ""

    def kill(self) -> None:
        """End it at once, even if it is stopped."""
        self._process.kill()

    def end(self, wait_seconds: float = 1.0) -> None:
        """Close its stdin, wait for its end, and kill it if it does not come.

        Parameters
        ----------
        wait_seconds
            Until it is killed.
        """
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)
        assert self._process.stdout
        self._process.stdout.close()


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """A child inherits the mask; a Ctrl-C that comes meanwhile reaches this process afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _collect(stream: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    for line in stream:
        lines.put(line.rstrip())
