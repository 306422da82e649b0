"""A piece as rows of numbers, one row per note: what a network is told and what it should say.

In: notes. Out: a `NoteLine`, computed once per piece and drawn from many times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.composers.note_history import History, Onset
from instrument.composers.note_lstm import features
from instrument.music.note import Note
from instrument.music.note_tuples import REST, tuples_of
from instrument.music.pitch import key_fits
from training.data.symbolic.corpus import Piece
from training.note_lstm.rhythms import Rhythm, in_rhythm, some_voices

SHIFT, PITCH, DURATION, VELOCITY = range(4)
"""Columns of `NoteLine.symbols`."""
_DENSITY_BEATS = 4.0

Numbers = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A piece, one row per note: int16, shape (n, ·), but for `pitch_classes`.

    Attributes
    ----------
    symbols
        The targets: shift, pitch, duration - 1, velocity bin.
    notes
        `composers.note_lstm.features.note_columns` of the note before.
    shift_candidates … velocity_columns
        What the heads are told, see `instrument.composers.note_lstm.features`.
    pitch_classes
        float32, shape (n, 2, 12).
    key, lowest, highest
        The piece's tonic + 12 if minor, and its range: conditions that can be given.
    densities
        int16, shape (n,): `composers.note_lstm.features.density_row` of the four beats around each
        note.
    """

    symbols: Numbers
    notes: Numbers
    shift_candidates: Numbers
    shift_anchors: Numbers
    pitch_columns: Numbers
    pitch_candidates: Numbers
    pitch_anchors: Numbers
    pitch_classes: NDArray[np.float32]
    duration_columns: Numbers
    duration_candidates: Numbers
    duration_anchors: Numbers
    velocity_columns: Numbers
    densities: Numbers
    key: int
    lowest: int
    highest: int

    def __len__(self) -> int:
        return len(self.symbols)


ROWS = tuple(f.name for f in fields(NoteLine))[:12]
"""The fields of a `NoteLine` that have a row for each note, but for `densities`."""


def line_of(notes: Sequence[Note], bar_beats: float, pickup_beats: float) -> NoteLine:
    """Compute every row of a piece; about 0.1 ms a note."""
    tuples = tuples_of(notes)
    rows: dict[str, list[NDArray[Any]]] = {name: [] for name in ROWS}
    history, gap = History.begin(bar_beats, pickup_beats), 0
    for shift, pitch, duration, velocity in zip(
        tuples.shift.tolist(),
        tuples.pitch.tolist(),
        tuples.duration.tolist(),
        tuples.velocity.tolist(),
        strict=True,
    ):
        gap += shift
        if pitch == REST:
            continue
        here, onset = history.onset(0), history.onset(gap)
        symbols = (min(gap, features.LONGEST), pitch, duration - 1, velocity)
        _collect(rows, history, here, onset, symbols)
        history, gap = history.follow(onset, pitch, duration, velocity), 0
    starts = np.array([note.start_beats for note in notes])
    pitches = [note.pitch for note in notes]
    return NoteLine(
        **arrays_of(rows),
        densities=_densities(starts),
        key=key_of(notes),
        lowest=min(pitches),
        highest=max(pitches),
    )


def arrays_of(rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return columns as arrays: int16, but float32 where they are `pitch_classes`."""
    return {
        name: np.array(found, np.float32 if name == "pitch_classes" else np.int16)
        for name, found in rows.items()
    }


def piece_line(piece: Piece) -> NoteLine:
    """Return a whole piece."""
    return line_of(piece.phrase().notes, piece.bar_beats, piece.pickup_beats)


def cut_line(piece: Piece, random: np.random.Generator, shortest: int = 24) -> NoteLine | None:
    """Return a piece from a random bar line on, as if it began there; None if too short."""
    bars = int((piece.length - piece.pickup_beats) / piece.bar_beats * 0.75)
    if bars < 1:
        return None
    begin = piece.pickup_beats + piece.bar_beats * int(random.integers(1, bars + 1))
    rest = piece.phrase().between(begin, piece.length)
    return line_of(rest.notes, piece.bar_beats, 0.0) if len(rest.notes) >= shortest else None


def varied_line(piece: Piece, random: np.random.Generator) -> NoteLine:
    """Return a piece in another rhythm, some of its voices: see `rhythms`."""
    rhythm = Rhythm.draw(piece.bar_beats, random)
    notes, pickup = in_rhythm(piece, rhythm, some_voices(piece, random))
    return line_of(notes, rhythm.new_bar_beats, pickup)


def key_of(notes: Sequence[Note]) -> int:
    """Return the likeliest tonic, + 12 if minor: the best correlation of Krumhansl's profiles."""
    heard = np.zeros(12)
    for note in notes:
        heard[note.pitch % 12] += min(note.length_beats, 4.0)
    return int(key_fits(heard).argmax())


def _collect(
    rows: dict[str, list[NDArray[Any]]],
    history: History,
    here: Onset,
    onset: Onset,
    symbols: tuple[int, int, int, int],
) -> None:
    """Append one note's row to every list."""
    pitch, duration = symbols[PITCH], symbols[DURATION] + 1
    shift_told = features.shift_inputs(history, here)
    pitch_told = features.pitch_inputs(history, onset)
    duration_told = features.duration_inputs(history, onset, pitch)
    told: tuple[NDArray[Any], ...] = (
        np.array(symbols),
        features.note_columns(history, here),
        shift_told.candidates,
        shift_told.anchors,
        pitch_told.columns,
        pitch_told.candidates,
        pitch_told.anchors,
        features.pitch_classes(history),
        duration_told.columns,
        duration_told.candidates,
        duration_told.anchors,
        features.velocity_columns(history, onset, pitch, duration),
    )
    for name, row in zip(ROWS, told, strict=True):
        rows[name].append(row)


def _densities(starts: NDArray[np.float64]) -> Numbers:
    half = _DENSITY_BEATS / 2.0
    ordered = np.sort(starts)
    counts = ordered.searchsorted(ordered + half) - ordered.searchsorted(ordered - half)
    rows = [features.density_row(count / _DENSITY_BEATS) for count in counts.tolist()]
    return np.array(rows, np.int16)
