"""Pieces and batches of note tuples with all their features.

In: pieces of a corpus. Out: `NoteLine`s (a piece as arrays, computed once) and `NoteBatch`es
(padded), for training in random keys and with random conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from instrument import note_features as features
from instrument.note import Note
from instrument.note_history import History
from instrument.note_tuples import REST, tuples_of
from training.data.corpus import Piece

SHIFT, PITCH, DURATION, VELOCITY = range(4)
"""Columns of `NoteLine.symbols`."""
KEYS = range(-5, 7)
_DENSITY_BEATS = 4.0
_SLACK = 5  # semitones by which a register given in training may be wider than the piece

# Krumhansl & Kessler (1982), the probe-tone profiles of C major and C minor.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

Numbers = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A piece, one row per note: int16, shape (n, ·), but for `pitch_classes`.

    Attributes
    ----------
    symbols
        The targets: shift, pitch, duration - 1, velocity bin.
    notes
        `note_features.note_columns` of the note before.
    shift_candidates … velocity_columns
        What the heads are told, see `instrument.note_features`.
    pitch_classes
        float32, shape (n, 2, 12).
    key, lowest, highest
        The piece's tonic + 12 if minor, and its range: conditions that can be given.
    densities
        int16, shape (n,): `note_features.density_row` of the four beats around each note.
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


@dataclass(frozen=True, slots=True)
class NoteBatch:
    """Lines as tensors of shape (b, t, ·), int64 but for `pitch_classes`; see `NoteLine`.

    `conditions` are rows of `note_features.condition_columns`; `mask` (bool, (b, t)) says where
    there is a note.
    """

    symbols: Tensor
    notes: Tensor
    shift_candidates: Tensor
    shift_anchors: Tensor
    pitch_columns: Tensor
    pitch_candidates: Tensor
    pitch_anchors: Tensor
    pitch_classes: Tensor
    duration_columns: Tensor
    duration_candidates: Tensor
    duration_anchors: Tensor
    velocity_columns: Tensor
    conditions: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> NoteBatch:
        """Return the batch on a device."""
        return NoteBatch(*(getattr(self, field.name).to(device) for field in fields(self)))


def line_of(notes: Sequence[Note], bar_beats: float, pickup_beats: float) -> NoteLine:
    """Compute every row of a piece; about 0.1 ms a note."""
    tuples = tuples_of(notes)
    rows: dict[str, list[NDArray[Any]]] = {name: [] for name in _ROWS}
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
    arrays = {
        name: np.array(found, np.float32 if name == "pitch_classes" else np.int16)
        for name, found in rows.items()
    }
    starts = np.array([note.start_beats for note in notes])
    pitches = [note.pitch for note in notes]
    return NoteLine(
        **arrays,
        densities=_densities(starts),
        key=key_of(notes),
        lowest=min(pitches),
        highest=max(pitches),
    )


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


def draw_batch(
    lines: Sequence[NoteLine],
    count: int,
    longest: int,
    random: np.random.Generator,
    untransposed: float,
    unconditioned: float,
) -> NoteBatch:
    """Draw lines of like length, a random stretch of long ones.

    Parameters
    ----------
    count, longest
        How many, of how many notes at most.
    untransposed
        The share that keeps its key; the others are moved by -5 to +6 semitones.
    unconditioned
        The share without conditions; of the others each condition is given or not by a coin.
    """
    pool = random.choice(len(lines), size=min(len(lines), 8 * count), replace=False)
    pool = pool[np.argsort([min(len(lines[i]), longest) for i in pool], kind="stable")]
    first = int(random.integers(0, max(1, len(pool) - count + 1)))
    chosen, spans, keys, conditions = [], [], [], []
    for index in pool[first : first + count]:
        line = lines[index]
        begin = int(random.integers(0, max(1, len(line) - longest + 1)))
        chosen.append(line)
        spans.append(slice(begin, begin + longest))
        key = 0 if random.random() < untransposed else _fitting_key(line, random)
        given = (random.random(4) < 0.5) & (random.random() >= unconditioned)
        keys.append(key)
        conditions.append(_conditions(line, key, given, random))
    return _padded(chosen, spans, keys, conditions)


def whole_lines(lines: Sequence[NoteLine]) -> NoteBatch:
    """Return lines in their own keys, without conditions, padded to the longest."""
    spans = [slice(0, len(line)) for line in lines]
    none = [_unconditioned(line) for line in lines]
    return _padded(lines, spans, [0] * len(lines), none)


def key_of(notes: Sequence[Note]) -> int:
    """Return the likeliest tonic, + 12 if minor: the best correlation of Krumhansl's profiles."""
    heard = np.zeros(12)
    for note in notes:
        heard[note.pitch % 12] += min(note.length_beats, 4.0)
    profiles = np.array([np.roll(mode, tonic) for mode in (_MAJOR, _MINOR) for tonic in range(12)])
    profiles -= profiles.mean(axis=1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    return int((profiles @ (heard - heard.mean())).argmax())


_ROWS = tuple(f.name for f in fields(NoteLine))[:12]


def _collect(
    rows: dict[str, list[NDArray[Any]]],
    history: History,
    here: features.Onset,
    onset: features.Onset,
    symbols: tuple[int, int, int, int],
) -> None:
    """Append one note's row to every list."""
    pitch, duration = symbols[PITCH], symbols[DURATION] + 1
    shift_told = features.shift_inputs(history, here)
    pitch_told = features.pitch_inputs(history, onset)
    duration_told = features.duration_inputs(history, onset, pitch)
    told = (
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
    for name, row in zip(_ROWS, told, strict=True):
        rows[name].append(row)


def _densities(starts: NDArray[np.float64]) -> Numbers:
    half = _DENSITY_BEATS / 2.0
    ordered = np.sort(starts)
    counts = ordered.searchsorted(ordered + half) - ordered.searchsorted(ordered - half)
    rows = [features.density_row(count / _DENSITY_BEATS) for count in counts.tolist()]
    return np.array(rows, np.int16)


def _fitting_key(line: NoteLine, random: np.random.Generator) -> int:
    key = int(random.choice(KEYS))
    fits = line.lowest + key >= 0 and line.highest + key < features.PITCHES
    return key if fits else 0


def _unconditioned(line: NoteLine) -> Numbers:
    return np.tile(np.array(features.NO_CONDITIONS, np.int16), (len(line), 1))


def _conditions(
    line: NoteLine, key: int, given: NDArray[np.bool_], random: np.random.Generator
) -> Numbers:
    """Return `condition_columns` of every note for the conditions that are given."""
    rows = _unconditioned(line)
    last = line.pitch_anchors[:, 0] + np.where(_follows(line.notes), key, 0)
    slack = random.integers(0, _SLACK, 2) * (-1, 1)
    low, high = np.array((line.lowest, line.highest)) + slack + key
    asked = (
        line.densities,
        (line.key + key - last) % 12 + 12 * (line.key >= 12),
        np.clip(low - last, -24, 24) + 24,
        np.clip(high - last, -24, 24) + 24,
    )
    for column, is_given in enumerate(given):
        if is_given:
            rows[:, column] = asked[column]
    return rows


def _padded(
    lines: Sequence[NoteLine],
    spans: Sequence[slice],
    keys: Sequence[int],
    conditions: Sequence[Numbers],
) -> NoteBatch:
    lengths = [len(line.symbols[span]) for line, span in zip(lines, spans, strict=True)]
    shape = (len(lines), max(lengths))
    tensors = {}
    for name in _ROWS:
        first = getattr(lines[0], name)
        dtype = np.float32 if name == "pitch_classes" else np.int64
        padded = np.zeros((*shape, *first.shape[1:]), dtype)
        for row, line, span, length in zip(padded, lines, spans, lengths, strict=True):
            row[:length] = getattr(line, name)[span]
        tensors[name] = padded
    asked = np.zeros((*shape, 4), np.int64)
    for row, rows, span, length in zip(asked, conditions, spans, lengths, strict=True):
        row[:length] = rows[span]
    mask = np.arange(shape[1]) < np.array(lengths)[:, None]
    _transpose(tensors, np.where(mask, np.array(keys)[:, None], 0))
    found = {name: torch.from_numpy(array) for name, array in tensors.items()}
    return NoteBatch(**found, conditions=torch.from_numpy(asked), mask=torch.from_numpy(mask))


def _transpose(tensors: dict[str, NDArray[Any]], keys: NDArray[np.int64]) -> None:
    """Move what depends on the key, in place: targets, absolute pitches, anchors."""
    tensors["symbols"][..., PITCH] += keys
    by = np.where(_follows(tensors["notes"]), keys, 0)  # before the first note, middle C stays
    tensors["pitch_anchors"] += by[..., None]
    tensors["notes"][..., 1] += by
    for told in ("duration_columns", "velocity_columns"):
        column = tensors[told][..., features.INTERVAL_COLUMN]
        column += keys - by


def _follows(notes: NDArray[Any]) -> NDArray[np.bool_]:
    """Say of rows of `note_columns` whether there is a note before."""
    is_after: NDArray[np.bool_] = notes[..., 1] < features.PITCHES
    return is_after
