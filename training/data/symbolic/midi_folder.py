"""Read the user's own collections: folders of MIDI or ABC files, and Lakh.

In: a folder. Out: a corpus. An item that cannot be read is named and skipped; more than one in a
hundred are fatal. None of these collections is part of the project: users download them, under the
terms that each notice states.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from instrument.errors import FileError, LatentkeysError, first_line
from instrument.midi.phrases import read_phrase
from instrument.music.note import Phrase
from training.data.symbolic.abc import read_abc
from training.data.symbolic.corpus import Piece, make_corpus
from training.data.symbolic.duplicates import split_by_cluster
from training.data.symbolic.lakh import read_lpd
from training.data.symbolic.reading import (
    MOST_SKIPPED,
    Collected,
    Found,
    Show,
    read_side_by_side,
    refuse_many_skipped,
)

LAKH_NOTICE = (
    "Lakh MIDI data set (Raffel, 2016), https://colinraffel.com/projects/lmd, or the Lakh "
    "Pianoroll data set made from it (Dong et al., 2018), both distributed as CC BY 4.0; the "
    "rights in the songs themselves are not cleared."
)
NOTTINGHAM_NOTICE = (
    "Nottingham music database (Eric Foxley), https://abc.sourceforge.net/NMD: folk tunes, mostly "
    "traditional; the collection states no licence."
)
FOLDER_NOTICE = "The user's own files; whoever owns them decides what may be done with the weights."
_MOST_NOTES = 200_000
_MOST_BROKEN_LAKH = 0.05
"""LMD holds files as the web had them: 174 154 of its 176 581 became piano rolls of LPD."""


def piece_of(phrase: Phrase, name: str, *, keeps_empty: bool = False) -> Piece:
    """Turn a phrase into a corpus's piece, in the split "train".

    Parameters
    ----------
    keeps_empty
        Keep tracks without notes: in LPD a track's place says what plays it.

    Raises
    ------
    ValueError
        It has no notes, or more than any piece.
    """
    tracks = [track for track in phrase.tracks if track.notes or keeps_empty]
    rows = [
        (note.start_beats, note.length_beats, note.pitch, note.velocity, voice)
        for voice, track in enumerate(tracks)
        for note in track.notes
    ]
    if not rows or len(rows) > _MOST_NOTES or len(tracks) > 255:
        raise ValueError(f"it has {len(rows)} notes in {len(tracks)} tracks")
    rows.sort(key=lambda row: (row[0], -row[2], row[4]))
    start, length, pitch, velocity, voice = (np.array(column) for column in zip(*rows, strict=True))
    return Piece(
        name=name,
        split="train",
        start_beats=start.astype(np.float64),
        length_beats=length.astype(np.float64),
        pitch=pitch.astype(np.uint8),
        velocity=velocity.astype(np.uint8),
        voice=voice.astype(np.uint8),
        bar_beats=phrase.bar_beats,
        pickup_beats=phrase.pickup_beats,
        length=phrase.length_beats,
        programs=tuple(track.program for track in tracks),
        is_drum=tuple(track.is_drum for track in tracks),
    )


def read_midi_folder(folder: Path, name: str, show: Show, most: int | None = None) -> Collected:
    """Read every MIDI file under a folder; variants of one piece get into one split.

    Parameters
    ----------
    most
        Read no more files than this; chosen by their names, the same ones every time.
    """
    paths = _files(folder, (".mid", ".midi"), "MIDI files (.mid, .midi)", most)
    return _collect(folder, name, FOLDER_NOTICE, read_files(read_midi, folder, paths, show))


def read_abc_folder(folder: Path, name: str, show: Show) -> Collected:
    """Read every tune of the ABC files under a folder, as the Nottingham collection comes."""
    paths = _files(folder, (".abc",), "ABC files (.abc)")
    return _collect(folder, name, NOTTINGHAM_NOTICE, read_files(read_abc, folder, paths, show))


def read_lakh(folder: Path, name: str, show: Show, most: int | None = None) -> Collected:
    """Read LPD's piano rolls (``.npz``), or the MIDI files of a raw Lakh folder.

    Parameters
    ----------
    most
        Pieces to read at most; None for all.
    """
    if any(folder.rglob("*.npz")):
        paths = _files(folder, (".npz",), "LPD piano rolls (.npz)", most)
        return _collect(folder, name, LAKH_NOTICE, read_files(_read_roll, folder, paths, show))
    paths = _files(folder, (".mid", ".midi"), "piano rolls (.npz) or MIDI files (.mid)", most)
    found = read_files(read_midi, folder, paths, show)
    return _collect(folder, name, LAKH_NOTICE, found, _MOST_BROKEN_LAKH)


def read_files(
    read: Callable[[Path], Found], folder: Path, paths: Sequence[Path], show: Show
) -> Found:
    """Read files side by side; a piece's name is its path inside the folder."""
    pieces, skipped = [], []
    for done, (path, found) in enumerate(
        zip(paths, read_side_by_side(read, paths), strict=True), start=1
    ):
        inside = path.relative_to(folder).as_posix()
        pieces += [replace(piece, name=inside + piece.name) for piece in found.pieces]
        skipped += [(inside + name, reason) for name, reason in found.skipped]
        show(inside, done, len(paths))
    return Found(tuple(pieces), tuple(skipped))


def read_midi(path: Path) -> Found:
    """Read a MIDI file as one piece without a name."""
    return _read_phrase(read_phrase, path, keeps_empty=False)


def _read_roll(path: Path) -> Found:
    return _read_phrase(read_lpd, path, keeps_empty=True)


def _read_phrase(read: Callable[[Path], Phrase], path: Path, keeps_empty: bool) -> Found:
    try:
        return Found((piece_of(read(path), "", keeps_empty=keeps_empty),))
    except (LatentkeysError, OSError, ValueError) as reason:
        return Found((), (("", first_line(reason)),))


def _collect(
    folder: Path, name: str, notice: str, found: Found, most_skipped: float = MOST_SKIPPED
) -> Collected:
    refuse_many_skipped(found.skipped, len(found.pieces) + len(found.skipped), most_skipped)
    if not found.pieces:
        why = f": {found.skipped[0][1]}" if found.skipped else ""
        raise FileError(f"{folder}: there is no music in its files{why}")
    chosen, _ = split_by_cluster(found.pieces)
    corpus = make_corpus(name, f"the files of {folder.resolve().name}", notice, chosen)
    return Collected(corpus, found.skipped)


def _files(
    folder: Path, suffixes: tuple[str, ...], what: str, most: int | None = None
) -> list[Path]:
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder")
    paths = [path for path in folder.rglob("*") if path.suffix.lower() in suffixes]
    paths = sorted(path for path in paths if path.is_file())
    if not paths:
        raise FileError(f"{folder} has no {what}")
    if most is None or len(paths) <= most:
        return paths
    return sorted(sorted(paths, key=lambda path: _shuffled(path.relative_to(folder)))[:most])


def _shuffled(path: Path) -> bytes:
    return hashlib.sha256(path.as_posix().encode(errors="surrogateescape")).digest()
