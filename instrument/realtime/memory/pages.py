"""Pages of the shared memory: files that every process maps, and room for them.

This module imports neither numba nor llvmlite, as `memory.state`, which is built from it.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path


def reserve(descriptor: int, size: int) -> None:
    """Give a file a size, and pages for all of it.

    A page that is missing when it is first written to is no error that Python sees: the process
    dies of SIGBUS, the engine in the middle of a block.

    Raises
    ------
    OSError
        There is not so much room.
    """
    os.ftruncate(descriptor, max(size, os.fstat(descriptor).st_size))
    if hasattr(os, "posix_fallocate"):  # elsewhere the files are on disk, and lazily so
        os.posix_fallocate(descriptor, 0, size)


def map_pages(path: Path | None, size: int, create: bool, taken: int | None = None) -> mmap.mmap:
    """Map a file, or memory of this process when there is none.

    Parameters
    ----------
    size
        In bytes.
    create
        Make the file, and take pages for all of it, or for its first `taken` bytes.

    Raises
    ------
    OSError
        There is no such file, or no room for it.
    """
    if path is None:
        return mmap.mmap(-1, size)
    flags = os.O_RDWR | (os.O_CREAT if create else 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if create:
            os.ftruncate(descriptor, max(size, os.fstat(descriptor).st_size))
            reserve(descriptor, size if taken is None else taken)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
