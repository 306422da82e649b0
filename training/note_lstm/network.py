"""The networks of the note-tuple composers: tables of features, and a head for each symbol.

In: what `instrument.composers.note_lstm.features` says of a note, as int64 tensors. Out: logits of
the next note's shift, pitch, duration and velocity, each given the ones before it. The heads are
shared by the LSTM and the transformer; in front of them stands anything that turns the past into
one vector.

A head adds up to three sources for every symbol: its own score, the score of the place in the bar
to which it leads (shift and duration), and a gate for every candidate that the symbol would copy.
Pitches are scored by their interval from the last note, their interval from the released note whose
place they take, their height, their scale degree if a key is given, and how often their pitch class
has been heard: all but the height are the same in every key.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag

from instrument.composers.note_lstm.features import (
    CONDITION_COLUMNS,
    DURATION_CANDIDATES,
    DURATION_COLUMNS,
    NOTE_COLUMNS,
    PITCH_CANDIDATES,
    PITCH_COLUMNS,
    POSITIONS,
    SHIFT_CANDIDATES,
    VELOCITY_COLUMNS,
)
from instrument.music.note_tuples import DURATIONS, SHIFTS, VELOCITIES
from instrument.music.pitch import PITCHES

_ANY_INTERVAL = 2 * PITCHES - 1
_KEYS = 24


class Tables(nn.Module):
    """One table per column; a vector is the sum of the rows that the columns name."""

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        starts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.register_buffer("offsets", starts, persistent=False)
        self.weight = nn.Parameter(torch.randn(sum(sizes), width) * len(sizes) ** -0.5)

    def forward(self, columns: Tensor) -> Tensor:
        """Return float32 (n, width) for columns (n, k), int64."""
        rows = columns + self.offsets
        if torch.compiler.is_exporting():  # the bag has no ONNX form; this sum is the same
            return embedding(rows, self.weight).sum(dim=1)
        return embedding_bag(rows, self.weight, mode="sum")


class HeadBody(nn.Module):
    """Mix the past, the head's own columns and the conditions; score everything linearly."""

    def __init__(
        self,
        past: int,
        width: int,
        columns: Sequence[int],
        scores: int,
        dropout: float,
        conditions: Sequence[int] = CONDITION_COLUMNS,
    ) -> None:
        super().__init__()
        self.past = nn.Linear(past, width)
        self.columns = Tables(columns, width) if columns else None
        self.conditions = Tables(conditions, width)
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(width, scores)
        nn.init.zeros_(self.conditions.weight)

    def forward(self, past: Tensor, columns: Tensor | None, conditions: Tensor | None) -> Tensor:
        """Return float32 (n, scores) for a past of (n, past)."""
        mixed = self.past(past)
        if self.columns is not None and columns is not None:
            mixed = mixed + self.columns(columns)
        if conditions is not None:
            mixed = mixed + self.conditions(conditions)
        scores: Tensor = self.scores(self.dropout(mixed.relu()))
        return scores


class TimeHead(nn.Module):
    """Logits of a length of time, counted from a position in the bar: a shift or a duration.

    Parameters
    ----------
    past, width, dropout
        Of the body.
    columns
        Sizes of the head's tables.
    first, symbols
        Ticks that symbol 0 stands for, and how many symbols there are.
    candidates
        How many symbols may be copied.
    conditions
        Sizes of the conditions' tables.
    """

    ticks: Tensor

    def __init__(
        self,
        past: int,
        width: int,
        columns: Sequence[int],
        first: int,
        symbols: int,
        candidates: int,
        dropout: float,
        conditions: Sequence[int] = CONDITION_COLUMNS,
    ) -> None:
        super().__init__()
        self.sizes = (symbols, POSITIONS, candidates)
        self.body = HeadBody(past, width, columns, sum(self.sizes), dropout, conditions)
        self.register_buffer("ticks", torch.arange(first, first + symbols), persistent=False)

    def forward(
        self,
        past: Tensor,
        columns: Tensor | None,
        candidates: Tensor,
        anchors: Tensor,
        conditions: Tensor,
    ) -> Tensor:
        """Return logits, float32 (n, symbols).

        Parameters
        ----------
        past
            float32 (n, past).
        columns, candidates, anchors, conditions
            int64 (n, ·), see `instrument.composers.note_lstm.features.HeadInputs` and
            `condition_columns`.
        """
        own, places, gates = self.body(past, columns, conditions).split(self.sizes, dim=1)
        position = torch.remainder(anchors[:, :1] + self.ticks, anchors[:, 1:])
        return copied(own + places.gather(1, position), candidates, gates)


