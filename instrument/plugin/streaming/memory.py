"""What the plug-in shares with the process that renders held notes on: requests, answers, rings.

The kernel's block stays private to the host. Its `STREAM` records are copied here by the audio
thread before each block, and what was answered is copied back; the rings it reads where they are.
The plug-in makes the memory (``native/os.h``), under a name that only this user may open: a file,
on Windows a named mapping. Pages that no note has needed take no room.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.plugin.places import service_file
from instrument.plugin.tables.table_file import read_table
from instrument.realtime.memory.constants import (
    BANK_COUNT,
    CHANNEL_COUNT,
    CHUNK_SECONDS,
    LANES,
    STREAM_CHUNKS,
    STREAM_COUNT,
)
from instrument.realtime.memory.layout import STREAM

EXCHANGE_FRAMES = 128
"""In a bounce answers are taken where the clock is a multiple of this, as in a render."""
MOST_SLIDING = 16
SLIDING = np.dtype(
    [
        *(("stage", "i4"), ("channel", "i4"), ("source_bank", "i4"), ("source_pitch", "i4")),
        *(("is_stand_in", "i4"), ("loops", "i4"), ("reads_stream", "i4")),
    ],
    align=True,
)
"""Of a voice that a slide may move: the fields that `StreamServer` looks at, named as in VOICE."""
SHARED = np.dtype(
    [
        ("layout", "i8"),  # written last: `shared_layout`
        ("rate_hz", "f8"),
        ("stream_stride", "i8"),
        ("clock_block_frames", "i8"),
        ("is_offline", "i8"),  # blocks wait for what they need
        ("asked", "i8", (BANK_COUNT,)),  # the plug-in: the number of what the bank has now
        ("served", "i8", (BANK_COUNT,)),  # the process: the same once it serves it; -n: it cannot
        ("streams", STREAM, (STREAM_COUNT,)),
        ("voices", SLIDING, (MOST_SLIDING,)),
    ],
    align=True,
)
RINGS_AT, PAGE = 16_384, mmap.PAGESIZE
NAMES = re.compile(r"latentkeys-held-(\d+)-\d+-\d+")
"""Of the files: the number is the host's process."""
assert SHARED.itemsize <= RINGS_AT


def shared_layout() -> int:
    """Return a number that is another one whenever the bytes mean something else."""
    text = f"{SHARED.descr} {RINGS_AT} {STREAM_CHUNKS} {CHUNK_SECONDS}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


class StreamMemory:
    """One instance's memory, as the process sees it; a `StreamState`. Belongs to one thread.

    Parameters
    ----------
    name
        As the plug-in says it.

    Attributes
    ----------
    rate_hz : float
        The host's.
    slots, tones : dict
        Of the banks whose tables were mapped.

    Raises
    ------
    OSError
        There is none of this name, or it is not this user's.
    ValueError
        It is of another version.
    """

    def __init__(self, name: str) -> None:
        self._descriptor, self._map = _opened(name)
        if len(self._map) < RINGS_AT:
            raise ValueError(f"{name}: {len(self._map)} bytes are too few")
        self.fields = np.frombuffer(self._map, SHARED, 1).reshape(())
        self.rate_hz = float(self.fields["rate_hz"])
        stride = STREAM_CHUNKS * round(CHUNK_SECONDS * self.rate_hz)
        size = RINGS_AT + (STREAM_COUNT * stride + LANES) * 4
        found = int(self.fields["layout"]), int(self.fields["stream_stride"])
        if found != (shared_layout(), stride) or len(self._map) < size:
            raise ValueError(f"{name}: not memory of this version")
        self.streams: NDArray[np.void] = self.fields["streams"]
        self.voices: NDArray[np.void] = self.fields["voices"]
        rings = np.frombuffer(self._map, np.float32, STREAM_COUNT * stride, RINGS_AT)
        self.rings: NDArray[np.float32] = rings.reshape(STREAM_COUNT, stride)
        self.channels = np.full(CHANNEL_COUNT, -1, [("master", "i4")])  # never a voice's own
        self.slots: dict[int, NDArray[np.void]] = {}
        self.tones: dict[int, NDArray[np.float32]] = {}
        self._reserved: set[int] = set()

    @property
    def is_offline(self) -> bool:
        """Whether the host waits for what it asks for."""
        return bool(self.fields["is_offline"])

    @property
    def holds(self) -> bool:
        """Whether any note is held that goes on, or may soon slide."""
        return bool(self.streams["holders"].any() or self.voices["stage"].any())

    def take_table(self, bank: int, paths: Sequence[str]) -> None:
        """Map a bank's table: the first that is there.

        Raises
        ------
        OSError, ValueError
            None is there any more, or it is damaged.
        """
        found = [path for path in map(Path, paths) if path.is_file()]
        if not found:
            raise FileNotFoundError(f"its table is gone: {', '.join(paths)}")
        self.slots[bank], self.tones[bank] = read_table(found[0])

    def reserve(self) -> None:
        """Have pages for the rings that are held: one that is missing would end this process.

        Raises
        ------
        OSError
            There is no room for them.
        """
        held = {int(number) for number in np.flatnonzero(self.streams["holders"] > 0)}
        for number in sorted(held - self._reserved):
            if self._descriptor is not None and hasattr(os, "posix_fallocate"):
                size = self.rings[number].nbytes
                os.posix_fallocate(self._descriptor, RINGS_AT + number * size, size)
            self._reserved.add(number)

    def give_back(self) -> None:
        """Have no pages for rings that nobody holds."""
        held = set(np.flatnonzero(self.streams["holders"] > 0).tolist())
        for number in sorted(self._reserved - held):
            begin = RINGS_AT + number * self.rings[number].nbytes
            begin, end = (
                -(-begin // PAGE) * PAGE,
                (begin + self.rings[number].nbytes) // PAGE * PAGE,
            )
            if hasattr(mmap, "MADV_REMOVE"):
                with suppress(OSError):
                    self._map.madvise(mmap.MADV_REMOVE, begin, end - begin)
        self._reserved &= held

    def close(self) -> None:
        """Let go of it; its pages stay as long as the host has it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _opened(name: str) -> tuple[int | None, mmap.mmap]:
    """Map the memory of a name: of a file with its descriptor, which stays open."""
    if os.name == "nt":
        return None, _named(name)
    descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise OSError(0, f"{name} is not only this user's")
        return descriptor, mmap.mmap(descriptor, status.st_size)
    except (OSError, ValueError):
        os.close(descriptor)
        raise


def _named(name: str) -> mmap.mmap:
    """Map a named mapping of Windows, whose beginning says how long it is."""
    with mmap.mmap(-1, RINGS_AT, tagname=name) as begin:  # type: ignore[call-arg]
        stride = int(np.frombuffer(begin[: SHARED.itemsize], SHARED)["stream_stride"][0])
    size = RINGS_AT + (STREAM_COUNT * max(stride, 0) + LANES) * 4
    return mmap.mmap(-1, size, tagname=name)  # type: ignore[call-arg]


def sweep() -> None:
    """Remove the memory of hosts that died together with their service."""
    for folder in (Path("/dev/shm"), service_file().parent):  # noqa: S108 - as in `native/os.h`
        for path in folder.glob("latentkeys-held-*") if os.name != "nt" else ():
            found = NAMES.fullmatch(path.name)
            if found and path.stat().st_uid == os.getuid() and not _is_there(int(found[1])):
                remove(str(path))


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    return True


def remove(name: str) -> None:
    """Take away the memory of a host that is gone."""
    if os.name != "nt":
        with suppress(OSError):
            Path(name).unlink()
