"""What is in a corpus, in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from instrument.music.pitch import key_fits
from training.data.symbolic.corpus import SPLITS, Corpus, Piece
from training.data.symbolic.duplicates import clusters

_GRID_PER_BEAT = 24
_KEY_NAMES = ("C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B")


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
    mode, tonic = divmod(int(key_fits(weight).argmax()), 12)
    return f"{_KEY_NAMES[tonic]} {('major', 'minor')[mode]}"


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
