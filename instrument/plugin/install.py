"""Put the plug-in where hosts look for it, say what is there, and take it away again."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from instrument.errors import FileError, InstallationError
from instrument.files import cannot_write, replacing_file
from instrument.plugin.places import (
    BINARIES,
    Binary,
    host_folder,
    launch_file,
    service_file,
    this_target,
)
from instrument.plugin.tables.table_file import tables_folder
from instrument.processes.held_file import is_held

FORMATS = ("vst3", "clap")


@dataclass(frozen=True, slots=True)
class Status:
    """What ``latentkeys plugin status`` tells.

    Attributes
    ----------
    installed
        Where the plug-in lies, by format; a format that is missing is not there.
    is_current
        Whether each of them is this version's.
    launch
        The command line that starts the service; empty when the plug-in could not start it.
    service_pid
        The service that runs, if one does.
    tables, table_bytes
        Tables in the cache, and what they take.
    """

    installed: dict[str, Path]
    is_current: dict[str, bool]
    launch: tuple[str, ...]
    service_pid: int | None
    tables: int
    table_bytes: int


def install(binaries: Path = BINARIES) -> list[Path]:
    """Copy the plug-in into the user's folders and say how the service is started.

    Raises
    ------
    InstallationError
        This installation has no plug-in for this system.
    FileError
        A folder cannot be written.
    """
    target = this_target()
    found = [Binary(target, kind) for kind in FORMATS]
    missing = [binary for binary in found if not (binaries / binary.file).is_file()]
    if missing:
        raise InstallationError(
            f"this installation of latentkeys brings no plug-in for {target}",
            "From the sources: make plugin, then try again.",
        )
    launch = launch_file()
    try:
        launch.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise cannot_write(launch, problem) from problem
    with replacing_file(launch) as temporary:
        temporary.write_text(
            "\n".join((sys.executable, "-m", "instrument.plugin.service")) + "\n", encoding="utf-8"
        )
    return [_copy(binaries / binary.bundle, installed_at(binary.kind)) for binary in found]


def installed_at(kind: str) -> Path:
    """Where a format's plug-in lies once it is installed."""
    return host_folder(kind) / f"latentkeys.{kind}"


def remove() -> list[Path]:
    """Take the plug-in away; presets, songs and the cache stay.

    Raises
    ------
    FileError
        A file cannot be removed.
    """
    gone = []
    for path in (*(installed_at(kind) for kind in FORMATS), launch_file()):
        if not path.exists():
            continue
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as problem:
            raise FileError(
                f'cannot remove "{path}": {problem.strerror}',
                "Close the programs that use it, or remove it by hand.",
            ) from problem
        gone.append(path)
    return gone


def status(binaries: Path = BINARIES) -> Status:
    """Look at what is installed, and whether a service runs."""
    installed = {kind: installed_at(kind) for kind in FORMATS if installed_at(kind).exists()}
    current = {
        kind: _code(kind, path.parent) == _code(kind, binaries / this_target())
        for kind, path in installed.items()
    }
    launch: tuple[str, ...] = ()
    with suppress(OSError):
        launch = tuple(launch_file().read_text(encoding="utf-8").splitlines())
    sizes = []
    for path in tables_folder().glob("*.table"):
        with suppress(OSError):
            sizes.append(path.stat().st_size)
    return Status(installed, current, launch, _service_pid(), len(sizes), sum(sizes))


def _service_pid() -> int | None:
    """Return the number of the service that runs, if one does."""
    with suppress(OSError, ValueError, IndexError):
        number = int(service_file().read_text(encoding="utf-8").split("\n")[2])
        return number if is_held(service_file()) else None
    return None


def _code(kind: str, folder: Path) -> bytes | None:
    """Return the code of a plug-in that lies in a folder, as built or as installed."""
    inside = Binary(this_target(), kind).file.relative_to(this_target())
    with suppress(OSError):
        return (folder / inside).read_bytes()
    return None


def _copy(source: Path, target: Path) -> Path:
    """Copy beside and rename: a host that has the old one open keeps it."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, fresh)
            if target.exists():
                shutil.rmtree(target)
        else:
            shutil.copyfile(source, fresh)
        fresh.replace(target)
    except OSError as problem:
        raise cannot_write(target, problem) from problem
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return target
