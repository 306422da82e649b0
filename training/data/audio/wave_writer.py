"""Write wave sets tone by tone; what was in the place stays until a whole new set replaces it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError
from training.audio.format import WAVE_FRAMES, WAVE_RATE_HZ
from training.data.audio.waves import (
    DESCRIPTION,
    FORMAT,
    FULL_SCALE,
    SPLITS,
    TABLE,
    WAVES,
    Description,
    WaveSet,
    WaveSplit,
    open_waves,
)
from training.data.named_sets import put_in_place
from training.data.symbolic.reading import MOST_SKIPPED, Skipped, refuse_many_skipped

NORMAL_PEAK = 10.0 ** (-3.0 / 20.0)
"""-3 dB of full scale, about NSynth's level."""

_MOST_LABELS = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class RecordedTone:
    """One note on its way to disk.

    Attributes
    ----------
    wave
        int16 or float32, shape (64000,), full scale 32767 or ±1; float32 beyond that is clipped.
    pitch, velocity
        MIDI numbers; pitch 0 for what has none.
    label
        What plays it.
    split
        Which part of the set it goes to.
    """

    wave: NDArray[np.int16] | NDArray[np.float32]
    pitch: int
    velocity: int
    label: str
    split: WaveSplit


@dataclass(frozen=True, slots=True)
class CollectedWaves:
    """A wave set, what could not be read of its source, and how much was not wanted."""

    waves: WaveSet
    skipped: tuple[Skipped, ...]
    left_out: int


Item = RecordedTone | Skipped | None
"""A tone, or the name of what could not be read and why, or None for what is not wanted."""


def write_waves(
    folder: Path,
    items: Iterable[Item],
    *,
    name: str,
    source: str,
    notice: str,
    most_skipped: float = MOST_SKIPPED,
    teaches_all: bool = False,
) -> CollectedWaves:
    """Write a wave set, as its tones come.

    Parameters
    ----------
    folder
        Where it goes; a set that is there is replaced.
    items
        In any order; they are written as they come.
    name, source, notice
        What ``--data`` calls it, where it comes from, and the terms that go with it.
    most_skipped
        The share that may be skipped.
    teaches_all
        Whether what has no tone to train on gets all of its own into that part.

    Raises
    ------
    FileError
        There are no tones, too many items were skipped, or the folder cannot be written; then what
        was in its place is still there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            built = Path(scratch) / "new"
            built.mkdir()
            skipped, left_out = _write(
                built, items, (name, source, notice), most_skipped, teaches_all
            )
            put_in_place(built, folder, Path(scratch) / "old")
    except OSError as reason:
        raise FileError(
            f"cannot write the wave set {folder}: {reason.strerror or reason}",
            "A note takes 128 kB: make room, or choose another place with --out.",
        ) from reason
    return CollectedWaves(open_waves(folder), skipped, left_out)


def split_by_name(name: str) -> WaveSplit:
    """Choose a tone's split by its name: 80 % train, 5 % valid, 15 % test, the same every time.

    As in GANSynth's own split, instruments are in all parts and a tone is in one; its 20 % for
    testing are divided here, for a run that chooses its best weights needs a part of its own.
    """
    place = int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:4]) % 100
    return "train" if place < 80 else "valid" if place < 85 else "test"


def normalised(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a wave's peak to -3 dB of full scale; silence stays silent."""
    peak = np.abs(wave).max(initial=0.0)
    return wave * np.float32(NORMAL_PEAK / peak) if peak > 0.0 else wave


def as_int16(wave: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round ±1 to 16 bits; what is beyond is clipped."""
    return np.round(np.clip(wave, -1.0, 1.0) * np.float32(FULL_SCALE)).astype("<i2")


def _write(
    built: Path,
    items: Iterable[Item],
    said: tuple[str, str, str],
    most_skipped: float,
    teaches_all: bool,
) -> tuple[tuple[Skipped, ...], int]:
    skipped: list[Skipped] = []
    left_out = 0
    table = _Table()
    digest = hashlib.sha256()
    with (built / WAVES).open("wb") as file:
        for item in items:
            if isinstance(item, RecordedTone):
                digest.update(_append(file, item.wave))
                table.append(item)
            elif item is None:
                left_out += 1
            else:
                skipped.append(item)
    refuse_many_skipped(skipped, len(table.rows) + len(skipped), most_skipped)
    if not table.rows:
        why = f"; {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        why += f"; {left_out} were not wanted" if left_out else ""
        raise FileError(f"{said[1]}: there are no notes in it{why}")
    if len(table.label_names) > _MOST_LABELS:
        raise FileError(f"{said[1]}: it has more than {_MOST_LABELS} instruments")
    if teaches_all:
        table.teach_all()
    columns = table.columns()
    with (built / TABLE).open("wb") as file:
        np.savez(
            file,
            pitches=columns["pitches"],
            velocities=columns["velocities"],
            labels=columns["labels"],
            splits=columns["splits"],
        )
    for column in columns.values():
        digest.update(column.tobytes())
    _describe(built, said, len(table.rows), tuple(table.label_names), digest)
    return tuple(skipped), left_out


def _append(file: BinaryIO, wave: NDArray[np.int16] | NDArray[np.float32]) -> bytes:
    assert wave.shape == (WAVE_FRAMES,), wave.shape
    content = (wave if wave.dtype == np.int16 else as_int16(wave.astype(np.float32))).tobytes()
    file.write(content)
    return content


class _Table:
    """What is known of each tone, in the order of writing."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, int, int]] = []
        self.label_names: dict[str, int] = {}

    def append(self, tone: RecordedTone) -> None:
        label = self.label_names.setdefault(tone.label, len(self.label_names))
        self.rows.append((tone.pitch, tone.velocity, label, SPLITS.index(tone.split)))

    def teach_all(self) -> None:
        """Put all tones of a label into the training part if none of them is there."""
        train = SPLITS.index("train")
        taught = {label for _, _, label, split in self.rows if split == train}
        self.rows = [
            (pitch, velocity, label, split if label in taught else train)
            for pitch, velocity, label, split in self.rows
        ]

    def columns(self) -> dict[str, NDArray[np.integer]]:
        pitches, velocities, labels, splits = np.array(self.rows).T
        return {
            "pitches": pitches.astype(np.uint8),
            "velocities": velocities.astype(np.uint8),
            "labels": labels.astype("<i2"),
            "splits": splits.astype(np.uint8),
        }


def _describe(
    built: Path,
    said: tuple[str, str, str],
    count: int,
    label_names: tuple[str, ...],
    digest: hashlib._Hash,
) -> None:
    digest.update(msgspec.json.encode((said, label_names)))
    name, source, notice = said
    description = Description(
        format=FORMAT,
        name=name,
        source=source,
        notice=notice,
        sha256=digest.hexdigest(),
        rate_hz=WAVE_RATE_HZ,
        frames=WAVE_FRAMES,
        count=count,
        label_names=label_names,
    )
    content = msgspec.json.format(msgspec.json.encode(description), indent=1)
    (built / DESCRIPTION).write_bytes(content)
