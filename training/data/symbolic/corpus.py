"""Corpora: pieces of music to learn from, parsed once and kept as plain arrays.

In: pieces from any reader. Out: a folder with ``notes.npz`` (all notes, one after another) and
``corpus.json`` (what they are, where they come from, under which terms), checked when it is opened.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError
from instrument.music.note import Meter, Note, Phrase, Track
from instrument.schema import NO_JSON
from training.data.named_sets import NamedSets, put_in_place

FORMAT = 1
NOTES, DESCRIPTION = "notes.npz", "corpus.json"
CORPORA = NamedSets(
    "corpus",
    "corpora",
    DESCRIPTION,
    "Make it with: latentkeys data music21 (jsb and tunes; see latentkeys data --help)",
)
Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
_COLUMNS = {
    "start_beats": np.float64,
    "length_beats": np.float64,
    "pitch": np.uint8,
    "velocity": np.uint8,
    "voice": np.uint8,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece.

    Attributes
    ----------
    name
        A stable id.
    split
        Which part of the corpus it belongs to.
    start_beats, length_beats
        float64, (n,), in quarter notes; sorted by start, then from high to low.
    pitch, velocity, voice
        uint8, (n,).
    bar_beats, pickup_beats
        A bar's length, and the beats before the first bar line.
    length
        Of the piece, in beats.
    programs, is_drum
        By voice.
    """

    name: str
    split: Split
    start_beats: NDArray[np.float64]
    length_beats: NDArray[np.float64]
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    voice: NDArray[np.uint8]
    bar_beats: float
    pickup_beats: float
    length: float
    programs: tuple[int, ...]
    is_drum: tuple[bool, ...]

    def phrase(self) -> Phrase:
        """Return the piece as a phrase, one track for each voice."""
        notes: list[list[Note]] = [[] for _ in self.programs]
        for start, pitch, length, velocity, voice in zip(
            self.start_beats.tolist(),
            self.pitch.tolist(),
            self.length_beats.tolist(),
            self.velocity.tolist(),
            self.voice.tolist(),
            strict=True,
        ):
            notes[voice].append(Note(start, pitch, length, velocity))
        tracks = tuple(
            Track(tuple(own), program=program, is_drum=is_drum)
            for own, program, is_drum in zip(notes, self.programs, self.is_drum, strict=True)
        )
        meters = (meter_of(self.bar_beats),)
        return Phrase(tracks, self.length, meters=meters, pickup_beats=self.pickup_beats)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pieces that were collected in one way.

    Attributes
    ----------
    name
        What ``--data`` calls it.
    source, notice
        Where it comes from, and the terms that go with it.
    pieces
        Sorted by name.
    sha256
        Of the notes and of everything said about them: a run remembers it.
    """

    name: str
    source: str
    notice: str
    pieces: tuple[Piece, ...]
    sha256: str

    def split(self, name: Split) -> tuple[Piece, ...]:
        """Return the pieces of a split.

        Parameters
        ----------
        name
            "train", "valid" or "test".
        """
        return tuple(piece for piece in self.pieces if piece.split == name)


@dataclass(frozen=True, slots=True)
class _PieceEntry:
    name: str
    split: Split
    notes: int
    bar_beats: float
    pickup_beats: float
    length: float
    programs: tuple[int, ...]
    is_drum: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class _Description:
    format: int
    name: str
    source: str
    notice: str
    notes_sha256: str
    pieces: tuple[_PieceEntry, ...]


def make_corpus(name: str, source: str, notice: str, pieces: Sequence[Piece]) -> Corpus:
    """Put pieces together in memory."""
    ordered = tuple(sorted(pieces, key=lambda piece: piece.name))
    digest = hashlib.sha256(_describe(name, source, notice, ordered, ""))
    for piece in ordered:
        for column in _COLUMNS:
            digest.update(getattr(piece, column).tobytes())
    return Corpus(name, source, notice, ordered, digest.hexdigest())


def write_corpus(corpus: Corpus, folder: Path) -> None:
    """Write a corpus; an older one in its place is replaced only by a whole one.

    Raises
    ------
    FileError
        The folder cannot be written.
    """
    arrays: dict[str, Any] = {
        column: np.concatenate([getattr(p, column) for p in corpus.pieces] or [np.zeros(0, dtype)])
        for column, dtype in _COLUMNS.items()
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            built = Path(scratch) / folder.name
            built.mkdir()
            np.savez_compressed(built / NOTES, **arrays)
            digest = hashlib.sha256((built / NOTES).read_bytes()).hexdigest()
            description = _describe(
                corpus.name, corpus.source, corpus.notice, corpus.pieces, digest
            )
            (built / DESCRIPTION).write_bytes(msgspec.json.format(description, indent=1))
            put_in_place(built, folder, Path(scratch) / "old")
    except OSError as reason:
        raise FileError(
            f"cannot write the corpus {folder}: {reason.strerror or reason}",
            "Make room, or choose another place.",
        ) from reason


def open_corpus(name_or_path: str | Path) -> Corpus:
    """Open a corpus by its name or its folder; several, joined by +, as one.

    Raises
    ------
    FileError
        There is none, or its files are damaged or of another version.
    """
    names = str(name_or_path).split("+")
    if len(names) > 1 and not CORPORA.has(Path(name_or_path)):
        return _joined([open_corpus(name) for name in names])
    folder = CORPORA.find(name_or_path)
    try:
        description = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=_Description)
        if description.format != FORMAT:
            raise FileError(f"{folder}: format must be {FORMAT}, got {description.format}")
        content = (folder / NOTES).read_bytes()
        if hashlib.sha256(content).hexdigest() != description.notes_sha256:
            raise FileError(f"{folder / NOTES} is damaged (checksum)", "Make the corpus again.")
        with np.load(folder / NOTES, allow_pickle=False) as archive:
            arrays = {column: archive[column].astype(t) for column, t in _COLUMNS.items()}
        pieces = tuple(_pieces(description.pieces, arrays))
    except (OSError, ValueError, KeyError, *NO_JSON) as reason:
        raise FileError(f"{folder} is no readable corpus: {reason}", "Make it again.") from reason
    return make_corpus(description.name, description.source, description.notice, pieces)


def _joined(corpora: Sequence[Corpus]) -> Corpus:
    """Return the pieces of all; names say which corpus they are from."""
    pieces = [
        replace(piece, name=f"{corpus.name}/{piece.name}")
        for corpus in corpora
        for piece in corpus.pieces
    ]
    name = "+".join(corpus.name for corpus in corpora)
    source = "; ".join(dict.fromkeys(corpus.source for corpus in corpora))
    notice = "\n".join(dict.fromkeys(corpus.notice for corpus in corpora))
    return make_corpus(name, source, notice, pieces)


def meter_of(bar_beats: float) -> Meter:
    """Name a bar's length as a meter: quarters when it is whole, else eighths or sixteenths.

    Parameters
    ----------
    bar_beats
        Quarter notes in a bar.
    """
    for unit in (4, 8, 16, 32):
        beats = bar_beats * unit / 4.0
        if abs(beats - round(beats)) < 1e-6:
            return Meter(0.0, max(1, round(beats)), unit)
    return Meter(0.0, max(1, round(bar_beats)), 4)


def _pieces(entries: Sequence[_PieceEntry], arrays: dict[str, NDArray[Any]]) -> list[Piece]:
    pieces, at = [], 0
    for entry in entries:
        rows = slice(at, at + entry.notes)
        at += entry.notes
        columns = {column: array[rows] for column, array in arrays.items()}
        if columns["pitch"].size != entry.notes or len(entry.programs) != len(entry.is_drum):
            raise ValueError(f"the notes and voices of {entry.name} do not match")
        pieces.append(
            Piece(
                name=entry.name,
                split=entry.split,
                bar_beats=entry.bar_beats,
                pickup_beats=entry.pickup_beats,
                length=entry.length,
                programs=entry.programs,
                is_drum=entry.is_drum,
                **columns,
            )
        )
    return pieces


def _describe(name: str, source: str, notice: str, pieces: Sequence[Piece], digest: str) -> bytes:
    entries = tuple(
        _PieceEntry(
            p.name,
            p.split,
            p.pitch.size,
            p.bar_beats,
            p.pickup_beats,
            p.length,
            p.programs,
            p.is_drum,
        )
        for p in pieces
    )
    return msgspec.json.encode(_Description(FORMAT, name, source, notice, digest, entries))
