"""What is in a corpus, in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from training.data.symbolic.corpus import SPLITS, Corpus, Piece
from training.data.symbolic.duplicates import clusters

_GRID_PER_BEAT = 24
_KEY_NAMES = ("C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B")
# How well each degree fits a key (Krumhansl and Kessler, 1982, probe-tone ratings).
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def print_statistics(console: Console, corpus: Corpus) -> None:
    """Print how much there is in each split, and what kind of music."""
    table = Table("split", "pieces", "notes", "bars", "voices", "pitches", "off the grid")
    for split in SPLITS:
        pieces = corpus.split(split)
        if pieces:
            table.add_row(split, *_figures(pieces))
    console.print(table)
    bars = Counter(f"{piece.bar_beats:g}" for piece in corpus.pieces)
    keys = Counter(key_of(piece) for piece in corpus.pieces)
    numbers = clusters(corpus.pieces)
    console.print(f"a bar's quarter notes: {_most(bars)}")
    console.print(f"keys: {_most(keys)}")
    splits = {(number, piece.split) for number, piece in zip(numbers, corpus.pieces, strict=True)}
    astray = len(splits) - len(set(numbers))
    console.print(
        f"variants of another piece: {len(numbers) - len(set(numbers))}; in another split: {astray}"
    )
    console.print(f"source: {corpus.source}\nterms: {corpus.notice}", highlight=False)


def key_of(piece: Piece) -> str:
    """Guess the key by its pitch classes, each for as long as it sounds (Krumhansl, 1990)."""
    weight = np.bincount(piece.pitch % 12, weights=piece.length_beats, minlength=12)
    fits = {
        f"{_KEY_NAMES[tonic]} {mode}": _fit(np.roll(weight, -tonic), profile)
        for tonic in range(12)
        for mode, profile in (("major", _MAJOR), ("minor", _MINOR))
    }
    return max(fits, key=lambda key: fits[key])


def off_grid_share(piece: Piece) -> float:
    """Return the share of notes that start or end off the grid of 24 ticks per beat."""
    ends = piece.start_beats + piece.length_beats
    off = [
        np.abs(times * _GRID_PER_BEAT - np.round(times * _GRID_PER_BEAT)) > 1e-3
        for times in (piece.start_beats, ends)
    ]
    return float((off[0] | off[1]).mean()) if piece.pitch.size else 0.0


def _figures(pieces: Sequence[Piece]) -> tuple[str, ...]:
    notes = sum(piece.pitch.size for piece in pieces)
    bars = sum(piece.length / piece.bar_beats for piece in pieces)
    voices = Counter(len(piece.programs) for piece in pieces)
    low, high = (min(int(p.pitch.min()) for p in pieces), max(int(p.pitch.max()) for p in pieces))
    off = sum(off_grid_share(piece) * piece.pitch.size for piece in pieces) / notes
    voice_range = f"{min(voices)}" if len(voices) == 1 else f"{min(voices)}–{max(voices)}"
    return f"{len(pieces)}", f"{notes}", f"{bars:.0f}", voice_range, f"{low}–{high}", f"{off:.2%}"


def _most(counts: Counter[str], most: int = 6) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {count / total:.0%}" for name, count in counts.most_common(most))


def _fit(weight: NDArray[np.float64], profile: Sequence[float]) -> float:
    if weight.std() == 0.0:
        return 0.0
    return float(np.corrcoef(weight, profile)[0, 1])
