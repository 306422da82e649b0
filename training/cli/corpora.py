"""``latentkeys data …`` for composers: make corpora, and say what is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from instrument.cli.options import Choice, option
from training.cli.make_set import make_set
from training.cli.options import FOLDER, FORCE, NAME
from training.data.symbolic.corpus import CORPORA, open_corpus, write_corpus
from training.data.symbolic.music21_corpus import read_jsb, read_tunes
from training.data.symbolic.reading import Collected, Show
from training.data.symbolic.statistics import print_statistics

_MOST = option(
    "--most",
    type=click.IntRange(min=1),
    metavar="N",
    help="Read no more than N files; all must fit into memory.",
)


@click.command("jsb", short_help="Bach's chorales, canonical split: a minute.")
@FORCE
def jsb(force: bool) -> None:
    """Read Bach's chorales in the canonical split, from music21: a minute.

    As far as they can be found there: 342 of 382 pieces. Figures are called JSB-m21.
    """
    _make("jsb", force, read_jsb)


@click.command("music21", short_help="Bach's chorales and tune books: no download.")
@option(
    "--what",
    type=Choice(["jsb", "tunes", "all"]),
    default="all",
    show_default=True,
    help="Bach's chorales (jsb), the tune books, or both.",
)
@FORCE
def music21(what: str, force: bool) -> None:
    """Read Bach's chorales and three tune books from music21: free, no download, ten minutes.

    The books: Ryan's Mammoth Collection, Aird's Airs and O'Neill's Music of Ireland. The Essen folk
    songs, also in music21, are left out: their terms allow no more than non-commercial use.
    """
    if what != "tunes":
        _make("jsb", force, read_jsb)
    if what != "jsb":
        _make("tunes", force, read_tunes)


@click.command("midi-folder", short_help="Every MIDI file of a folder.")
@click.argument("folder", type=FOLDER)
@NAME
@_MOST
@FORCE
def midi_folder(folder: Path, name: str | None, most: int | None, force: bool) -> None:
    """Read every MIDI file under FOLDER.

    All versions of a piece, in any key, go into the same split.
    """
    from training.data.symbolic.midi_folder import read_midi_folder

    chosen = name or folder.resolve().name
    _make(chosen, force, lambda show: read_midi_folder(folder, chosen, show, most))


@click.command("nottingham", short_help="ABC tunes, from a folder.")
@click.argument("folder", type=FOLDER)
@NAME
@FORCE
def nottingham(folder: Path, name: str | None, force: bool) -> None:
    """Read every tune of the ABC files under FOLDER, such as the Nottingham collection.

    Download it from https://abc.sourceforge.net/NMD; it states no licence. Only melodies are read,
    not the chord symbols.
    """
    from training.data.symbolic.midi_folder import read_abc_folder

    chosen = name or "nottingham"
    _make(chosen, force, lambda show: read_abc_folder(folder, chosen, show))


@click.command("maestro", short_help="MAESTRO's piano pieces, from a folder.")
@click.argument("folder", type=FOLDER)
@NAME
@FORCE
def maestro(folder: Path, name: str | None, force: bool) -> None:
    """Read MAESTRO's piano performances, unpacked in FOLDER, with their own split.

    Download maestro-v3.0.0-midi.zip from https://magenta.tensorflow.org/datasets/maestro; it is
    licensed CC BY-NC-SA 4.0, and so is what learns from it.
    """
    from training.data.symbolic.maestro import read_maestro

    chosen = name or "maestro"
    _make(chosen, force, lambda show: read_maestro(folder, chosen, show))


@click.command("lakh", short_help="Lakh's songs, from a folder.")
@click.argument("folder", type=FOLDER)
@NAME
@_MOST
@FORCE
def lakh(folder: Path, name: str | None, most: int | None, force: bool) -> None:
    """Read Lakh's songs: LPD-5 piano rolls (.npz) or raw MIDI files under FOLDER.

    Download lpd_5_cleansed from https://salu133445.github.io/lakh-pianoroll-dataset or lmd_matched
    from https://colinraffel.com/projects/lmd. The rights in the songs are not cleared: keep the
    weights to yourself. Of raw Lakh, up to one file in twenty may be broken.
    """
    from training.data.symbolic.midi_folder import read_lakh

    chosen = name or "lakh"
    _make(chosen, force, lambda show: read_lakh(folder, chosen, show, most))


@click.command("openscore", short_help="Songs and quartets, from a folder.")
@click.argument("folder", type=FOLDER)
@NAME
@_MOST
@FORCE
def openscore(folder: Path, name: str | None, most: int | None, force: bool) -> None:
    """Read OpenScore's songs or string quartets, or any MusicXML, unpacked in FOLDER.

    Download https://github.com/OpenScore/Lieder and https://github.com/OpenScore/StringQuartets;
    both are CC0. Loudness is read from the marks, and a pianist's hands are two voices.
    """
    from training.data.symbolic.openscore import read_openscore

    chosen = name or "openscore"
    _make(chosen, force, lambda show: read_openscore(folder, chosen, show, most))


CORPUS_COMMANDS = (music21, jsb, midi_folder, nottingham, maestro, lakh, openscore)


def _make(name: str, force: bool, read: Callable[[Show], Collected]) -> None:
    """Read, write, describe; what is there stays unless it is to be replaced."""
    folder = CORPORA.folder / name

    def read_and_write(show: Show) -> Collected:
        collected = read(show)
        write_corpus(collected.corpus, folder)
        return collected

    made = make_set(CORPORA, name, folder, force, read_and_write)
    print_statistics(Console(), made.corpus if made else open_corpus(folder))
