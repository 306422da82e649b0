"""Pieces as lines of tones, the numbers that C-RNN-GAN learns from.

In: pieces or phrases. Out: tones as float32 arrays of shape (n, 4): length in beats, pitch,
velocity, beats since the previous start; phrases from tones again; and how far the texture of one
set of tones is from another's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import GRID
from instrument.music.pitch import MAJOR_SCALE
from training.crnngan.tone_scale import ToneValues

NoteArray = NDArray[np.float32]
_RARE = 0.003
_HISTOGRAMS = ("pitch class", "interval", "length", "place in the bar", "scale")


def notes_of(notes: Sequence[Note]) -> NoteArray:
    """Return notes as tones, at 1/24 beat, chords from the top down."""
    heard = sorted(notes, key=lambda note: (note.start_beats, -note.pitch))
    starts = np.array([round(note.start_beats * GRID) for note in heard], np.int64)
    advances = np.diff(starts, prepend=0) / GRID
    rows = [
        (max(1, round(note.length_beats * GRID)) / GRID, note.pitch, note.velocity, advance)
        for note, advance in zip(heard, advances, strict=True)
    ]
    return np.array(rows, np.float32).reshape(-1, 4)


@dataclass(frozen=True, slots=True)
class Stretches:
    """Pieces, and where in them a phrase of so many tones can begin: at bar lines.

    Attributes
    ----------
    pieces
        Whole pieces as tones.
    begins
        int64, shape (n, 2): piece and first tone of each stretch.
    offsets
        float32, shape (n,): beats from the bar line to the first tone.
    length
        NoteArray in a stretch.
    """

    pieces: tuple[NoteArray, ...]
    begins: NDArray[np.int64]
    offsets: NDArray[np.float32]
    length: int

    @classmethod
    def of(
        cls, phrases: Sequence[Phrase], length: int, bar_beats: float, in_one_scale: bool
    ) -> Stretches:
        """Cut phrases whose bars fit into `bar_beats`; others are left out."""
        fitting = [phrase for phrase in phrases if bar_beats % phrase.bar_beats == 0.0]
        pieces = [notes_of(phrase.notes) for phrase in fitting]
        if in_one_scale:
            pieces = [to_one_scale(tones) for tones in pieces]
        begins, offsets = [], []
        for number, (phrase, tones) in enumerate(zip(fitting, pieces, strict=True)):
            starts = tones[:, 3].astype(np.float64).cumsum()
            bars = np.arange(phrase.pickup_beats, max(phrase.length_beats, 1e-9), bar_beats)
            for bar in bars:
                first = int(np.searchsorted(starts, bar - 1e-3))
                if first + length <= len(tones) and starts[first] < bar + bar_beats:
                    begins.append((number, first))
                    offsets.append(max(0.0, starts[first] - bar))
        where = np.array(begins, np.int64).reshape(-1, 2)
        return cls(tuple(pieces), where, np.array(offsets, np.float32), length)

    def __len__(self) -> int:
        return len(self.begins)

    def within(self, values: ToneValues) -> Stretches:
        """Return the stretches that have no other lengths and advances than these."""
        fits = [
            np.isin(tones[:, 0], np.asarray(values.lengths, dtype=np.float32))
            & np.isin(tones[:, 3], np.asarray(values.advances, dtype=np.float32))
            for tones in self.pieces
        ]
        is_kept = [
            bool(fits[piece][first : first + self.length].all()) for piece, first in self.begins
        ]
        return replace(self, begins=self.begins[is_kept], offsets=self.offsets[is_kept])

    def at(self, rows: NDArray[np.int64]) -> NoteArray:
        """Return stretches by number, float32, shape (rows, length, 4)."""
        made = []
        for row in rows:
            piece, first = self.begins[row]
            tones = self.pieces[piece][first : first + self.length].copy()
            tones[0, 3] = self.offsets[row]
            made.append(tones)
        return np.stack(made)


def phrase_of_tones(tones: NoteArray, length_beats: float, is_monophonic: bool) -> Phrase:
    """Return tones (n, 4) as a phrase; a monophonic one cuts each note where the next begins."""
    starts = np.cumsum(tones[:, 3].astype(np.float64))
    notes = []
    for index, (length, pitch, velocity, _) in enumerate(tones.tolist()):
        start = float(starts[index])
        if start >= length_beats:
            break
        if is_monophonic and index + 1 < len(starts):
            length = min(length, float(starts[index + 1]) - start)
        if length > 0.0:
            pitch = min(127.0, max(0.0, pitch))
            notes.append(Note(start, int(pitch), length, int(velocity)))
    return Phrase.of(notes, length_beats)


def grid_values(pieces: Sequence[NoteArray], bar_beats: float, steps_per_beat: int) -> ToneValues:
    """Collect the lengths and advances on a grid that are at least 0.3 % of all.

    An advance of 0 is always one of them: it begins a phrase on the bar line.
    """
    tones = np.concatenate(pieces)
    lengths = _frequent(tones[:, 0], steps_per_beat)
    advances = {0.0, *_frequent(tones[:, 3], steps_per_beat)}
    return ToneValues(lengths, tuple(sorted(advances)), bar_beats)


def semitones_to_c_major(tones: NoteArray) -> int:
    """Return by how many semitones, -5..6, to move a piece to be in C major most of its time."""
    classes = np.bincount(tones[:, 1].astype(int) % 12, weights=tones[:, 0], minlength=12)
    shifts = sorted(range(-5, 7), key=abs)
    return max(shifts, key=lambda shift: float(np.roll(classes, shift)[list(MAJOR_SCALE)].sum()))


def transposed(tones: NoteArray, semitones: int) -> NoteArray:
    """Return tones (…, 4) higher (or lower, if negative) by semitones."""
    return tones + np.array([0, semitones, 0, 0], np.float32)


def to_one_scale(tones: NoteArray) -> NoteArray:
    """Move a piece to C major."""
    return transposed(tones, semitones_to_c_major(tones))


def texture_distance(ours: NoteArray, data: NoteArray, bar_beats: float) -> dict[str, float]:
    """Return Jensen-Shannon divergences, nats in 0..0.69, of five histograms, 0 when alike.

    Parameters
    ----------
    ours, data
        Phrases of equal numbers of tones, shape (n, tones, 4).
    bar_beats
        For the place in the bar.
    """
    pairs = zip(_histograms(ours, bar_beats), _histograms(data, bar_beats), strict=True)
    return {name: _divergence(a, b) for name, (a, b) in zip(_HISTOGRAMS, pairs, strict=True)}


def _histograms(tones: NoteArray, bar_beats: float) -> list[Counter[int]]:
    pitch = tones[..., 1].astype(int)
    ticks = np.rint(tones[..., 3].cumsum(axis=1) * GRID).astype(int)
    columns = (
        pitch % 12,
        np.diff(pitch, axis=1).clip(-24, 24),
        np.rint(tones[..., 0] * GRID).astype(int),
        ticks % round(bar_beats * GRID),
        np.array([len(set(row % 12)) for row in pitch]),
    )
    return [Counter(column.ravel().tolist()) for column in columns]


def _divergence(a: Counter[int], b: Counter[int]) -> float:
    keys = sorted(a.keys() | b.keys())
    p = np.array([a[key] for key in keys]) / a.total()
    q = np.array([b[key] for key in keys]) / b.total()
    mean = 0.5 * (p + q)
    terms = [x * np.log(np.where(x > 0, x / mean, 1.0)) for x in (p, q)]
    return float(0.5 * sum(term.sum() for term in terms))


def _frequent(column: NDArray[np.float32], steps_per_beat: int) -> tuple[float, ...]:
    values, counts = np.unique(column, return_counts=True)
    is_kept = (counts >= _RARE * counts.sum()) & (values * steps_per_beat % 1.0 == 0.0)
    return tuple(float(value) for value in values[is_kept])
