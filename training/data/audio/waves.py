"""Wave sets: tones of four seconds at 16 kHz on disk, to learn sound from.

In: a folder that `training.data.audio.wave_writer` wrote, by name or path: ``waves.i16`` (all
tones, one after another), ``table.npz`` (what each is) and ``waves.json`` (where they come from,
under which terms). Out: a `WaveSet`, memory-mapped: a set may be far larger than memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import msgspec
import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError
from instrument.schema import NO_JSON
from training.audio.format import WAVE_FRAMES, WAVE_RATE_HZ
from training.data.named_sets import NamedSets

FORMAT = 1
FULL_SCALE = 32767.0
WAVES, TABLE, DESCRIPTION = "waves.i16", "table.npz", "waves.json"

WaveSplit = Literal["train", "valid", "test"]
SPLITS: tuple[WaveSplit, ...] = ("train", "valid", "test")
"""A split's number in the table is its place here."""

WAVE_SETS = NamedSets(
    "wave set",
    "waves",
    DESCRIPTION,
    "Make it with: latentkeys data waves soundfont (or nsynth, folder, maestro)",
)


@dataclass(frozen=True, slots=True, eq=False)
class WaveSet:
    """Recorded or rendered tones, open for reading.

    Attributes
    ----------
    name
        What ``--data`` calls it.
    source, notice
        Where it comes from, and the terms that go with it.
    sha256
        Of the tones and of everything said about them, taken when they were written; a run
        remembers it. Opening does not check it: that would read the whole set.
    rate_hz
        16000.
    waves
        int16, shape (n, 64000), 32767 is full scale; read-only, memory-mapped.
    pitches, velocities
        uint8, shape (n,), MIDI numbers; pitch 0 where there is none, as in a tile of music.
    labels
        int16, shape (n,): place in `label_names`.
    label_names
        Instruments, as the source calls them.
    splits
        uint8, shape (n,): place in `SPLITS`.
    """

    name: str
    source: str
    notice: str
    sha256: str
    rate_hz: int
    waves: NDArray[np.int16]
    pitches: NDArray[np.uint8]
    velocities: NDArray[np.uint8]
    labels: NDArray[np.int16]
    label_names: tuple[str, ...]
    splits: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count the tones."""
        return len(self.waves)

    def rows(self, split: WaveSplit) -> NDArray[np.int64]:
        """Return the rows of a split, shape (n,), in order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))

    def audio(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return tones as float32, shape (len(rows), 64000), full scale ±1."""
        return np.asarray(self.waves[rows], np.float32) * np.float32(1.0 / FULL_SCALE)


@dataclass(frozen=True, slots=True)
class Description:
    """What ``waves.json`` says."""

    format: int
    name: str
    source: str
    notice: str
    sha256: str
    rate_hz: int
    frames: int
    count: int
    label_names: tuple[str, ...]


def open_waves(name_or_path: str | Path) -> WaveSet:
    """Open a wave set by its name or its folder.

    Raises
    ------
    FileError
        There is none, or its files are damaged or of another version.
    """
    folder = WAVE_SETS.find(name_or_path)
    try:
        content = (folder / DESCRIPTION).read_bytes()
        description = msgspec.json.decode(content, type=Description)
        if (description.format, description.rate_hz, description.frames) != (
            FORMAT,
            WAVE_RATE_HZ,
            WAVE_FRAMES,
        ):
            raise ValueError(
                f"its format must be {FORMAT}, {WAVE_FRAMES} frames at {WAVE_RATE_HZ} Hz"
            )
        return _open(folder, description)
    except (OSError, ValueError, KeyError, BadZipFile, *NO_JSON) as reason:
        raise FileError(f"{folder} is no readable wave set: {reason}", "Make it again.") from reason


def _open(folder: Path, description: Description) -> WaveSet:
    with (folder / TABLE).open("rb") as file, np.load(file, allow_pickle=False) as table:
        pitches, velocities = table["pitches"], table["velocities"]
        labels, splits = table["labels"], table["splits"]
    if any(part.shape != (description.count,) for part in (pitches, velocities, labels, splits)):
        raise ValueError(f"{TABLE} does not have {description.count} rows")
    wanted, found = description.count * WAVE_FRAMES * 2, (folder / WAVES).stat().st_size
    if found != wanted or not wanted:
        raise ValueError(f"{WAVES} must have {wanted} bytes, got {found}")
    if labels.min() < 0 or labels.max() >= len(description.label_names):
        raise ValueError(f"{TABLE} has labels without names")
    return WaveSet(
        name=description.name,
        source=description.source,
        notice=description.notice,
        sha256=description.sha256,
        rate_hz=description.rate_hz,
        waves=np.memmap(folder / WAVES, "<i2", "r", shape=(description.count, WAVE_FRAMES)),
        pitches=pitches.astype(np.uint8),
        velocities=velocities.astype(np.uint8),
        labels=labels.astype(np.int16),
        label_names=description.label_names,
        splits=splits.astype(np.uint8),
    )
