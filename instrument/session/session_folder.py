"""The folder of one session: the shared memory of the three processes, as plain files.

It is in memory where the system has such a place, readable by the user alone, and goes when the
session ends. A session that was killed whole leaves its folder; the next one sweeps it away.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from instrument.errors import FileError
from instrument.realtime.state import EngineState

PREFIX = "latentkeys-"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh private folder is made inside
ROOM_BYTES = 512 * 2**20
"""Three banks of four-second notes at 48 kHz; containers often have only 64 MiB in memory."""


@contextmanager
def session_folder() -> Iterator[Path]:
    """Make a private folder for a session and remove it at the end.

    Raises
    ------
    FileError
        There is no place for it.
    """
    sweep_dead_sessions()
    parent = choose_parent()
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
    except OSError as problem:
        raise FileError(
            f'cannot create a session folder in "{parent}": {problem.strerror}',
            "Free some memory or disk space there.",
        ) from problem
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_dead_sessions() -> None:
    """Remove the folders of sessions whose engine was killed before it could do so itself."""
    for parent in (_IN_MEMORY, Path(tempfile.gettempdir())):
        for folder in parent.glob(f"{PREFIX}*"):
            with suppress(OSError, ValueError):
                if _is_ours(folder) and _is_dead(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def choose_parent(in_memory: Path = _IN_MEMORY) -> Path:
    """Return where session folders go: into memory, if there is room for tone tables."""
    with suppress(OSError):
        has_room = shutil.disk_usage(in_memory).free >= ROOM_BYTES
        if has_room and os.access(in_memory, os.W_OK):
            return in_memory
    return Path(tempfile.gettempdir())


def _is_ours(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _is_dead(folder: Path) -> bool:
    engine = int(EngineState.attach(folder).fields["engine_pid"])
    if engine == 0:
        return False  # it is only just starting
    try:
        os.kill(engine, 0)
    except ProcessLookupError:
        return True
    return False
