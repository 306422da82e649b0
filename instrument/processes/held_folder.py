"""A private folder that goes with its process, and is swept if that was killed.

It is held by a lock file in it (`held_file`): so the next one of its kind can tell those that are
in use from those that were left behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from instrument.processes.held_file import HeldFile, is_held

LOCK = "folder.lock"
HALF_MADE_SECONDS = 86_400.0
"""A folder that nobody has held yet may be so old before it counts as left behind."""


class HeldFolder:
    """Make a folder that only its user may enter, among the system's temporary ones.

    Parameters
    ----------
    prefix
        What its name begins with: its kind, see `sweep_folders`.

    Attributes
    ----------
    path
        Where it is.

    Raises
    ------
    OSError
        There is no room for it.
    """

    def __init__(self, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))  # mode 0700
        self._held = HeldFile(self.path / LOCK)

    def release(self) -> None:
        """Remove it, with all that is in it."""
        self._held.release()
        shutil.rmtree(self.path, ignore_errors=True)


def sweep_folders(prefix: str) -> None:
    """Remove what killed processes of this user have left of a kind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            if is_ours(folder) and _is_left_behind(folder):
                shutil.rmtree(folder, ignore_errors=True)


def is_ours(folder: Path) -> bool:
    """Tell whether a folder is this user's."""
    return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()


def is_half_made(folder: Path) -> bool:
    """Tell whether a folder that nobody has held yet may still come to be held."""
    return time.time() - folder.stat().st_mtime <= HALF_MADE_SECONDS


def _is_left_behind(folder: Path) -> bool:
    lock = folder / LOCK
    return not is_held(lock) if lock.exists() else not is_half_made(folder)
