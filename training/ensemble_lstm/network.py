"""The network of the ensemble LSTM: who played is a column, the company a condition of every head.

In: `PartBatch`es. Out: nats. It is the note-tuple LSTM of `training.note_lstm.network` with wider
tables, and a head for loudness that can be asked for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from instrument.composers.ensemble_lstm.company import ASKED_COLUMNS, COMPANY_COLUMNS, ROLE_COLUMNS
from instrument.composers.note_lstm.features import (
    DURATION_CANDIDATES,
    DURATION_COLUMNS,
    NOTE_COLUMNS,
    SHIFT_CANDIDATES,
    VELOCITY_COLUMNS,
)
from instrument.music.note_tuples import DURATIONS, SHIFTS, VELOCITIES
from training.ensemble_lstm.batches import PartBatch
from training.note_lstm.network import HeadBody, NoteTupleNetwork, PitchHead, TimeHead

ALL_ASKED = (*ASKED_COLUMNS, *COMPANY_COLUMNS)
"""Table sizes of the conditions: what is asked, and the company."""
PITCH, DURATION, VELOCITY = range(3)
"""Columns of `PartLine.symbols`."""


class LoudnessHead(nn.Module):
    """Logits of a velocity bin."""

    def __init__(self, past: int, width: int, dropout: float) -> None:
        super().__init__()
        self.body = HeadBody(past, width, VELOCITY_COLUMNS, VELOCITIES, dropout, ALL_ASKED)

    def forward(self, past: Tensor, columns: Tensor, conditions: Tensor) -> Tensor:
        """Return logits, float32 (n, 8)."""
        scores: Tensor = self.body(past, columns, conditions)
        return scores


class EnsembleNetwork(nn.Module):
    """An LSTM over everybody's notes, and heads for our next one."""

    def __init__(
        self,
        *,
        note_width: int,
        units: int,
        layers: int,
        head_widths: tuple[int, int, int],
        dropout: float,
        head_dropout: float,
        bfloat16: bool,
    ) -> None:
        super().__init__()
        columns = (*NOTE_COLUMNS, *ROLE_COLUMNS)
        self.lstm = NoteTupleNetwork(note_width, units, layers, dropout, bfloat16, columns)
        shift, pitch, duration = head_widths
        self.shift = TimeHead(
            units, shift, (), 0, SHIFTS, SHIFT_CANDIDATES, head_dropout, ALL_ASKED
        )
        self.pitch = PitchHead(units, pitch, head_dropout, ALL_ASKED)
        self.duration = TimeHead(
            units, duration, DURATION_COLUMNS, 1, DURATIONS, DURATION_CANDIDATES, head_dropout,
            ALL_ASKED,
        )  # fmt: skip
        self.velocity = LoudnessHead(units, shift, head_dropout)

    def nats(self, batch: PartBatch) -> dict[str, Tensor]:
        """Return the cost of every symbol given what was known before it.

        Returns
        -------
        "shift" float32 (n,), for every note; "pitch", "duration", "velocity" (m,), for our own.
        Velocities that are not known cost nothing.
        """
        past = self.lstm(batch.notes)[batch.mask]
        own = batch.least < 0
        shift = self.shift(
            past, None, batch.shift_candidates, batch.shift_anchors, batch.shift_asked
        )
        ours, asked, symbols = past[own], batch.asked, batch.symbols
        pitch = self.pitch(
            ours,
            batch.pitch_columns,
            batch.pitch_candidates,
            batch.pitch_anchors,
            batch.pitch_classes,
            asked,
        )
        duration = self.duration(
            ours, batch.duration_columns, batch.duration_candidates, batch.duration_anchors, asked
        )
        velocity = self.velocity(ours, batch.velocity_columns, asked)
        return {
            "shift": _waited(shift, batch),
            "pitch": cross_entropy(pitch, symbols[:, PITCH], reduction="none"),
            "duration": cross_entropy(duration, symbols[:, DURATION], reduction="none"),
            "velocity": cross_entropy(
                velocity, symbols[:, VELOCITY], reduction="none", ignore_index=-1
            ),
        }


def _waited(logits: Tensor, batch: PartBatch) -> Tensor:
    """Return the cost of when our notes came, and of their not coming before the player's."""
    logs = logits.log_softmax(dim=1)
    came = logs.gather(1, batch.shifts[:, None])[:, 0]
    ticks = torch.arange(logits.shape[1], device=logits.device)
    is_later = ticks >= batch.least[:, None]
    later = logs.masked_fill(~is_later, -torch.inf).logsumexp(dim=1)
    return -torch.where(batch.least < 0, came, later)
