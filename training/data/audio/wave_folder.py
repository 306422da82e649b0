"""Make wave sets of the user's own sound files: single tones, or recordings cut in tiles.

In: a folder of WAV, FLAC, OGG or AIFF files, in folders of any depth. Out: a wave set. A tone's
pitch is what its file's name says, or else estimated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from instrument.errors import FileError, first_line
from instrument.music.yin import estimate_pitch
from instrument.progress import LongWork
from training.audio.format import WAVE_FRAMES, WAVE_PITCHES
from training.data.audio.note_names import VELOCITY, NamedTone, named_velocity, parse_note_name
from training.data.audio.wave_files import SUFFIXES, read_note, read_tiles
from training.data.audio.wave_writer import (
    CollectedWaves,
    Item,
    RecordedTone,
    as_int16,
    normalised,
    split_by_name,
    write_waves,
)
from training.data.audio.waves import WAVE_SETS, WaveSet, WaveSplit, open_waves
from training.data.symbolic.midi_folder import FOLDER_NOTICE
from training.data.symbolic.reading import Show, read_side_by_side

_SILENCE = 1e-4


@dataclass(frozen=True, slots=True)
class _File:
    """A file to read.

    Attributes
    ----------
    folder, inside
        Where it is, and its path from there.
    split
        Which part of the set gets it.
    is_named
        Whether its name says the pitch.
    keeps_level
        Whether it stays as loud as it is.
    """

    folder: Path
    inside: str
    split: WaveSplit
    is_named: bool = True
    keeps_level: bool = False


def read_note_folder(
    path: Path,
    folder: Path,
    name: str,
    show: Show,
    *,
    is_named: bool = True,
    keeps_level: bool = False,
) -> CollectedWaves:
    """Make a wave set of files with one tone each.

    A tone is padded at its end to four seconds, or cut there, and brought to -3 dB of full scale
    unless it keeps its level; pitches beyond GANSynth's are left out. A file that cannot be read
    costs itself. An instrument so small that none of its tones would be learned has all of them in
    the training part.

    Parameters
    ----------
    path
        The folder of files.
    folder, name
        Where the set goes, and what ``--data`` calls it.
    show
        Told after each file.
    is_named
        Whether file names say pitches; if not, all are estimated.
    keeps_level
        Whether tones stay as loud as they are in their files.

    Raises
    ------
    FileError
        There are no sound files, or none that can be read.
    """
    files = [
        _File(path, inside, split_by_name(inside), is_named, keeps_level)
        for inside in sound_files(path)
    ]
    source = f"the files of {path.resolve().name}"
    items = _in_order(_read_note_file, files, show)
    return write_waves(
        folder,
        items,
        name=name,
        source=source,
        notice=FOLDER_NOTICE,
        most_skipped=1.0,
        teaches_all=True,
    )


def open_notes(name_or_path: str) -> WaveSet:
    """Open a wave set by its name or folder; or make one of a folder of sound files, once.

    Raises
    ------
    FileError
        There is no such set, and no folder with sound files that can be read.
    """
    path = Path(name_or_path)
    if not path.is_dir() or WAVE_SETS.has(path):
        return open_waves(name_or_path)
    files = [(inside, (path / inside).stat()) for inside in sound_files(path)]
    seen = [(inside, found.st_size, found.st_mtime_ns) for inside, found in files]
    key = hashlib.sha256(repr((str(path.resolve()), seen)).encode()).hexdigest()[:8]
    name = f"{path.resolve().name}-{key}"
    if WAVE_SETS.has(WAVE_SETS.folder / name):
        return open_waves(name)
    console = Console(stderr=True)
    with LongWork(console) as progress:
        task = progress.add_task("Reading", total=len(files))
        made = read_note_folder(
            path, WAVE_SETS.folder / name, name, lambda *_: progress.advance(task)
        )
    for file, reason in made.skipped:
        console.print(f"skipped {file}: {reason}", markup=False, highlight=False)
    return made.waves


def read_tile_folder(path: Path, folder: Path, name: str, show: Show) -> CollectedWaves:
    """Make a wave set of recordings, cut in tiles of four seconds; all of one are in one split.

    Raises
    ------
    FileError
        There are no sound files, or more than one in a hundred cannot be read.
    """
    splits = {inside: split_by_name(inside) for inside in sound_files(path)}
    source = f"the files of {path.resolve().name}, in tiles"
    items = tile_items(path, splits, show)
    return write_waves(folder, items, name=name, source=source, notice=FOLDER_NOTICE)


def tile_items(path: Path, splits: Mapping[str, WaveSplit], show: Show) -> Iterator[Item]:
    """Cut recordings in tiles; silent ones are left out, the others keep their level.

    Parameters
    ----------
    path
        The folder of recordings.
    splits
        The split of each, by its path inside the folder.

    Returns
    -------
    Iterator
        Of tiles with pitch and velocity 0; their label is the recording's path.
    """
    files = [_File(path, inside, split) for inside, split in splits.items()]
    return _in_order(_read_tile_file, files, show)


def sound_files(path: Path) -> list[str]:
    """Return the sound files under a folder, as paths inside it, in order.

    Raises
    ------
    FileError
        It is no folder, or has none.
    """
    if not path.is_dir():
        raise FileError(f"{path} is not a folder")
    files = [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()]
    if not files:
        raise FileError(f"{path} has no sound files ({', '.join(SUFFIXES)})")
    return sorted(file.relative_to(path).as_posix() for file in files)


def _in_order(
    read: Callable[[_File], list[Item]], files: Sequence[_File], show: Show
) -> Iterator[Item]:
    for done, (file, items) in enumerate(
        zip(files, read_side_by_side(read, files, chunk=1), strict=True), start=1
    ):
        yield from items
        show(file.inside, done, len(files))


def _read_note_file(file: _File) -> list[Item]:
    try:
        wave = read_note(file.folder / file.inside)
        said = parse_note_name(Path(file.inside).stem) if file.is_named else None
        said = said or NamedTone(round(estimate_pitch(wave)), VELOCITY, "")
    except ValueError as reason:
        return [(file.inside, first_line(reason))]
    if said.pitch not in WAVE_PITCHES:
        return [None]
    level = wave if file.keeps_level else normalised(wave)
    whole = np.pad(as_int16(level), (0, WAVE_FRAMES - wave.size))
    velocity = round(127.0 * named_velocity(file.inside)) or said.velocity
    return [RecordedTone(whole, said.pitch, velocity, _label(file, said), file.split)]


def _label(file: _File, said: NamedTone) -> str:
    folder = Path(file.inside).parent.as_posix()
    parts = [part for part in (folder, said.label) if part not in ("", ".")]
    return "/".join(parts) or file.folder.resolve().name


def _read_tile_file(file: _File) -> list[Item]:
    items: list[Item] = []
    try:
        for wave in read_tiles(file.folder / file.inside):
            is_silent = np.abs(wave).max() < _SILENCE
            tile = RecordedTone(as_int16(wave), 0, 0, file.inside, file.split)
            items.append(None if is_silent else tile)
    except ValueError as reason:
        return [(file.inside, first_line(reason))]
    return items
