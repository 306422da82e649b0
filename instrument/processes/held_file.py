"""A file that is held as long as its process lives, however that ends.

The system itself lets go of the lock, after a kill or a power cut too, and unlike a process number
a lock is never somebody else's by now.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

_LOCKED_BYTE = 1 << 20
"""Windows refuses to let others read what is locked: lock a byte beyond the content."""


class HeldFile:
    """Create a file and hold it until `release` or the end of this process.

    It is held before anybody can see it under its name.

    Parameters
    ----------
    path
        Its name; its folder is there.
    content
        What it holds; this process's number when not given.

    Raises
    ------
    OSError
        It cannot be created.
    """

    def __init__(self, path: Path, content: bytes = b"") -> None:
        self.path = path
        is_posix = sys.platform != "win32"
        first = path.with_name(f".{path.name}.{os.getpid()}") if is_posix else path
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(first, flags, 0o600)
        _lock(self._descriptor)
        os.write(self._descriptor, content or str(os.getpid()).encode())
        if is_posix:
            first.replace(path)

    def release(self) -> None:
        """Let go of it and remove it."""
        with suppress(OSError):
            self.path.unlink()
        with suppress(OSError):
            os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Tell whether a process holds a file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor)  # closing it lets go of it again
    finally:
        os.close(descriptor)


def holder_of(path: Path) -> int | None:
    """Return the number of the process that holds a file with its number; None if nobody does."""
    with suppress(OSError, ValueError):
        return int(path.read_bytes()[:32]) if is_held(path) else None
    return None


def _lock(descriptor: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
