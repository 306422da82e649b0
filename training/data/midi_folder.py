"""Read the user's own collections: folders of MIDI or ABC files, MAESTRO, Lakh.

In: a folder. Out: pieces. An item that cannot be read is named and skipped; more than one in a
hundred are fatal (`refuse_many_skipped`). None of these collections is part of the project: users
download them, under the terms that each reader's notice states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from instrument.errors import FileError, LatentkeysError
from instrument.midi_phrases import read_phrase
from instrument.note import Phrase
from training.data.corpus import Corpus, Piece, Split, make_corpus
from training.data.duplicates import split_by_cluster
from training.data.lakh import read_lpd
from training.data.music21_corpus import Show, Skipped, read_abc, refuse_many_skipped

MAESTRO_NOTICE = (
    "MAESTRO (Hawthorne et al., 2019), https://magenta.tensorflow.org/datasets/maestro, CC "
    "BY-NC-SA 4.0: what is learned from it should not be sold, and is to be passed on under the "
    "same terms."
)
LAKH_NOTICE = (
    "Lakh MIDI data set (Raffel, 2016), https://colinraffel.com/projects/lmd, or the Lakh "
    "Pianoroll data set made from it (Dong et al., 2018), both distributed as CC BY 4.0; the "
    "rights in the songs themselves are not cleared."
)
FOLDER_NOTICE = "The user's own files; whoever owns them decides what may be done with the weights."
_MOST_NOTES = 200_000

Read = tuple[list[Piece], list[Skipped]]


def piece_of(phrase: Phrase, name: str, split: Split = "train") -> Piece:
    """Turn a phrase into a corpus's piece; empty tracks are left out.

    Raises
    ------
    ValueError
        It has no notes, or more than any piece.
    """
    tracks = [track for track in phrase.tracks if track.notes]
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
        split=split,
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


def read_midi_folder(folder: Path, name: str, show: Show, notice: str = FOLDER_NOTICE) -> Corpus:
    """Read every MIDI file under a folder; variants of one piece get into one split."""
    paths = _files(folder, (".mid", ".midi"), "MIDI files (.mid, .midi)")
    return _corpus_of(folder, name, notice, _read_each(_read_midi, folder, paths, show))


def read_abc_folder(folder: Path, name: str, show: Show) -> Corpus:
    """Read every tune of the ABC files under a folder, as the Nottingham collection comes."""
    paths = _files(folder, (".abc",), "ABC files (.abc)")
    return _corpus_of(folder, name, FOLDER_NOTICE, _read_each(_read_tunes, folder, paths, show))


def read_lakh(folder: Path, name: str, show: Show) -> Corpus:
    """Read LPD's piano rolls (``.npz``), or the MIDI files of a raw Lakh folder."""
    if not any(folder.rglob("*.npz")):
        return read_midi_folder(folder, name, show, LAKH_NOTICE)
    paths = _files(folder, (".npz",), "LPD piano rolls (.npz)")
    return _corpus_of(folder, name, LAKH_NOTICE, _read_each(_read_roll, folder, paths, show))


def read_maestro(folder: Path, name: str, show: Show) -> Corpus:
    """Read MAESTRO version 2 or 3 with the splits of its own list, ``maestro-v?.0.0.json``.

    Raises
    ------
    FileError
        The list is missing or is not MAESTRO's.
    """
    splits = _maestro_splits(folder)
    paths = [folder / file for file in splits]
    pieces, skipped = _read_each(_read_midi, folder, paths, show)
    refuse_many_skipped(skipped, len(paths))
    chosen = [replace(piece, split=splits[piece.name]) for piece in pieces]
    return make_corpus(name, f"MAESTRO in {folder.name}", MAESTRO_NOTICE, chosen)


def _maestro_splits(folder: Path) -> dict[str, Split]:
    lists = sorted(folder.glob("maestro-v*.json"))
    if not lists:
        raise FileError(
            f"{folder} has no maestro-v?.0.0.json",
            "Give the folder that MAESTRO's zip unpacks to: its own list names the splits.",
        )
    names: dict[str, Split] = {"train": "train", "validation": "valid", "test": "test"}
    try:
        table = json.loads(lists[-1].read_text("utf-8"))
        files, splits = table["midi_filename"], table["split"]
        found = {str(files[key]): names[splits[key]] for key in files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
        raise FileError(f"{lists[-1]} is not MAESTRO's list: {reason!r}") from reason
    if outside := [file for file in found if ".." in Path(file).parts or Path(file).is_absolute()]:
        raise FileError(f"{lists[-1]} names a file outside its folder: {outside[0]}")
    return found


def _corpus_of(folder: Path, name: str, notice: str, read: Read) -> Corpus:
    pieces, skipped = read
    refuse_many_skipped(skipped, len(pieces) + len(skipped))
    if not pieces:
        raise FileError(f"{folder}: none of its files could be read: {skipped[0][1]}")
    chosen, _ = split_by_cluster(pieces)
    return make_corpus(name, f"the files of {folder.name}", notice, chosen)


def _files(folder: Path, suffixes: tuple[str, ...], what: str) -> list[Path]:
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    if not paths:
        raise FileError(f"{folder} has no {what}")
    return paths


def _read_each(
    read: Callable[[Path], Read], folder: Path, paths: Sequence[Path], show: Show
) -> Read:
    """Read files side by side; names are paths inside the folder."""
    pieces: list[Piece] = []
    skipped: list[Skipped] = []
    with ProcessPoolExecutor() as pool:
        for path, (found, failed) in zip(paths, pool.map(read, paths, chunksize=8), strict=True):
            inside = path.relative_to(folder).as_posix()
            pieces += [replace(piece, name=inside + piece.name) for piece in found]
            skipped += [(inside + name, reason) for name, reason in failed]
            show(inside, len(pieces) + len(skipped), len(paths))
    return pieces, skipped


def _read_midi(path: Path) -> Read:
    try:
        return [piece_of(read_phrase(path), "")], []
    except (LatentkeysError, ValueError) as reason:
        return [], [("", str(reason).splitlines()[0])]


def _read_roll(path: Path) -> Read:
    try:
        return [piece_of(read_lpd(path), "")], []
    except (LatentkeysError, ValueError) as reason:
        return [], [("", str(reason).splitlines()[0])]


def _read_tunes(path: Path) -> Read:
    pieces, skipped = read_abc(path)
    return list(pieces), list(skipped)
