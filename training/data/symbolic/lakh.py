"""Read the piano rolls of the Lakh Pianoroll data set, as pypianoroll stores them.

A file is a zip archive with ``info.json`` and, for each track, a sparse matrix of velocities (time
steps, 128 pitches) in compressed columns: pitch p sounds at the steps
``indices[indptr[p]:indptr[p + 1]]`` (Dong et al., "Pypianoroll", ISMIR late-breaking, 2018).
"""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError, PhraseError
from instrument.music.note import Note, Phrase, Track

MAX_FILE_BYTES = 64 * 2**20
MAX_STEPS = 200_000
_DEFAULT_STEPS_PER_BEAT = 24  # of LPD
_VELOCITY = 80  # of rolls that only say whether a pitch sounds
_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,  # an array that claims to be endless
    RuntimeError,  # an encrypted archive, or a list within lists without end
    zipfile.BadZipFile,
    zlib.error,
    PhraseError,
)


def read_lpd(path: Path) -> Phrase:
    """Read one piece; the beat is the file's own, bars are 4/4 (of LPD's cleansed part all are).

    Tempo is left out: a beat is a beat. A pitch that is struck again at once, as loud as before,
    cannot be told from one that is held.

    Raises
    ------
    FileError
        The file is no piano roll, damaged, or absurdly large.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise FileError(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > 4 * MAX_FILE_BYTES:
                raise FileError(f"{path} unpacks to more than any piece needs")
            info = json.loads(archive.read("info.json"))
        with np.load(path, allow_pickle=False) as arrays:
            return _phrase(info, arrays)
    except _ERRORS as reason:
        raise FileError(f"{path} is not a piano roll of pypianoroll: {reason}") from reason


def _phrase(info: dict[str, Any], arrays: Any) -> Phrase:
    per_beat = int(info.get("resolution", info.get("beat_resolution", _DEFAULT_STEPS_PER_BEAT)))
    if not 1 <= per_beat <= 960:
        raise ValueError(f"it has {per_beat} steps per beat")
    tracks, length = [], 0
    for number in range(256):
        entry = info.get(str(number))
        if entry is None:
            break
        part = {
            name: np.asarray(arrays[f"pianoroll_{number}_csc_{name}"])
            for name in ("data", "indices", "indptr", "shape")
        }
        steps = _checked_steps(part, number)
        length = max(length, steps)
        notes = [note for pitch in range(128) for note in _notes(part, pitch, per_beat)]
        tracks.append(
            Track(
                tuple(sorted(notes)),
                name=str(entry.get("name", "")),
                program=min(127, max(0, int(entry.get("program", 0)))),
                is_drum=bool(entry.get("is_drum", False)),
            )
        )
    if not tracks:
        raise ValueError("it has no tracks")
    return Phrase(tuple(tracks), length / per_beat)


def _checked_steps(part: dict[str, NDArray[Any]], number: int) -> int:
    """Return how many steps a track has, after a look at its matrix."""
    steps, pitches = (int(size) for size in part["shape"])
    if pitches != 128 or not 0 <= steps <= MAX_STEPS:
        raise ValueError(f"track {number} has the shape ({steps}, {pitches})")
    ends, indices = part["indptr"], part["indices"]
    if ends.shape != (129,) or ends[0] != 0 or np.any(np.diff(ends) < 0):
        raise ValueError(f"track {number} is no matrix in compressed columns")
    if not int(ends[-1]) == indices.size == part["data"].size:
        raise ValueError(f"track {number} has {indices.size} cells, not {int(ends[-1])}")
    if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < steps:
        raise ValueError(f"track {number} has notes outside its {steps} steps")
    return steps


def _notes(part: dict[str, NDArray[Any]], pitch: int, per_beat: int) -> list[Note]:
    """Join the steps at which a pitch sounds, as long as its velocity stays."""
    rows = slice(int(part["indptr"][pitch]), int(part["indptr"][pitch + 1]))
    order = np.argsort(part["indices"][rows], kind="stable")
    steps = part["indices"][rows][order].astype(np.int64)
    velocity = part["data"][rows][order].astype(np.int64)
    if part["data"].dtype == np.bool_:
        velocity *= _VELOCITY
    steps, velocity = steps[velocity > 0], velocity[velocity > 0]
    if steps.size == 0:
        return []
    cuts = np.flatnonzero((np.diff(steps) != 1) | (np.diff(velocity) != 0)) + 1
    first = np.concatenate([[0], cuts])
    last = np.concatenate([cuts, [steps.size]]) - 1
    return [
        Note(
            int(steps[a]) / per_beat,
            pitch,
            int(steps[b] - steps[a] + 1) / per_beat,
            min(127, int(velocity[a])),
        )
        for a, b in zip(first, last, strict=True)
    ]
