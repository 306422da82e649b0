"""What both LSTMs over symbols share: their options, their lines of symbols, one step down.

In: a corpus. Out: batches of its lines, and a network that has learned from one. Runs where the
trainer does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data.symbolic.corpus import Corpus, Piece
from training.symbol_lstm.batches import (
    Lexicon,
    SymbolBatch,
    draw_pieces,
    draw_windows,
    line_of,
    spread,
    stream_of,
)
from training.trainer.descent import descend
from training.trainer.system import RunPosition, rate


@dataclass(frozen=True, slots=True)
class SymbolConfig:
    """Options of both.

    Attributes
    ----------
    is_document
        Train and listen as the document does; see the module.
    learning_rate, batch
        Of the optimiser.
    longest
        Events of a piece or window in a batch.
    rare
        What occurs less often is not in the vocabulary.
    bfloat16
        Train the LSTMs in 16 bits: twice as fast where the processor multiplies them.
    temperature, top_p
        Of generated phrases; temperature 0 takes the likeliest.
    """

    is_document: bool = False
    learning_rate: float = 1e-3
    batch: int = 32
    longest: int = 192
    rare: int = 2
    bfloat16: bool = True
    temperature: float = 1.0
    top_p: float = 0.95


class SymbolLearner(ABC):
    """A network over symbols in training.

    Parameters
    ----------
    config
        Its options.
    corpus
        Learns from its "train" pieces, is measured on "valid".
    device
        Where the network is.
    """

    validation_pieces: int
    most_norm: float
    """Of the gradient, for `descend`."""
    config: SymbolConfig
    networks: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def __init__(self, config: SymbolConfig, corpus: Corpus, device: torch.device) -> None:
        self.config, self.device = config, device
        pieces = corpus.split("train")
        self.lexicon = Lexicon.of(pieces, config.rare)
        self._train = [line_of(piece.phrase(), self.lexicon) for piece in pieces]
        self._stream = stream_of(self._train)
        self._valid = spread(corpus.split("valid"), self.validation_pieces)

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Learn from one batch."""
        config = self.config
        if config.is_document:
            batch = draw_windows(self._stream, config.batch, config.longest, at.random)
        else:
            batch = draw_pieces(self._train, self.lexicon, config.batch, config.longest, at.random)
        self.networks["network"].train()
        parts = self.losses(batch)
        speed = config.learning_rate * (1.0 if config.is_document else rate(at))
        descend(self.optimizers["optimizer"], parts["loss"], speed, most_norm=self.most_norm)
        return {name: part.detach() for name, part in parts.items()}

    def validate(self) -> dict[str, float]:
        """Return nats per note on held-out pieces."""
        nats, notes = self.nll(self._valid)
        return {"loss": float(nats.sum() / notes.sum())}

    @abstractmethod
    def losses(self, batch: SymbolBatch) -> dict[str, Tensor]:
        """Return the mean nats of a batch, "loss", and the parts that it is the sum of."""

    @abstractmethod
    def nll(self, pieces: Sequence[Piece]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return each piece's nats (its rests counted in) and number of notes, shapes (n,)."""
