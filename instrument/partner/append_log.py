"""What grows while people play lies on disk, not in memory.

In: small pieces of bytes, one after the other. Out: all of them again, when a take is kept. The
file has no name, so that nothing is left of it whatever ends the process.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import weakref
from typing import BinaryIO, cast

_IN_MEMORY_BYTES = 1 << 16  # what short sessions, and tests, need of a disk


class AppendLog:
    """Bytes that are only ever appended, up to a limit; one thread.

    Parameters
    ----------
    most_bytes
        What it may hold.

    Attributes
    ----------
    problem
        Why it takes nothing any more; empty while it does.
    """

    def __init__(self, most_bytes: int) -> None:
        self.problem = ""
        self._most_bytes, self._bytes = most_bytes, 0
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - lives as long as self
        weakref.finalize(self, file.close)
        self._file = cast(BinaryIO, file)

    def append(self, piece: bytes) -> bool:
        """Write a piece down, or return that it does not fit."""
        if not self.problem and self._bytes + len(piece) > self._most_bytes:
            self.problem = "too much has been played"
        if self.problem:
            return False
        try:
            self._file.write(piece)
        except OSError as reason:
            self.problem = f"it cannot be written down ({reason.strerror})"
            return False
        self._bytes += len(piece)
        return True

    def copy_into(self, file: BinaryIO) -> None:
        """Write everything into another file.

        Raises
        ------
        OSError
            It cannot be read, or the other cannot be written.
        """
        try:
            self._file.seek(0)
            shutil.copyfileobj(self._file, file)
        finally:
            self._file.seek(0, os.SEEK_END)

    def read(self) -> bytes:
        """Return everything.

        Raises
        ------
        OSError
            It cannot be read.
        """
        whole = io.BytesIO()
        self.copy_into(whole)
        return whole.getvalue()
