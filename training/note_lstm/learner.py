"""What the note-tuple systems have in common: one step, validation, phrases.

In: anything with `Heads` over a past. Out: a learner.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from instrument.music.note import Phrase
from training.data.symbolic.corpus import Corpus, Piece, meter_of
from training.note_lstm.batches import draw_batch
from training.note_lstm.features import NoteLine, cut_line, piece_line, varied_line
from training.note_lstm.likelihoods import (
    NoteLikelihoods,
    head_nats,
    mean_nats,
    piece_nats,
    prompted_nats,
)
from training.note_lstm.step_graphs import NoteSteps, NoteTupleWriter
from training.pictures.samples import PhraseSamples
from training.trainer.descent import descend
from training.trainer.system import RunPosition, rate

_VALIDATION_PIECES = 128


@dataclass(frozen=True, slots=True)
class NoteTraining:
    """How a network over note tuples is trained.

    Attributes
    ----------
    learning_rate, warm_up_steps, weight_decay, batch
        Of AdamW; the rate falls by a cosine.
    longest
        Notes of a piece in a batch.
    cuts
        Beginnings in the middle to be learned for each piece.
    rhythms
        Other rhythms to be learned for each piece, see `training.note_lstm.rhythms`.
    untransposed, unconditioned
        Shares of the batch that keep their key, and that are given no condition.
    bfloat16
        Train what stands before the heads in 16 bits, which some processors multiply twice as fast.
    """

    learning_rate: float = 2e-3
    warm_up_steps: int = 200
    weight_decay: float = 0.02
    batch: int = 32
    longest: int = 192
    cuts: int = 1
    rhythms: int = 0
    untransposed: float = 0.5
    unconditioned: float = 0.7
    bfloat16: bool = True


Network = TypeVar("Network", bound=NoteLikelihoods)


class NoteTupleLearner(ABC, Generic[Network]):
    """A network over note tuples in training: a `training.trainer.system.Learner`.

    Parameters
    ----------
    network
        What learns.
    settings
        How.
    corpus, device
        From what, and where.
    """

    def __init__(
        self, network: Network, settings: NoteTraining, corpus: Corpus, device: torch.device
    ) -> None:
        self.network = network.to(device)
        self.settings, self.corpus, self.device = settings, corpus, device
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            betas=(0.9, 0.98),
        )
        self.networks: dict[str, nn.Module] = {"network": network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": self.optimizer}
        self._training: list[NoteLine] = []
        self._validation: list[NoteLine] = []

    @abstractmethod
    def step_module(self) -> NoteSteps:
        """Return the graphs of one note."""

    @property
    def velocity_bin(self) -> int:
        """The velocity bin of the corpus, if it has only one."""
        return int(self.corpus.pieces[0].velocity[0]) // 16

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Learn from one batch."""
        told = self.settings
        self._training = self._training or training_lines(self.corpus, told.cuts, told.rhythms)
        batch = draw_batch(
            self._training,
            told.batch,
            told.longest,
            at.random,
            told.untransposed,
            told.unconditioned,
        ).to(self.device)
        self.network.train()
        nats = head_nats(self.network.past(batch), self.network.heads, batch)
        rate_now = told.learning_rate * rate(at, told.warm_up_steps)
        means = {name: cost.mean() for name, cost in nats.items()}
        loss = torch.stack(list(means.values())).sum()
        descend(self.optimizer, loss, rate_now, most_norm=1.0)
        return {"loss": loss.detach(), **{name: mean.detach() for name, mean in means.items()}}

    def validate(self) -> dict[str, float]:
        """Return nats per note of validation pieces, without conditions."""
        self._validation = self._validation or validation_lines(self.corpus)
        return mean_nats(self.network, self._validation)

    def nll(self, pieces: Sequence[Piece]) -> dict[str, NDArray[np.float64]]:
        """Return each piece's nats, by symbol, and its "notes": float64, shape (pieces,)."""
        return piece_nats(self.network, [piece_line(piece) for piece in pieces])

    def prompted_nll(
        self, pieces: Sequence[Piece], prompt_bars: float = 2.0
    ) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Return `nll` of what follows the first bars: "prompted" by them, and "unprompted"."""
        return prompted_nats(self.network, pieces, prompt_bars)

    def generate(
        self, count: int, seed: int, prompt: Phrase | None = None, length_beats: float = 32.0
    ) -> list[Phrase]:
        """Return phrases, each from its own seed; after a prompt, what follows it alone."""
        writer = NoteTupleWriter(self.step_module())
        begin = prompt or self._beginning()
        return [
            writer.continue_phrase(begin, length_beats, seed + number) for number in range(count)
        ]

    def samples(self) -> PhraseSamples:
        """Return a phrase from nothing, and a validation piece's first bars continued."""
        given = self.corpus.split("valid")[0].phrase()
        prompt = given.between(0.0, given.pickup_beats + 2.0 * given.bar_beats)
        (free,), (then,) = self.generate(1, 1), self.generate(1, 2, prompt)
        made = {"from nothing": free, "a continuation": prompt.followed_by(then)}
        return PhraseSamples(made)

    def _beginning(self) -> Phrase:
        """Return an empty phrase with the corpus's commonest bar."""
        bars = Counter(piece.bar_beats for piece in self.corpus.pieces)
        meter = meter_of(bars.most_common(1)[0][0])
        return Phrase.of((), 0.0, meter=(meter.beats, meter.unit))


def training_lines(corpus: Corpus, cuts: int, rhythms: int) -> list[NoteLine]:
    """Return the training pieces, of each some that begin at a later bar line, and some varied."""
    pieces = [piece for piece in corpus.split("train") if piece.pitch.size]
    random = np.random.default_rng(len(pieces))
    lines = [piece_line(piece) for piece in pieces]
    for _ in range(cuts):
        lines += [cut for piece in pieces if (cut := cut_line(piece, random))]
    lines += [varied_line(piece, random) for piece in pieces for _ in range(rhythms)]
    return lines


def validation_lines(corpus: Corpus) -> list[NoteLine]:
    """Return up to 128 validation pieces, evenly spread over the split."""
    pieces = [piece for piece in corpus.split("valid") if piece.pitch.size]
    stride = max(1, len(pieces) // _VALIDATION_PIECES)
    return [piece_line(piece) for piece in pieces[::stride][:_VALIDATION_PIECES]]


def has_velocities(corpus: Corpus) -> bool:
    """Say whether notes differ in velocity by more than a bin."""
    return len({int(v) // 16 for piece in corpus.pieces for v in np.unique(piece.velocity)}) > 1
