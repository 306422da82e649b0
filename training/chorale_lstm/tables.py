"""Chorales as tables of vectors, ready to be learned from.

In: frames of four voices. Out: for every frame and voice what
`instrument.composers.chorale_lstm.features` says, and which move was made; batches of whole pieces.
A cell takes about 0.2 ms, so tables of the 342 chorales take a minute, on all cores at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from instrument.composers.chorale_lstm.features import ORDER, frame_vector, relations, voice_vector
from instrument.composers.chorale_lstm.state import advance, begin, move_of, possible_moves
from instrument.errors import PhraseError
from instrument.music.chorale_frames import frames_of
from instrument.music.note import Phrase

_FEW = 8
_LENGTHS_APART = 30.0  # frames; batches differ from round to round


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One chorale; voices in the order of their placing.

    Attributes
    ----------
    frames
        float16, (T, FRAME_FEATURES).
    voices
        float16, (T, 4, VOICE_FEATURES).
    relations
        uint8, (T, 4, RELATIONS, LEAPS).
    moves
        int64, (T, 4).
    possible
        bool, (T, 4, 51).
    is_between
        bool, (T,): the frame lies between two eighths, where voices seldom move.
    """

    frames: NDArray[np.float16]
    voices: NDArray[np.float16]
    relations: NDArray[np.uint8]
    moves: NDArray[np.int64]
    possible: NDArray[np.bool_]
    is_between: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ChoraleBatch:
    """Whole chorales, and those of their cells that are learned from.

    Attributes
    ----------
    frames
        float32, (B, T, FRAME_FEATURES).
    where
        int64, (n,): places of the n learned frames in the flattened (B * T).
    piece
        int64, (n,): which chorale each belongs to.
    weights
        float32, (n,): how many frames each stands for.
    voices, relations, moves, possible
        As in a `Table`, (n, 4, ...).
    """

    frames: Tensor
    where: Tensor
    piece: Tensor
    weights: Tensor
    voices: Tensor
    relations: Tensor
    moves: Tensor
    possible: Tensor

    def to(self, device: torch.device) -> ChoraleBatch:
        """Return the batch on a device."""
        names = self.__dataclass_fields__
        return ChoraleBatch(**{name: getattr(self, name).to(device) for name in names})


def tables_of(phrases: Sequence[Phrase]) -> list[Table]:
    """Make the tables of chorales, on all cores where there are many.

    Raises
    ------
    PhraseError
        See `table_of`.
    """
    if len(phrases) <= _FEW:
        return [table_of(phrase) for phrase in phrases]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return list(pool.map(table_of, phrases, chunksize=4))


def table_of(phrase: Phrase) -> Table:
    """Make a chorale's table.

    Raises
    ------
    PhraseError
        A voice leaps by more than two octaves, or the phrase is no chorale.
    """
    past = begin(phrase.bar_beats, phrase.pickup_beats)
    frames, voices, related, moves, possible, is_between = [], [], [], [], [], []
    for frame in (tuple(row) for row in frames_of(phrase).tolist()):
        is_between.append((len(past.frames) - past.pickup_frames) % 2 == 1)
        frames.append(frame_vector(past))
        voices.append([voice_vector(past, voice, frame) for voice in ORDER])
        related.append([relations(past, voice, frame) for voice in ORDER])
        moves.append([move_of(past, voice, frame[voice]) for voice in ORDER])
        possible.append([possible_moves(past, voice) for voice in ORDER])
        past = advance(past, frame)
    table = Table(
        np.array(frames, np.float16),
        np.array(voices, np.float16),
        np.array(related, np.uint8),
        np.array(moves, np.int64),
        np.array(possible, np.bool_),
        np.array(is_between, np.bool_),
    )
    if table.moves.size == 0 or table.moves.min() < 0:
        raise PhraseError(
            "a chorale's voice must not leap by more than two octaves, and must have notes",
            "Leave this piece out, or move the voice's notes into one register.",
        )
    return table


def batch_of(
    tables: Sequence[Table], random: np.random.Generator | None = None, between: float = 1.0
) -> ChoraleBatch:
    """Put chorales side by side.

    Parameters
    ----------
    random, between
        Learn only from this share of the frames between two eighths, and weigh them more instead:
        they are half of all frames and hold little that is not known.
    """
    longest = max(len(table.frames) for table in tables)
    kept, weights = [], []
    for table in tables:
        weight = np.ones(len(table.frames), np.float32)
        if random is not None:
            chosen = random.random(len(weight)) < between
            weight[table.is_between] = chosen[table.is_between] / between
        kept.append(np.flatnonzero(weight))
        weights.append(weight[kept[-1]])
    pairs = list(zip(tables, kept, strict=True))
    return ChoraleBatch(
        pad_sequence([torch.from_numpy(t.frames).float() for t in tables], batch_first=True),
        torch.from_numpy(np.concatenate([k + n * longest for n, k in enumerate(kept)])),
        torch.from_numpy(np.repeat(np.arange(len(kept)), [len(k) for k in kept])),
        torch.from_numpy(np.concatenate(weights)),
        torch.from_numpy(np.concatenate([table.voices[k] for table, k in pairs])).float(),
        torch.from_numpy(np.concatenate([table.relations[k] for table, k in pairs])),
        torch.from_numpy(np.concatenate([table.moves[k] for table, k in pairs])),
        torch.from_numpy(np.concatenate([table.possible[k] for table, k in pairs])),
    )


def draw_batch(
    tables: Sequence[Table],
    size: int,
    number: int,
    random: np.random.Generator,
    between: float,
) -> ChoraleBatch:
    """Draw the batch of that number: chorales of similar length, each once in every round.

    Parameters
    ----------
    number
        Batches drawn before, by all processes; it alone decides which chorales are drawn.
    random, between
        See `batch_of`.
    """
    batches = -(-len(tables) // size)
    of_round = np.random.default_rng(number // batches)
    lengths = np.array([len(table.frames) for table in tables])
    order = np.argsort(lengths + of_round.normal(0.0, _LENGTHS_APART, len(lengths)))
    place = int(of_round.permutation(batches)[number % batches])
    chosen = np.array_split(order, batches)[place]
    return batch_of([tables[n] for n in chosen], random, between)