class PitchHead(nn.Module):
    """Logits of a pitch; see the module for what they are made of."""

    pitches: Tensor

    def __init__(
        self,
        past: int,
        width: int,
        dropout: float,
        conditions: Sequence[int] = CONDITION_COLUMNS,
    ) -> None:
        super().__init__()
        self.sizes = (_ANY_INTERVAL, _ANY_INTERVAL, PITCHES, 12, 2, PITCH_CANDIDATES)
        self.body = HeadBody(past, width, PITCH_COLUMNS, sum(self.sizes), dropout, conditions)
        self.register_buffer("pitches", torch.arange(PITCHES), persistent=False)

    def forward(
        self,
        past: Tensor,
        columns: Tensor,
        candidates: Tensor,
        anchors: Tensor,
        pitch_classes: Tensor,
        conditions: Tensor,
    ) -> Tensor:
        """Return logits, float32 (n, 128).

        Parameters
        ----------
        past
            float32 (n, past).
        columns, candidates, anchors, conditions
            int64 (n, ·), see `instrument.composers.note_lstm.features.pitch_inputs` and
            `condition_columns`.
        pitch_classes
            float32 (n, 2, 12), see `instrument.composers.note_lstm.features.pitch_classes`.
        """
        scores = self.body(past, columns, conditions).split(self.sizes, dim=1)
        melodic, voiced, height, degrees, heard, gates = scores
        last, predecessor = anchors[:, :1], anchors[:, 1:]
        interval = self.pitches - last  # (n, 128)
        logits = height + melodic.gather(1, interval + (PITCHES - 1))
        logits = logits + voiced.gather(1, self.pitches - predecessor + (PITCHES - 1))
        counts = (heard[:, :, None] * pitch_classes).sum(dim=1)
        logits = logits + counts.gather(1, torch.remainder(interval, 12))
        key = conditions[:, 1:2]
        degree = degrees.gather(1, torch.remainder(interval - key, 12))
        logits = logits + degree * (key < _KEYS)
        return copied(logits, candidates + last, gates)


class VelocityHead(nn.Module):
    """Logits of a velocity bin."""

    def __init__(self, past: int, width: int, dropout: float) -> None:
        super().__init__()
        self.body = HeadBody(past, width, VELOCITY_COLUMNS, VELOCITIES, dropout)

    def forward(self, past: Tensor, columns: Tensor) -> Tensor:
        """Return logits, float32 (n, 8), for columns of `velocity_columns`."""
        scores: Tensor = self.body(past, columns, None)
        return scores


class Heads(nn.Module):
    """The heads of all symbols; velocity has one only where the corpus has velocities."""

    def __init__(
        self, past: int, widths: tuple[int, int, int], has_velocities: bool, dropout: float
    ) -> None:
        super().__init__()
        shift, pitch, duration = widths
        self.shift = TimeHead(past, shift, (), 0, SHIFTS, SHIFT_CANDIDATES, dropout)
        self.pitch = PitchHead(past, pitch, dropout)
        self.duration = TimeHead(
            past, duration, DURATION_COLUMNS, 1, DURATIONS, DURATION_CANDIDATES, dropout
        )
        self.velocity = VelocityHead(past, shift, dropout) if has_velocities else None


class NoteTupleNetwork(nn.Module):
    """Turn the notes so far into a vector: tables, then LSTM layers.

    Parameters
    ----------
    width
        Of the note's vector.
    units, layers
        Of the LSTM.
    dropout
        Share silenced before, between and after the layers in training.
    bfloat16
        Train it in 16 bits, which some processors multiply twice as fast.
    columns
        Sizes of the tables of what it is told about a note.
    """

    def __init__(
        self,
        width: int,
        units: int,
        layers: int,
        dropout: float,
        bfloat16: bool,
        columns: Sequence[int] = NOTE_COLUMNS,
    ) -> None:
        super().__init__()
        self.tables = Tables(columns, width)
        self.lstm = nn.LSTM(width, units, layers, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.in_bfloat16 = bfloat16

    def forward(self, notes: Tensor) -> Tensor:
        """Return float32 (b, t, units) for note columns (b, t, k), int64."""
        vectors = self.tables(notes.flatten(0, 1)).view(*notes.shape[:2], -1)
        in_half = self.in_bfloat16 and self.training
        with torch.autocast(notes.device.type, torch.bfloat16, enabled=in_half):
            past, _ = self.lstm(self.dropout(vectors))
        out: Tensor = self.dropout(past.float())
        return out


def copied(logits: Tensor, candidates: Tensor, gates: Tensor) -> Tensor:
    """Add each gate to the logit of its candidate; candidates out of range add nothing."""
    there = (candidates >= 0) & (candidates < logits.shape[1])
    index = torch.where(there, candidates, 0)
    return logits.scatter_add(1, index, gates * there)
