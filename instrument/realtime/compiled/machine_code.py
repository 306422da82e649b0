"""Compile the audio thread's functions once; afterwards load them in milliseconds.

An installation from a wheel brings object files (`PREBUILT`): where one fits the processor, and is
of these very sources, nothing is compiled at all. Elsewhere numba compiles `kernel` and `callback`
to one object file, kept beside the sources (or in the user's cache folder). Later processes load
it with llvmlite alone: 0.06 s and 65 MB of memory instead of numba's 0.5 s and 170 MB, and the
engine has no compiler in it while it plays.

The file's name is a hash of everything that could change the code: these sources, the versions of
Python, numpy, numba and llvmlite, and the processor with its features (`processor`). To find the
name takes no LLVM where the system tells the features (Linux), so control looks for the file
without loading it.
numba's own cache is not used: it looks only at the file that a function stands in, not at those
that the function calls.

An object file begins with the sha256 of its code and is used only if that is right, and if nobody
but its owner, the user or root, can have written it; otherwise it is compiled again.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import platform
import stat
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from instrument.realtime.compiled.processor import (
    fitting_levels,
    host_processor,
    processor_marks,
    target_machine,
)

SOURCES = Path(__file__).parents[1]
"""All of `instrument.realtime`."""
PREBUILT = SOURCES / "prebuilt"
"""What ``make plugin`` makes for other people's processors, and a wheel brings."""
_DIGEST_BYTES, _MOST_BYTES = 32, 2**26
# What the C library gives to everybody; the compiled code may depend on nothing else.
ALLOWED_SYMBOLS = {"memset", "memcpy", "memmove"}

PROCESS_BLOCK = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)
# PaStreamCallback, with C's unsigned long
PORTAUDIO_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
)


@dataclass(frozen=True, slots=True)
class MachineCode:
    """Addresses of the compiled functions, valid as long as this process lives."""

    process_block: int
    portaudio_callback: int
    jack_process: int
    jack_xrun: int
    jack_shutdown: int
    jack_connection: int
    jack_registration: int
    jack_message: int

    def call_process_block(self, state: int, left: int, right: int, stride: int, n: int) -> None:
        """Render `n` frames; see `kernel.process_block`. Does not hold the interpreter lock."""
        PROCESS_BLOCK(self.process_block)(state, left, right, stride, n)


@cache
def load_machine_code() -> MachineCode:
    """Return the compiled functions, from disk if they are there, else compiled now (10 s)."""
    return _link(_prebuilt_code() or _stored_code() or compile_object())


def is_compiled() -> bool:
    """Say whether the functions can be loaded at once."""
    return _prebuilt_code() is not None or _stored_code() is not None


def compile_object() -> bytes:
    """Compile with numba and store the result in the first folder that can be written."""
    from numba.core import config

    settings: Any = config  # numba fills it in when it is imported
    settings.CPU_NAME, settings.CPU_FEATURES = host_processor()
    from instrument.realtime.compiled.compiler import compile_all

    code = compile_all()
    for folder in cache_folders():
        if _store(folder, code) and _read_own(folder / object_name()):
            break  # some file systems keep neither owner nor mode: the next folder may
    return code


def cache_folders() -> list[Path]:
    """Return where compiled code may lie, in order of preference."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    user = Path(home) if home else Path.home() / ".cache"
    return [SOURCES / "__pycache__", user / "latentkeys" / "machine-code"]


@cache
def prebuilt_name(processor: str) -> str:
    """Return the file name of the present sources' code for a sort of processor, on Linux."""
    return f"audio-thread.{_sources().hexdigest()[:24]}.linux-{processor}.o"


def with_digest(code: bytes) -> bytes:
    """Return a file's content: code that is used only if it is whole."""
    return hashlib.sha256(code).digest() + code


@cache
def object_name() -> str:
    """Return the file name that the present sources, versions and processor have."""
    from importlib.metadata import version  # a tenth of a start, which mostly needs no name

    digest = _sources()
    versions = [version(package) for package in ("numpy", "numba", "llvmlite")]
    digest.update(repr((sys.version, versions, platform.platform(), processor_marks())).encode())
    return f"audio-thread.{digest.hexdigest()[:24]}.o"


def _sources() -> Any:
    """Return the digest of everything that is compiled; the caller may go on with it."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.rglob("*.py")):
        name = source.relative_to(SOURCES).as_posix()
        digest.update(name.encode() + b"\0" + source.read_bytes())
    return digest


def drop_linker_pages() -> None:
    """Give back the memory of LLVM's own code, once ours is linked: 30 MB. Linux only.

    These pages are read-only and come from the library's file: should anything call into it again,
    they come back by themselves.
    """
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        return
    advise = ctypes.CDLL(None).madvise
    for line in maps.read_text().splitlines():
        if "libllvmlite" in line and " r-xp " in line:
            begin, end = (int(address, 16) for address in line.split()[0].split("-"))
            advise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), mmap.MADV_DONTNEED)


def _stored_code() -> bytes | None:
    """Return the compiled code of the first folder that has it whole and ours."""
    return _first_whole([folder / object_name() for folder in cache_folders()])


def _prebuilt_code() -> bytes | None:
    """Return what the installation has brought for this processor, if anything."""
    return _first_whole([PREBUILT / prebuilt_name(processor) for processor in fitting_levels()])


def _first_whole(paths: list[Path]) -> bytes | None:
    for path in paths:
        content = _read_own(path)
        digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if code and hashlib.sha256(code).digest() == digest:
            return code
    return None


def _read_own(path: Path) -> bytes:
    """Read a file that only the user or root can have written; any other one reads as empty."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return b""
        if hasattr(os, "getuid"):  # Windows keeps the user's folders to the user
            others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if others_write or status.st_uid not in (0, os.getuid()):
                return b""
        return file.read()


_engines: list[Any] = []  # LLVM frees the code together with its engine


def _link(code: bytes) -> MachineCode:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine(jit=True))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    names = MachineCode.__dataclass_fields__
    return MachineCode(**{name: engine.get_function_address(name) for name in names})


def _store(folder: Path, code: bytes) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(with_digest(code))
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(folder / object_name())
    except OSError:
        return False  # read-only installation: try the next folder
    return True
