"""Images of a wave set's notes on disk, drawn once and then only mapped.

In: a `WaveSet`, which of its notes, and what the images show. Out: int8 arrays at every size, in
the user's cache, memory-mapped: a set may be far larger than memory, and a run that is started
again begins at once. Half a megabyte for each note.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from instrument.errors import FileError
from instrument.files import cannot_write
from instrument.progress import LongWork
from training.audio.spectrogram import Spectrogram
from training.data.audio.waves import WaveSet
from training.gansynth.tones import Normalizer

FORMAT = 1
AT_ONCE = 16
MOST_BYTES = 30_000_000_000
"""Of all images together: 60,000 notes."""

Images = NDArray[np.int8]
Draw = Callable[[Tensor, Tensor], list[Tensor]]
"""Waves (n, frames) and pitches (n,) to int8 images (n, 3, windows, bins), the full size first."""


def stored_images(
    waves: WaveSet,
    rows: NDArray[np.int64],
    spectrogram: Spectrogram,
    normalizer: Normalizer,
    sizes: int,
    draw: Draw,
) -> list[Images]:
    """Open the images of some notes; draw them first if they are not there yet.

    Parameters
    ----------
    waves, rows
        The notes, in the order in which their images lie.
    spectrogram, normalizer
        What images show; with the set's checksum and the rows they name the file.
    sizes
        How many, each half of the one before.
    draw
        Draws a few notes.

    Returns
    -------
    list of ndarray
        int8, read-only, shape (len(rows), 3, windows, bins) for each size.

    Raises
    ------
    FileError
        There is no room for them, or the folder cannot be written.
    """
    shapes = [(len(rows), 3, spectrogram.windows >> k, spectrogram.bins >> k) for k in range(sizes)]
    said = f"{FORMAT} {waves.sha256} {spectrogram} {normalizer} {sizes}"
    ends = waves.waves[rows[[0, -1]]].tobytes()  # what has no checksum of its own differs here
    key = hashlib.sha256(said.encode() + rows.tobytes() + ends).hexdigest()[:24]
    path = Path(platformdirs.user_cache_dir("latentkeys")) / "images" / f"{key}.i8"
    needed = sum(int(np.prod(shape)) for shape in shapes)
    if not path.is_file() or path.stat().st_size != needed:
        _draw_all(path, waves, rows, shapes, draw)
        _forget_old(path)
    os.utime(path)
    return _mapped(path, shapes, "r")


def _forget_old(newest: Path) -> None:
    """Keep what was used last, within `MOST_BYTES`; a run that has an older file open keeps it."""
    files = sorted(newest.parent.glob("*.i8"), key=lambda path: -path.stat().st_mtime)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > MOST_BYTES and path != newest:
            path.unlink(missing_ok=True)


def _draw_all(
    path: Path,
    waves: WaveSet,
    rows: NDArray[np.int64],
    shapes: list[tuple[int, int, int, int]],
    draw: Draw,
) -> None:
    needed = sum(int(np.prod(shape)) for shape in shapes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(path.parent).free) < needed + 2**30:
            raise FileError(
                f"{path.parent} has {free / 1e9:.1f} GB left, images of {len(rows)} notes need "
                f"{needed / 1e9:.1f} GB",
                "Make room, or choose fewer notes with --data.",
            )
        number, name = tempfile.mkstemp(dir=path.parent, prefix="drawing-")
        building = Path(name)
        try:
            os.truncate(number, needed)
            os.close(number)
            _fill(_mapped(building, shapes, "r+"), waves, rows, draw)
            building.replace(path)
        finally:
            building.unlink(missing_ok=True)
    except OSError as problem:
        raise cannot_write(path, problem) from problem


def _fill(sizes: list[Images], waves: WaveSet, rows: NDArray[np.int64], draw: Draw) -> None:
    with LongWork(Console(stderr=True)) as progress:
        task = progress.add_task(f"Drawing {len(rows)} notes, once", total=len(rows))
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            pitch = torch.from_numpy(waves.pitches[some].astype(np.int64))
            for size, images in zip(
                sizes, draw(torch.from_numpy(waves.audio(some)), pitch), strict=True
            ):
                size[start : start + len(some)] = images.cpu().numpy()
            progress.advance(task, len(some))
    for size in sizes:
        assert isinstance(size, np.memmap)
        size.flush()


def _mapped(path: Path, shapes: list[tuple[int, int, int, int]], mode: str) -> list[Images]:
    found: list[Images] = []
    offset = 0
    for shape in shapes:
        found.append(np.memmap(path, np.int8, mode, offset, shape))  # type: ignore[call-overload]
        offset += int(np.prod(shape))
    return found
