"""``latentkeys data waves …``: make the notes and tiles that GANSynth and its like learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.markup import escape

from instrument.cli.options import Choice, option
from instrument.errors import SettingError
from training.cli.make_set import make_set
from training.cli.options import FOLDER, FONT, FORCE, NAME, PROGRAMS
from training.data.audio.programs import chosen_programs
from training.data.audio.wave_writer import CollectedWaves
from training.data.audio.waves import SPLITS, WAVE_SETS, WaveSet, open_waves
from training.data.symbolic.reading import Show

_OUT = option("--out", type=FOLDER, help="Folder of the set; in the user's cache by default.")

Read = Callable[[Path, str, Show], CollectedWaves]
"""Given the folder, the name and whom to tell: makes a wave set."""


@click.group("waves", short_help="Notes of 4 seconds, for GANSynth and its like.")
def waves_group() -> None:
    """Prepare wave sets, notes of 4 seconds: GANSynth and its like learn from them."""


@waves_group.command("soundfont", short_help="Held notes of a SoundFont: a minute.")
@FONT
@PROGRAMS
@NAME
@_OUT
@FORCE
def soundfont(
    font: Path | None, programs: str | None, name: str | None, out: Path | None, force: bool
) -> None:
    """Render held notes from a SoundFont: 104 instruments, 0.8 GB, a minute."""
    from training.data.audio.soundfont import find_soundfont
    from training.data.audio.soundfont_waves import render_waves

    chosen = chosen_programs(programs)
    path = font or find_soundfont()

    def read(folder: Path, called: str, show: Show) -> CollectedWaves:
        return render_waves(path, folder, called, chosen, show)

    _make(name or "soundfont", out, force, read)


@waves_group.command("nsynth", short_help="NSynth's notes: 9 GB.")
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "--sources",
    type=Choice(["acoustic", "all"]),
    default="acoustic",
    show_default=True,
    help="Which instruments.",
)
@NAME
@_OUT
@FORCE
def nsynth(path: Path, sources: str, name: str | None, out: Path | None, force: bool) -> None:
    """Read NSynth's notes of pitches 24 to 84, those that GANSynth learned: 9 GB.

    PATH is the folder with examples.json and audio/, a .tar.gz of it (it is not unpacked), a
    TFRecord file or a folder of them. Download NSynth from
    https://magenta.tensorflow.org/datasets/nsynth; it is licensed CC BY 4.0.
    """
    from training.data.audio.nsynth import read_nsynth

    def read(folder: Path, called: str, show: Show) -> CollectedWaves:
        return read_nsynth(path, folder, called, "all" if sources == "all" else "acoustic", show)

    _make(name or ("nsynth" if sources == "acoustic" else "nsynth-all"), out, force, read)


@waves_group.command("folder", short_help="Sound files of a folder, one note each.")
@click.argument("path", type=FOLDER)
@option(
    "--tiles", is_flag=True, help="The files are no single notes: cut them into tiles of 4 seconds."
)
@option(
    "--estimate",
    is_flag=True,
    help="Estimate every pitch from the sound, whatever the file names say.",
)
@option("--keep-levels", is_flag=True, help="Leave each note as loud as it is.")
@NAME
@_OUT
@FORCE
def folder(
    path: Path,
    tiles: bool,
    estimate: bool,
    keep_levels: bool,
    name: str | None,
    out: Path | None,
    force: bool,
) -> None:
    """Read every WAV, FLAC, OGG and AIFF file under the folder PATH, one note each.

    A note's pitch is what its file's name says (violin_A#3.wav, 058.wav, NSynth's
    violin-058-100.wav), or else is estimated. A file that cannot be read is named and left out.
    """
    from training.data.audio.wave_folder import read_note_folder, read_tile_folder

    if tiles and estimate:
        raise SettingError("--tiles have no pitch to --estimate", "Give one of them.")

    def read(place: Path, called: str, show: Show) -> CollectedWaves:
        if tiles:
            return read_tile_folder(path, place, called, show)
        return read_note_folder(
            path, place, called, show, is_named=not estimate, keeps_level=keep_levels
        )

    _make(name or path.resolve().name, out, force, read)


@waves_group.command("maestro", short_help="MAESTRO's recordings, cut into tiles.")
@click.argument("path", type=FOLDER)
@option("--most", type=click.IntRange(min=1), metavar="N", help="Read no more than N recordings.")
@NAME
@_OUT
@FORCE
def maestro(path: Path, most: int | None, name: str | None, out: Path | None, force: bool) -> None:
    """Cut MAESTRO's recordings in the folder PATH into tiles of 4 seconds: 23 GB, its own split.

    Download maestro-v3.0.0.zip from https://magenta.tensorflow.org/datasets/maestro; it is licensed
    CC BY-NC-SA 4.0, and so is what learns from it.
    """
    from training.data.audio.maestro_waves import read_maestro_tiles

    def read(place: Path, called: str, show: Show) -> CollectedWaves:
        return read_maestro_tiles(path, place, called, show, most)

    _make(name or "maestro", out, force, read)


@waves_group.command("midi", short_help="MIDI files, such as Lakh's, played by a SoundFont.")
@click.argument("path", type=FOLDER)
@FONT
@option("--most", type=click.IntRange(min=1), metavar="N", help="Play no more than N songs.")
@NAME
@_OUT
@FORCE
def midi(
    path: Path, font: Path | None, most: int | None, name: str | None, out: Path | None, force: bool
) -> None:
    """Play every MIDI file under the folder PATH, cut into tiles of 4 seconds: 115 MB an hour.

    Lakh's MIDI files (lmd_full, lmd_matched) are such a folder; the rights in its songs are not
    cleared.
    """
    from training.data.audio.midi_waves import read_midi_tiles
    from training.data.audio.soundfont import find_soundfont

    player = font or find_soundfont()

    def read(place: Path, called: str, show: Show) -> CollectedWaves:
        return read_midi_tiles(path, player, place, called, show, most)

    _make(name or path.resolve().name, out, force, read)


def _make(name: str, out: Path | None, force: bool, read: Read) -> None:
    """Make and describe a set; what is there stays unless it is to be replaced."""
    place, console = out or WAVE_SETS.folder / name, Console()
    made = make_set(WAVE_SETS, name, place, force, lambda show: read(place, name, show))
    if made and made.left_out:
        console.print(f"left out, for it is silent or not wanted: {made.left_out}")
    _describe(console, made.waves if made else open_waves(place))


def _describe(console: Console, waves: WaveSet) -> None:
    size, hours = waves.waves.nbytes / 1e9, len(waves) * 4.0 / 3600.0
    splits = ", ".join(f"{split} {waves.rows(split).size}" for split in SPLITS)
    pitches = waves.pitches[np.flatnonzero(waves.pitches)]
    what = f"notes, pitches {pitches.min()} to {pitches.max()}" if pitches.size else "tiles"
    console.print(
        f"{len(waves)} {what}, of {len(waves.label_names)} "
        f"{'instruments' if pitches.size else 'recordings'}: {hours:.1f} hours, {size:.2f} GB "
        f"({splits}), from {escape(waves.source)}",
        highlight=False,
    )
