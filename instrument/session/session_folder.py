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
from threading import Thread

from instrument.errors import FileError
from instrument.processes.heartbeat import LOCK_FILES
from instrument.processes.held_file import HeldFile, holder_of
from instrument.processes.held_folder import is_half_made, is_ours, sweep_folders
from instrument.realtime.memory.constants import CONTROL_BEATS
from instrument.realtime.memory.pages import reserve
from instrument.realtime.memory.state import EngineState
from instrument.realtime.memory.tone_pool import pool_bytes

PREFIX = "latentkeys-"
AUDIO_PREFIX = "latentkeys-audio-"
"""Of folders with what a session has played lately."""
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh private folder is made inside
LONGEST_NOTE_SECONDS = 4.0
USUAL_RATE_HZ = 48_000.0
SPARE_BYTES = 128 * 2**20
"""For the engine block and for everybody else; containers often have only 64 MiB in memory."""
FADE_SECONDS = 1.5
"""An engine that is asked to end fades out within this time."""
_CONTROL = LOCK_FILES[CONTROL_BEATS]
_FILES = ("state.bin", *LOCK_FILES.values())  # any of them tells a session's folder


@contextmanager
def session_folder(rate_hz: float = USUAL_RATE_HZ) -> Iterator[Path]:
    """Make a private folder for a session, held by this process, and remove it at the end.

    The pages of its tones are taken meanwhile, in a thread: half a gigabyte takes a while.

    Parameters
    ----------
    rate_hz
        What the device is expected to play at.

    Raises
    ------
    FileError
        There is no place for it.
    """
    sweep_dead_sessions()
    size = pool_bytes(rate_hz, LONGEST_NOTE_SECONDS)
    parent = choose_parent(size + SPARE_BYTES)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
        held = HeldFile(folder / _CONTROL)
    except OSError as problem:
        raise FileError(
            f'cannot create a session folder in "{parent}": {problem.strerror}',
            "Free some memory or disk space there.",
        ) from problem
    reserving = Thread(target=_reserve, args=(folder / "tones.bin", size), name="reserve")
    reserving.start()
    try:
        yield folder
    finally:
        reserving.join()
        held.release()
        shutil.rmtree(folder, ignore_errors=True)


def create_state(folder: Path) -> EngineState:
    """Make the engine block of a session.

    Raises
    ------
    FileError
        There is no room for it.
    """
    try:
        return EngineState.create(folder, note_seconds=LONGEST_NOTE_SECONDS)
    except OSError as problem:
        raise FileError(
            f'no room for the engine\'s memory in "{folder.parent}": {problem.strerror}',
            "Free some memory or disk space there.",
        ) from problem


def other_sessions() -> list[int]:
    """Return the numbers of the control processes of all sessions that are going on."""
    holders = (holder_of(folder / _CONTROL) for folder in _folders())
    return [holder for holder in holders if holder and holder != os.getpid()]


def sweep_dead_sessions() -> None:
    """End what still runs of sessions whose control was killed, and remove their folders."""
    sweep_folders(AUDIO_PREFIX)
    for folder in _folders():
        with suppress(OSError):
            if _is_left_behind(folder):
                _end_processes(folder)
                shutil.rmtree(folder, ignore_errors=True)


def choose_parent(room_bytes: int, in_memory: Path = _IN_MEMORY) -> Path:
    """Return where session folders go: into memory, if there is room for tone tables."""
    with suppress(OSError):
        has_room = shutil.disk_usage(in_memory).free >= room_bytes
        if has_room and os.access(in_memory, os.W_OK):
            return in_memory
    return Path(tempfile.gettempdir())


def _reserve(path: Path, size: int) -> None:
    with suppress(OSError):  # the engine, which knows the true rate, tells what is missing
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            reserve(descriptor, size)
        finally:
            os.close(descriptor)


def _folders() -> Iterator[Path]:
    for parent in (_IN_MEMORY, Path(tempfile.gettempdir())):
        for folder in parent.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if any((folder / name).exists() for name in _FILES) and is_ours(folder):
                    yield folder


def _is_left_behind(folder: Path) -> bool:
    lock = folder / _CONTROL
    if lock.exists():
        return holder_of(lock) is None
    return not is_half_made(folder)


def _end_processes(folder: Path) -> None:
    """Ask those that are left to end, the engine among them, which fades out; then kill them."""
    found = {name: holder_of(folder / name) for name in LOCK_FILES.values()}
    left = {name: number for name, number in found.items() if number}

    def still_running() -> list[int]:  # the folder itself goes with its engine
        return [number for name, number in left.items() if _runs(number, folder, name)]

    for number in still_running():
        os.kill(number, signal.SIGTERM)
    deadline = time.monotonic() + FADE_SECONDS
    while still_running() and time.monotonic() < deadline:
        time.sleep(0.01)
    for number in still_running():
        os.kill(number, getattr(signal, "SIGKILL", signal.SIGTERM))


def _runs(number: int, folder: Path, lock: str) -> bool:
    """Tell whether a process of a session runs; in a container its number may be another's."""
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return folder.name.encode() in Path(f"/proc/{number}/cmdline").read_bytes()
        return False
    return holder_of(folder / lock) == number
