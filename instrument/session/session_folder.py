"""The folder of one session: the shared memory of its processes, as plain files.

It is in memory where the system has such a place, readable by the user alone, and goes when the
session ends. Each of its processes holds a lock file in it (`instrument.processes.held_file`): so
the next session can tell what still lives, and sweeps away what a killed one has left.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from instrument.errors import FileError
from instrument.processes.heartbeat import LOCK_FILES
from instrument.processes.held_file import HeldFile, holder_of
from instrument.realtime.state import CONTROL_BEATS

PREFIX = "latentkeys-"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh private folder is made inside
ROOM_BYTES = 640 * 2**20
"""Four banks of four-second notes at 48 kHz; containers often have only 64 MiB in memory."""
FADE_SECONDS = 1.5
"""An engine that is asked to end fades out within this time."""
HALF_MADE_SECONDS = 86_400.0
"""A folder that no control has held yet may be so old before it counts as left behind."""
_CONTROL = LOCK_FILES[CONTROL_BEATS]


@contextmanager
def session_folder() -> Iterator[Path]:
    """Make a private folder for a session, held by this process, and remove it at the end.

    Raises
    ------
    FileError
        There is no place for it.
    """
    sweep_dead_sessions()
    parent = choose_parent()
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
        held = HeldFile(folder / _CONTROL)
    except OSError as problem:
        raise FileError(
            f'cannot create a session folder in "{parent}": {problem.strerror}',
            "Free some memory or disk space there.",
        ) from problem
    try:
        yield folder
    finally:
        held.release()
        shutil.rmtree(folder, ignore_errors=True)


def other_sessions() -> list[int]:
    """Return the numbers of the control processes of all sessions that are going on."""
    holders = (holder_of(folder / _CONTROL) for folder in _folders())
    return [holder for holder in holders if holder and holder != os.getpid()]


def sweep_dead_sessions() -> None:
    """End what still runs of sessions whose control was killed, and remove their folders."""
    for folder in _folders():
        with suppress(OSError):
            if _is_left_behind(folder):
                _end_processes(folder)
                shutil.rmtree(folder, ignore_errors=True)


def choose_parent(in_memory: Path = _IN_MEMORY) -> Path:
    """Return where session folders go: into memory, if there is room for tone tables."""
    with suppress(OSError):
        has_room = shutil.disk_usage(in_memory).free >= ROOM_BYTES
        if has_room and os.access(in_memory, os.W_OK):
            return in_memory
    return Path(tempfile.gettempdir())


def _folders() -> Iterator[Path]:
    for parent in (_IN_MEMORY, Path(tempfile.gettempdir())):
        for folder in parent.glob(f"{PREFIX}*"):
            with suppress(OSError):
                is_session = (folder / _CONTROL).exists() or (folder / "state.bin").exists()
                if is_session and _is_ours(folder):
                    yield folder


def _is_ours(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()


def _is_left_behind(folder: Path) -> bool:
    lock = folder / _CONTROL
    if lock.exists():
        return holder_of(lock) is None
    return time.time() - folder.stat().st_mtime > HALF_MADE_SECONDS


def _end_processes(folder: Path) -> None:
    """Ask those that are left to end, the engine among them, which fades out; then kill them."""
    for number in _runs_in(folder):
        os.kill(number, signal.SIGTERM)
    deadline = time.monotonic() + FADE_SECONDS
    while any(_runs_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for number in _runs_in(folder):
        os.kill(number, getattr(signal, "SIGKILL", signal.SIGTERM))


def _runs_in(folder: Path) -> Iterator[int]:
    """Yield the numbers of a session's processes."""
    for name in LOCK_FILES.values():
        number = holder_of(folder / name)
        command = Path(f"/proc/{number}/cmdline")
        # In a container a number may be another process's here.
        if number and (not command.exists() or folder.name in command.read_text()):
            yield number
