"""The stacked LSTM's network, its step graph, and the symbols that it reads and says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from instrument.music.chord_events import ChordEvent, named_event
from instrument.music.note_tuples import GRID
from instrument.music.vocabulary import START, Vocabulary
from training.symbol_lstm.batches import (
    Ids,
    Lexicon,
    Line,
    SavedVocabulary,
)

DROPOUT = 0.3


HALF_BEAT = GRID // 2


State = tuple[tuple[Tensor, Tensor], ...]


class StackedNetwork(nn.Module):
    """The three LSTMs.

    Parameters
    ----------
    vocabulary
        What it reads and says.
    embedding
        Width of a symbol's embedding; 0 feeds id / (symbols - 1), as the document does.
    learns_in_bfloat16
        Multiply in 16 bits while training.
    """

    def __init__(
        self, vocabulary: Vocabulary, embedding: int, learns_in_bfloat16: bool = False
    ) -> None:
        super().__init__()
        self.learns_in_bfloat16 = learns_in_bfloat16
        self.saved_vocabulary = SavedVocabulary(vocabulary)
        self.symbols = len(vocabulary)
        self.embedding = nn.Embedding(self.symbols, embedding) if embedding else None
        widths = (embedding or 1, 256, 512, 256)
        self.lstms = nn.ModuleList(
            nn.LSTM(before, after, batch_first=True) for before, after in pairwise(widths)
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.dense = nn.Linear(256, 256)
        self.next_symbol = nn.Linear(256, self.symbols)

    def forward(self, symbols: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return logits (b, t, symbols) after each of the symbols (b, t), and the state."""
        hidden = self._read(symbols)
        states = []
        is_short = self.training and self.learns_in_bfloat16
        with torch.autocast(hidden.device.type, torch.bfloat16, enabled=is_short):
            for index, lstm in enumerate(self.lstms):
                hidden, after = lstm(hidden, state[index] if state else None)
                states.append(after)
                if index < 2:
                    hidden = self.dropout(hidden)
        hidden = hidden.float()
        return self.next_symbol(self.dropout(self.dense(hidden))), tuple(states)

    def _read(self, symbols: Tensor) -> Tensor:
        if self.embedding is None:
            return symbols[..., None] / (self.symbols - 1)
        embedded: Tensor = self.embedding(symbols)
        return embedded


class StackedStepModule(nn.Module):
    """One symbol with explicit state.

    Inputs: ``symbol`` int64 (1, 1); ``hidden_1``, ``cell_1``, … ``hidden_3``, ``cell_3`` float32
    (1, 1, 256 / 512 / 256). Outputs: ``logits`` float32 (1, symbols) and the six states.
    """

    def __init__(self, network: StackedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, symbol: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Feed one symbol."""
        pairs = tuple(zip(states[::2], states[1::2], strict=True))
        logits, after = self.network(symbol, pairs)
        return (logits[:, 0], *(part for pair in after for part in pair))

    def begin(self, count: int = 1) -> tuple[Tensor, ...]:
        """Return the states before anything was heard, for `count` phrases side by side."""
        device = self.network.dense.weight.device
        widths = (256, 256, 512, 512, 256, 256)
        return tuple(torch.zeros(1, count, width, device=device) for width in widths)


@dataclass(frozen=True, slots=True)
class Symbols:
    """One id for a chord and its duration together.

    Attributes
    ----------
    vocabulary
        Names like ``60.64.67/24``; ``60.64.67`` where durations are thrown away.
    table
        int64, shape (chords, durations): the id of each pair, 0 for pairs that are not known.
    """

    vocabulary: Vocabulary
    table: Ids

    @classmethod
    def of(cls, lexicon: Lexicon, lines: Sequence[Line], rare: int) -> Symbols:
        """Collect the pairs that occur in the lines, in all keys."""
        chords = np.concatenate([line.chords for line in lines])
        durations = np.concatenate([line.durations for line in lines])
        pairs, counts = np.unique(np.stack([chords, durations]), axis=1, return_counts=True)
        chord, duration = pairs[:, counts >= rare]
        table = np.zeros((len(lexicon.chords), len(lexicon.durations)), np.int64)
        for key in lexicon.transposition:
            table[key[chord], duration] = 1
        table[0] = table[:, 0] = 0
        known = np.argwhere(table)
        table[tuple(known.T)] = 1 + np.arange(len(known))
        names = (f"{lexicon.chords.symbols[c]}/{lexicon.durations.symbols[d]}" for c, d in known)
        return cls(Vocabulary((START, *names)), table)

    @classmethod
    def without_durations(cls, lexicon: Lexicon) -> Symbols:
        """Take the chords alone, as the document does."""
        ids = np.arange(len(lexicon.chords))[:, None]
        return cls(lexicon.chords, np.tile(ids, (1, len(lexicon.durations))))

    def __call__(self, chords: Tensor, durations: Tensor) -> Tensor:
        """Return the ids of pairs, int64, any shape."""
        return torch.from_numpy(self.table)[chords, durations]

    def event(self, symbol: int) -> ChordEvent:
        """Return a symbol's event; half a beat long where durations are thrown away."""
        chord, _, duration = self.vocabulary.symbols[symbol].partition("/")
        return named_event(chord, duration or str(HALF_BEAT))
