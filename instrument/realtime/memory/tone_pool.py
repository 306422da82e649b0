"""The memory of rendered tones, and of the rings that held notes stream from.

Two files of a session's, mapped by every process; their sizes follow from the device's rate. This
module imports neither numba nor llvmlite, as `memory.state`, which is built from it.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.realtime.memory.constants import (
    BANK_COUNT,
    CHUNK_SECONDS,
    FOURTH_BANK,
    LANES,
    LAYER_COUNT,
    LINE_FRAMES,
    PITCH_COUNT,
    PRESET_BANKS,
    STREAM_CHUNKS,
    STREAM_COUNT,
)
from instrument.realtime.memory.pages import map_pages


class TonePool:
    """Tones and rings of one session, mapped when they are first asked for.

    Parameters
    ----------
    fields
        The block, one record of `STATE`, shape (): it knows how long slots and rings are.
    folder
        Where ``tones.bin`` and ``streams.bin`` lie; None keeps both in this process.
    """

    def __init__(self, fields: NDArray[np.void], folder: Path | None) -> None:
        self._fields, self._folder = fields, folder
        self._tones_map: mmap.mmap | None = None
        self._rings_map: mmap.mmap | None = None
        self._tones: NDArray[np.float32] | None = None

    def create(self, rate_hz: float, note_seconds: float) -> None:
        """Make both for a rate; slots of so many seconds.

        Raises
        ------
        OSError
            There is no room for them.
        """
        frames = int(np.ceil(note_seconds * rate_hz))
        self._fields["slot_frames"] = frames
        self._fields["slot_stride"] = _stride(frames)
        self._fields["stream_stride"] = STREAM_CHUNKS * round(CHUNK_SECONDS * rate_hz)
        self._map_tones(create=True)
        self._map_rings(create=True)

    @property
    def tones(self) -> NDArray[np.float32]:
        """Float32, shape (BANK_COUNT, LAYER_COUNT, PITCH_COUNT, slot_frames)."""
        if self._tones is None:
            self._map_tones(create=False)
        assert self._tones is not None
        return self._tones[..., : int(self._fields["slot_frames"])]

    @property
    def rings(self) -> NDArray[np.float32]:
        """Float32, shape (STREAM_COUNT, frames of a ring)."""
        if self._rings_map is None:
            self._map_rings(create=False)
        assert self._rings_map is not None
        stride = int(self._fields["stream_stride"])
        rings = np.frombuffer(self._rings_map, np.float32, STREAM_COUNT * stride)
        return rings.reshape(STREAM_COUNT, stride)

    def give_back(self, bank: int) -> None:
        """Free the pages of a bank that nobody reads, where no file has them.

        A file keeps its pages: given back, they might be missing when the next notes come.
        """
        if self._folder is None:
            self._advise(bank)

    def drop_pages(self, bank: int) -> None:
        """Take a bank's pages out of this process; their content stays in the shared file."""
        if self._folder:
            self._advise(bank)

    def _advise(self, bank: int) -> None:
        if self._tones_map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._tones_map.madvise(mmap.MADV_DONTNEED, *self._pages_of(bank))

    def _map_tones(self, create: bool) -> None:
        """Map the pool; take pages for no more banks than are asked for, the last one is spare."""
        shape = (BANK_COUNT, LAYER_COUNT, PITCH_COUNT, int(self._fields["slot_stride"]))
        path = None if self._folder is None else self._folder / "tones.bin"
        has_fourth = int(self._fields["preset_banks"]) > len(PRESET_BANKS)
        taken = BANK_COUNT if has_fourth else FOURTH_BANK
        size = int(np.prod(shape)) * 4
        self._tones_map = map_pages(path, size, create, size // BANK_COUNT * taken)
        self._tones = np.frombuffer(self._tones_map, np.float32).reshape(shape)

    def _map_rings(self, create: bool) -> None:
        size = (STREAM_COUNT * int(self._fields["stream_stride"]) + LANES) * 4
        path = None if self._folder is None else self._folder / "streams.bin"
        self._rings_map = map_pages(path, size, create)

    def _pages_of(self, bank: int) -> tuple[int, int]:
        """Return begin and length in bytes of the pages that hold nothing but this bank."""
        size = LAYER_COUNT * PITCH_COUNT * int(self._fields["slot_stride"]) * 4
        begin = -(-bank * size // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (bank + 1) * size // mmap.PAGESIZE * mmap.PAGESIZE
        return begin, end - begin


def _stride(frames: int) -> int:
    """Return how far apart slots lie: an odd number of cache lines.

    Were it whole pages, all voices of a chord would read the same set of the first-level cache and
    push each other out: 30 us instead of 19 us per block with 64 voices.
    """
    lines = -(-frames // LINE_FRAMES)
    return (lines + 1 - lines % 2) * LINE_FRAMES


def pool_bytes(rate_hz: float, note_seconds: float) -> int:
    """Return how much memory the tone pool takes, without the bank of a fourth sound."""
    stride = _stride(int(np.ceil(note_seconds * rate_hz)))
    return FOURTH_BANK * LAYER_COUNT * PITCH_COUNT * stride * 4
