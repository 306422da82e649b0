"""Read regular files only, write files whole or not at all, and say plainly why one cannot be."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

from instrument.errors import FileError

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space or choose another folder."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or choose another folder."),
    errno.EACCES: ("writing is not allowed", "Choose a folder that you may write to."),
    errno.EPERM: ("writing is not allowed", "Choose a folder that you may write to."),
    errno.EROFS: ("the disk is read-only", "Choose a folder that you may write to."),
    errno.ENOENT: ("its folder does not exist", "Create the folder first."),
    errno.ENOTDIR: ("part of its path is not a folder", "Check the path."),
    errno.EISDIR: ("it is a folder", "Name a file inside it."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name."),
}


def cannot_write(path: Path, problem: OSError) -> FileError:
    """Say what keeps a file from being written and what to do about it."""
    reason, remedy = _REASONS.get(
        problem.errno or 0, (problem.strerror or str(problem), "Choose another place.")
    )
    return FileError(f'cannot write "{path}": {reason}', remedy)


def shipped_presets_folder() -> Path:
    """The presets that came with the project: inside the wheel, or beside the source tree."""
    package = Path(__file__).parent
    inside_wheel = package / "presets"
    return inside_wheel if inside_wheel.is_dir() else package.parent / "presets"


def is_file(path: Path) -> bool:
    """Say whether there is such a file; a name that no file can have is none (`Path` raises)."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Say whether there is such a folder; a name that no folder can have is none."""
    return os.path.isdir(path)  # noqa: PTH112


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read; a pipe or a device, which may never answer, is refused.

    Raises
    ------
    OSError
        It is not there, may not be read, or is no regular file.
    """
    # Without O_NONBLOCK, opening a pipe waits for somebody who writes to it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the body succeeds.

    A reader sees the old file or the new one, never a half. When the body fails or is interrupted,
    the temporary file goes and `path` is as it was.

    Raises
    ------
    FileError
        The file cannot be created, written or renamed (a full disk, no rights, no such folder).
    """
    if path.is_dir():
        raise cannot_write(path, IsADirectoryError(errno.EISDIR, "is a directory"))
    temporary = temporary_beside(path)
    try:
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def flush_to_disk(path: Path) -> None:
    """Wait until the disk has a file: renamed before that, a power cut leaves an empty one.

    Parameters
    ----------
    path
        The file, or a folder in which something was renamed.
    """
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def free_name(path: Path) -> Path:
    """Return a path or, if it is taken, one with a number: take.wav, take-2.wav, take-3.wav, ..."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(name for name in chain([path], numbered) if not name.exists())


def temporary_beside(path: Path) -> Path:
    """Create an empty hidden file in the folder of `path`, to be renamed to it.

    Raises
    ------
    FileError
        The folder does not exist or cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name[:40]}-", suffix=path.suffix
        )
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp makes the file private
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    os.close(descriptor)
    return Path(name)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
