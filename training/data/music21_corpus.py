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
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from instrument.errors import FileError
from training.data.corpus import SPLITS, Corpus, Piece, Split, make_corpus

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
_VOICES = ("soprano", "alto", "tenor", "bass")
_SHORTEST_TUNE_NOTES = 16
_MOST_SKIPPED = 0.01
_PICKUP_TOLERANCE = 1e-6

Show = Callable[[str, int, int], None]
"""Told a name, how many items are done, and how many there are."""
Skipped = tuple[str, str]
"""An item that could not be read, and why."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What one file gave: pieces without a split yet, and what was skipped with its reason."""

    pieces: tuple[Piece, ...]
    skipped: tuple[Skipped, ...]


def jsb_manifest() -> dict[Split, tuple[str, ...]]:
    """Return which of music21's pieces are in which split of the canonical JSB chorales."""
    manifest = json.loads(files("training.data").joinpath("jsb_m21_split.json").read_text("utf-8"))
    return {split: tuple(manifest["splits"][split]) for split in SPLITS}  # type: ignore[misc]


def read_jsb(show: Show = lambda *_: None) -> tuple[Corpus, tuple[Skipped, ...]]:
    """Read Bach's chorales with the canonical split, as far as music21 has them.

    Returns
    -------
    Corpus
        ``jsb``: voices 0 to 3 are soprano, alto, tenor, bass. Figures from it are called JSB-m21.
    tuple
        Pieces that were skipped, with the reason.
    """
    manifest = jsb_manifest()
    tasks = [(path, split) for split, paths in manifest.items() for path in paths]
    reads = _read_all(_read_chorale, tasks, show)
    pieces = [piece for read in reads for piece in read.pieces]
    skipped = tuple(entry for read in reads for entry in read.skipped)
    refuse_many_skipped(skipped, len(tasks))
    return make_corpus("jsb", _SOURCE, _JSB_NOTICE, pieces), skipped


def read_tunes(show: Show = lambda *_: None) -> tuple[list[Piece], tuple[Skipped, ...]]:
    """Read the melodies of the tune books, in no split yet, and what was skipped."""
    paths = [path for book in TUNE_BOOKS for path in _book(book)]
    reads = _read_all(_read_book, [(str(path), "train") for path in paths], show)
    pieces = [piece for read in reads for piece in read.pieces]
    skipped = tuple(entry for read in reads for entry in read.skipped)
    refuse_many_skipped(skipped, len(pieces) + len(skipped))
    return pieces, skipped


def tunes_corpus(pieces: Sequence[Piece]) -> Corpus:
    """Make the corpus `tunes` of pieces that have their splits."""
    return make_corpus("tunes", _SOURCE, _TUNE_NOTICE, pieces)


def refuse_many_skipped(skipped: Sequence[Skipped], total: int) -> None:
    """Refuse a source of which more than one in a hundred cannot be read.

    Raises
    ------
    FileError
        With the first names and reasons.
    """
    if len(skipped) > _MOST_SKIPPED * max(1, total) and len(skipped) > 1:
        first = "; ".join(f"{name}: {reason}" for name, reason in skipped[:3])
        raise FileError(
            f"{len(skipped)} of {total} items cannot be read: {first}",
            "That is more than 1 %: the source is damaged or of another kind.",
        )


def _read_all(
    read: Callable[[tuple[str, str]], _Read], tasks: Sequence[tuple[str, str]], show: Show
) -> list[_Read]:
    reads: list[_Read] = []
    with ProcessPoolExecutor(2) as pool:
        for task, done in zip(tasks, pool.map(read, tasks), strict=True):
            reads.append(done)
            show(Path(task[0]).stem, len(reads), len(tasks))
    return reads


def _book(name: str) -> Iterator[Path]:
    from music21 import corpus

    for path in sorted(corpus.corpora.CoreCorpus().getPaths()):
        if Path(path).parent.name == name:
            yield Path(path)


