"""Batches of note tuples: lines padded to one length, for training in random keys.

In: `NoteLine`s. Out: a `NoteBatch`, for training with random conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from instrument.composers.note_lstm import features
from instrument.music.pitch import PITCHES
from training.note_lstm.features import PITCH, ROWS, NoteLine, Numbers

KEYS = range(-5, 7)
_SLACK = 5  # semitones by which a register given in training may be wider than the piece


@dataclass(frozen=True, slots=True)
class NoteBatch:
    """Lines as tensors of shape (b, t, ·), int64 but for `pitch_classes`; see `NoteLine`.

    `conditions` are rows of `composers.note_lstm.features.condition_columns`; `mask` (bool, (b, t))
    says where there is a note.
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


def _fitting_key(line: NoteLine, random: np.random.Generator) -> int:
    key = int(random.choice(KEYS))
    fits = line.lowest + key >= 0 and line.highest + key < PITCHES
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
    for name in ROWS:
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
    is_after: NDArray[np.bool_] = notes[..., 1] < PITCHES
    return is_after
