"""Read the music that comes with music21: Bach's chorales and three books of tunes.

In: music21's corpus (a package, nothing is downloaded). Out: the corpora `jsb` and `tunes`. music21
is slow, five thousand pieces take minutes, so this is done once.

The tune books are Ryan's Mammoth Collection (1883), Aird's Airs (1782-1803) and O'Neill's Music of
Ireland (1903), all older than any copyright, as their transcribers gave them to music21. The Essen
folk songs are left out: their terms allow no more than non-commercial use.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from instrument.errors import first_line
from training.data.symbolic.abc import read_abc
from training.data.symbolic.corpus import SPLITS, Split, make_corpus
from training.data.symbolic.duplicates import split_by_cluster
from training.data.symbolic.reading import (
    Collected,
    Found,
    Show,
    read_side_by_side,
    refuse_many_skipped,
)
from training.data.symbolic.scores import four_voices, piece_of_parts

TUNE_BOOKS = ("ryansMammoth", "airdsAirs", "oneills1850")
_SOURCE = "the corpus of music21 (Cuthbert and Ariza, 2010), https://www.music21.org"
_JSB_NOTICE = (
    "Four-part settings by J. S. Bach (1685-1750), which are in the public domain, as encoded in "
    "the corpus of music21 (software BSD-3-Clause)."
)
_TUNE_NOTICE = (
    "Melodies of Ryan's Mammoth Collection (1883), Aird's Airs (1782-1803) and O'Neill's Music of "
    "Ireland (1903), which are in the public domain, as transcribed by volunteers in the corpus of "
    "music21 (software BSD-3-Clause)."
)


def jsb_manifest() -> dict[Split, tuple[str, ...]]:
    """Return which of music21's pieces are in which split of the canonical JSB chorales."""
    here = files("training.data.symbolic")
    manifest = json.loads(here.joinpath("jsb_m21_split.json").read_text("utf-8"))
    return {split: tuple(manifest["splits"][split]) for split in SPLITS}


def read_jsb(show: Show = lambda *_: None) -> Collected:
    """Read Bach's chorales with the canonical split, as far as music21 has them.

    The corpus is ``jsb``; voices 0 to 3 are soprano, alto, tenor, bass. Figures from it are called
    JSB-m21.

    Raises
    ------
    FileError
        More than one in a hundred cannot be read.
    """
    tasks = [(path, split) for split, paths in jsb_manifest().items() for path in paths]
    found = _read_all(_read_chorale, tasks, show)
    refuse_many_skipped(found.skipped, len(tasks))
    return Collected(make_corpus("jsb", _SOURCE, _JSB_NOTICE, found.pieces), found.skipped)


def read_tunes(show: Show = lambda *_: None) -> Collected:
    """Read the melodies of the tune books; variants of one tune get into one split.

    Raises
    ------
    FileError
        More than one in a hundred cannot be read.
    """
    tasks = [(str(path), "train") for book in TUNE_BOOKS for path in _book(book)]
    found = _read_all(_read_book, tasks, show)
    refuse_many_skipped(found.skipped, len(found.pieces) + len(found.skipped))
    pieces, _ = split_by_cluster(found.pieces)
    return Collected(make_corpus("tunes", _SOURCE, _TUNE_NOTICE, pieces), found.skipped)


def _read_all(
    read: Callable[[tuple[str, str]], Found], tasks: Sequence[tuple[str, str]], show: Show
) -> Found:
    every: list[Found] = []
    for task, found in zip(tasks, read_side_by_side(read, tasks, chunk=1), strict=True):
        every.append(found)
        show(Path(task[0]).stem, len(every), len(tasks))
    return Found(
        tuple(piece for found in every for piece in found.pieces),
        tuple(entry for found in every for entry in found.skipped),
    )


def _book(name: str) -> Iterator[Path]:
    from music21 import corpus

    for path in sorted(corpus.corpora.CoreCorpus().getPaths()):
        if Path(path).parent.name == name:
            yield Path(path)


def _read_chorale(task: tuple[str, str]) -> Found:
    path, split = task
    name = path.removesuffix(".mxl").removesuffix(".xml").removesuffix(".krn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import corpus, exceptions21

        try:
            score = corpus.parse(path)
        except exceptions21.Music21Exception as reason:  # another version may lack it
            return Found((), ((name, first_line(reason)),))
    parts = four_voices(score)
    if parts is None:
        return Found((), ((name, f"it has {len(score.parts)} parts, none of them named SATB"),))
    return Found((piece_of_parts(name, split, parts),))


def _read_book(task: tuple[str, str]) -> Found:
    path = Path(task[0])
    found = read_abc(path)
    stem = f"{path.parent.name}/{path.stem}"
    named = tuple(replace(piece, name=stem + piece.name) for piece in found.pieces)
    return Found(named, tuple((stem + name, reason) for name, reason in found.skipped))
