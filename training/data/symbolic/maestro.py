"""Read MAESTRO, version 2 or 3, with the splits that its own list names.

In: the folder that its zip unpacks to. Out: a corpus. The list comes as comma-separated values and
as JSON, a list of records in version 2, a table by columns in version 3.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from instrument.errors import FileError
from training.data.symbolic.corpus import Split, make_corpus
from training.data.symbolic.midi_folder import read_files, read_midi
from training.data.symbolic.reading import Collected, Show, refuse_many_skipped

MAESTRO_NOTICE = (
    "MAESTRO (Hawthorne et al., 2019), https://magenta.tensorflow.org/datasets/maestro, CC "
    "BY-NC-SA 4.0: what is learned from it should not be sold, and is to be passed on under the "
    "same terms."
)
_SPLITS: dict[str, Split] = {"train": "train", "validation": "valid", "test": "test"}


def read_maestro(folder: Path, name: str, show: Show) -> Collected:
    """Read the MIDI files that the list names.

    Raises
    ------
    FileError
        The list is missing or is not MAESTRO's, or more than one in a hundred files cannot be read.
    """
    splits = maestro_splits(folder)
    found = read_files(read_midi, folder, [folder / file for file in splits], show)
    refuse_many_skipped(found.skipped, len(splits))
    if not found.pieces:
        raise FileError(f"{folder}: none of the list's files could be read")
    pieces = [replace(piece, split=splits[piece.name]) for piece in found.pieces]
    corpus = make_corpus(name, f"MAESTRO in {folder.resolve().name}", MAESTRO_NOTICE, pieces)
    return Collected(corpus, found.skipped)


def maestro_splits(folder: Path, column: str = "midi_filename") -> dict[str, Split]:
    """Return the split of every file that ``maestro-v?.0.0.csv`` or ``….json`` names.

    Parameters
    ----------
    folder
        Where the list is.
    column
        Which files: "midi_filename" or "audio_filename".

    Raises
    ------
    FileError
        The list is missing, is not MAESTRO's, or names a file outside its folder.
    """
    lists = [*folder.glob("maestro-v*.csv"), *folder.glob("maestro-v*.json")]
    if not lists:
        raise FileError(
            f"{folder} has no maestro-v?.0.0.csv or .json",
            "Give the folder that MAESTRO's zip unpacks to: its own list names the splits.",
        )
    path = lists[0]
    try:
        read = _rows_of_csv if path.suffix == ".csv" else _rows_of_json
        pairs = read(path, column)
        splits = {_inside(file): _SPLITS[split] for file, split in pairs}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, csv.Error) as reason:
        raise FileError(f"{path} is not MAESTRO's list: {reason!r}") from reason
    if not splits:
        raise FileError(f"{path} names no files")
    return splits


def _rows_of_csv(path: Path, column: str) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row[column], row["split"]) for row in csv.DictReader(file)]


def _rows_of_json(path: Path, column: str) -> list[tuple[str, str]]:
    table: Any = json.loads(path.read_text("utf-8"))
    if isinstance(table, list):
        return [(row[column], row["split"]) for row in table]
    return [(file, table["split"][key]) for key, file in table[column].items()]


def _inside(file: str) -> str:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or path.as_posix() != file:
        raise ValueError(f"it names a file outside its folder: {file}")
    return file
