"""Make a wave set of MIDI files, such as Lakh's, played by a SoundFont: tiles of four seconds.

In: a folder of MIDI files. Out: a wave set; all tiles of a song are in one split. A tile is music,
so it has no pitch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from instrument.errors import FileError, LatentkeysError, first_line
from instrument.midi.song import Song, read_midi_file
from training.audio.format import SAMPLE_RATE_HZ, WAVE_FRAMES, WAVE_RATE_HZ
from training.data.audio.render import FLUID_NOTICE
from training.data.audio.soundfont import SoundFont
from training.data.audio.wave_writer import (
    CollectedWaves,
    Item,
    RecordedTone,
    as_int16,
    split_by_name,
    write_waves,
)
from training.data.symbolic.midi_folder import FOLDER_NOTICE
from training.data.symbolic.reading import Show, read_side_by_side

LONGEST_SECONDS = 600.0
"""Of a song; what follows is left out."""
_SUFFIXES = (".mid", ".midi")
_PIECE_SECONDS = 1.0
_SILENCE = 1e-4
_MOST_BROKEN = 0.05  # as in Lakh: files as the web had them


def read_midi_tiles(
    path: Path, font: Path, folder: Path, name: str, show: Show, most: int | None = None
) -> CollectedWaves:
    """Make the wave set.

    Parameters
    ----------
    path
        The folder of MIDI files, in folders of any depth.
    font
        The SoundFont that plays them.
    folder, name
        Where the set goes, and what ``--data`` calls it; an hour takes 115 MB.
    show
        Told after each song.
    most
        Play no more songs than this: every so manieth.

    Raises
    ------
    FileError
        There are no MIDI files, or more than one in twenty cannot be played.
    """
    files = midi_files(path)
    files = files[:: -(-len(files) // most)] if most else files
    notice = f"{FOLDER_NOTICE} {FLUID_NOTICE if 'Fluid' in font.name else font.name}"
    return write_waves(
        folder,
        _tiles(path, font, files, show),
        name=name,
        source=f"the MIDI files of {path.resolve().name}, played by {font.name}, in tiles",
        notice=notice,
        most_skipped=_MOST_BROKEN,
    )


def midi_files(path: Path) -> list[str]:
    """Return the MIDI files under a folder, as paths inside it, in order.

    Raises
    ------
    FileError
        It is no folder, or has none.
    """
    if not path.is_dir():
        raise FileError(f"{path} is not a folder")
    found = [file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES]
    if not found:
        raise FileError(f"{path} has no MIDI files ({', '.join(_SUFFIXES)})")
    return sorted(file.relative_to(path).as_posix() for file in found)


def song_tiles(font: SoundFont, song: Song) -> Iterator[NDArray[np.float32]]:
    """Play a song; yield tiles that are not silent, float32, (64000,), full scale ±1."""
    slower = soxr.ResampleStream(SAMPLE_RATE_HZ, WAVE_RATE_HZ, 1, dtype="float32")
    waiting = np.zeros(0, np.float32)
    seconds = min(song.length_seconds, LONGEST_SECONDS)
    for piece in font.play(song.messages, round(seconds * SAMPLE_RATE_HZ), _PIECE_SECONDS):
        waiting = np.concatenate([waiting, slower.resample_chunk(piece)])
        while len(waiting) >= WAVE_FRAMES:
            tile, waiting = waiting[:WAVE_FRAMES], waiting[WAVE_FRAMES:]
            if np.abs(tile).max() >= _SILENCE:
                yield tile


def _tiles(path: Path, font: Path, files: Sequence[str], show: Show) -> Iterator[Item]:
    played = read_side_by_side(partial(_play_file, path, font), files, chunk=1)
    for done, (file, items) in enumerate(zip(files, played, strict=True), start=1):
        yield from items
        show(file, done, len(files))


def _play_file(folder: Path, font: Path, inside: str) -> list[Item]:
    try:
        song = read_midi_file(folder / inside)
    except LatentkeysError as problem:
        return [(inside, first_line(problem))]
    split = split_by_name(inside)
    tiles = song_tiles(_opened(font), song)
    return [RecordedTone(as_int16(tile), 0, 0, inside, split) for tile in tiles]


@lru_cache(maxsize=1)
def _opened(font: Path) -> SoundFont:
    """Open a SoundFont once in each process: it takes longer than a song."""
    return SoundFont(font)