def _read_chorale(task: tuple[str, str]) -> _Read:
    path, split = task
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import corpus

        score = corpus.parse(path)
    name = path.removesuffix(".mxl").removesuffix(".xml").removesuffix(".krn")
    parts = _four_voices(score)
    if parts is None:
        return _Read((), ((name, f"it has {len(score.parts)} parts, none of them named SATB"),))
    return _Read((_piece(name, split, parts),), ())


def _read_book(task: tuple[str, str]) -> _Read:
    path = Path(task[0])
    pieces, skipped = read_abc(path)
    stem = f"{path.parent.name}/{path.stem}"
    named = tuple(replace(piece, name=stem + piece.name) for piece in pieces)
    return _Read(named, tuple((stem + name, reason) for name, reason in skipped))


def read_abc(path: Path) -> tuple[tuple[Piece, ...], tuple[Skipped, ...]]:
    """Read the melodies of an ABC file of one tune or many.

    Returns
    -------
    tuple
        Pieces in the split "train", named ``/0``, ``/1`` … when there are many. Repeats are
        written once, as they stand.
    tuple
        Tunes that music21 cannot read, with its reason.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter, exceptions21, stream

        pieces: list[Piece] = []
        skipped: list[Skipped] = []
        try:
            whole = converter.parse(path, format="abc")
        except (exceptions21.Music21Exception, OSError, ValueError, IndexError) as reason:
            return (), (("", str(reason)),)
        scores = list(whole.scores) if isinstance(whole, stream.Opus) else [whole]
        for index, score in enumerate(scores):
            name = f"/{index}" if len(scores) > 1 else ""
            try:
                piece = _piece(name, "train", list(score.parts)[:1])
            except (exceptions21.Music21Exception, IndexError, ValueError) as reason:
                skipped.append((name, str(reason)))
                continue
            if piece.pitch.size >= _SHORTEST_TUNE_NOTES:
                pieces.append(piece)
    return tuple(pieces), tuple(skipped)


def _four_voices(score: Any) -> list[Any] | None:
    """Choose soprano, alto, tenor and bass by their names, or the four parts there are."""
    parts = list(score.parts)
    if len(parts) == 4:
        return parts
    named = {str(part.partName or "").strip().lower(): part for part in reversed(parts)}
    chosen = [named.get(voice) for voice in _VOICES]
    return None if None in chosen else chosen


def _piece(name: str, split: str, parts: Sequence[Any]) -> Piece:
    rows: list[tuple[float, float, int, int]] = []
    for voice, part in enumerate(parts):
        for sound in part.stripTies().flatten().notes:
            length = float(sound.quarterLength)
            if length > 0.0:  # a grace note has no length of its own
                pitch = max(p.midi for p in sound.pitches)
                rows.append((float(sound.offset), length, pitch, voice))
    rows.sort(key=lambda row: (row[0], -row[2], row[3]))
    if not rows:
        raise ValueError("it has no notes")
    bar_beats, pickup_beats = _bars(parts[0])
    start, length_beats, pitches, voices = (np.array(column) for column in zip(*rows, strict=True))
    return Piece(
        name=name,
        split=split,  # type: ignore[arg-type]
        start_beats=start.astype(np.float64),
        length_beats=length_beats.astype(np.float64),
        pitch=pitches.astype(np.uint8),
        velocity=np.full(len(rows), 80, np.uint8),
        voice=voices.astype(np.uint8),
        bar_beats=bar_beats,
        pickup_beats=pickup_beats,
        length=float(max(part.highestTime for part in parts)),
        programs=(0,) * len(parts),
        is_drum=(False,) * len(parts),
    )


def _bars(part: Any) -> tuple[float, float]:
    """Return the length of a bar and of the pickup, in beats."""
    meters = list(part.recurse().getElementsByClass("TimeSignature"))
    bar = float(meters[0].barDuration.quarterLength) if meters else 4.0
    measures = list(part.getElementsByClass("Measure"))
    if len(measures) < 2:
        return bar, 0.0
    first = float(measures[1].offset - measures[0].offset)
    return bar, first if 0.0 < first < bar - _PICKUP_TOLERANCE else 0.0
