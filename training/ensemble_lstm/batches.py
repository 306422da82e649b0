"""Batches of scenes: notes padded for the recurrent part, everything else one after the other.

In: `PartLine`s. Out: a `PartBatch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from training.ensemble_lstm.lines import PartLine


@dataclass(frozen=True, slots=True)
class PartBatch:
    """Lines as tensors, int64 but for `pitch_classes`; see `PartLine`.

    `notes` is (b, t, ·) and `mask` (b, t) says where there is a note; of the other fields the
    first axis goes through the notes, or our own ones, line by line.
    """

    notes: Tensor
    mask: Tensor
    shifts: Tensor
    least: Tensor
    shift_candidates: Tensor
    shift_anchors: Tensor
    shift_asked: Tensor
    symbols: Tensor
    pitch_columns: Tensor
    pitch_candidates: Tensor
    pitch_anchors: Tensor
    pitch_classes: Tensor
    duration_columns: Tensor
    duration_candidates: Tensor
    duration_anchors: Tensor
    velocity_columns: Tensor
    asked: Tensor

    def to(self, device: torch.device) -> PartBatch:
        """Return the batch on a device."""
        return PartBatch(*(getattr(self, field.name).to(device) for field in fields(self)))


def batch_of(lines: Sequence[PartLine]) -> PartBatch:
    """Put lines together."""
    lengths = np.array([len(line) for line in lines])
    mask = np.arange(lengths.max()) < lengths[:, None]
    notes = np.zeros((*mask.shape, lines[0].notes.shape[1]), np.int64)
    notes[mask] = np.concatenate([line.notes for line in lines])
    rest = {}
    for field in fields(PartLine):
        if field.name != "notes":
            joined = np.concatenate([getattr(line, field.name) for line in lines])
            dtype = np.float32 if field.name == "pitch_classes" else np.int64
            rest[field.name] = torch.from_numpy(joined.astype(dtype))
    return PartBatch(torch.from_numpy(notes), torch.from_numpy(mask), **rest)
