"""The note-tuple LSTM: a step per note, four symbols drawn one after the other.

In: a corpus. Out: a network that continues what was played, in any key and tempo; five small step
graphs that an instrument runs (`NoteSteps`).

A note is four symbols, each with a head that knows the ones before it: the ticks since the last
note's start, the pitch, the length, the velocity (only where the corpus has velocities). The LSTM
hears each finished note; the conditions (density, key, register) go to the heads alone, so that
they act on the next note and what is remembered does not depend on them. They are left out of most
of the training, so that they can be left out. Dropout, weight decay, a cosine rate, and half of
the pieces moved to a random key.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from instrument.note import Phrase
from training.data.corpus import Corpus, Piece, meter_of
from training.learning import Moment, System
from training.note_batches import NoteBatch, NoteLine, draw_batch
from training.note_learner import (
    Likelihoods,
    descend,
    has_velocities,
    head_nats,
    mean_nats,
    piece_likelihoods,
    prompted_nats,
    training_lines,
    validation_lines,
)
from training.note_network import Heads, NoteLSTM
from training.note_steps import Advance, NoteSteps, NoteWriter, ShiftLogits


@dataclass(frozen=True, slots=True)
class NoteLSTMConfig:
    """Options of the note-tuple LSTM.

    Attributes
    ----------
    units, layers
        Of the LSTM.
    note_width
        Of the vector that a note becomes.
    head_widths
        Of the heads of shift (and velocity), pitch, and duration.
    dropout, head_dropout
        Share silenced around the LSTM, and in the heads.
    learning_rate, warm_up_steps, weight_decay, batch
        Of AdamW.
    longest
        Notes of a piece in a batch.
    cuts
        Beginnings in the middle to be learned for each piece.
    untransposed, unconditioned
        Shares of the batch that keep their key, and that are given no condition.
    bfloat16
        Train the LSTM in 16 bits.
    """

    units: int = 512
    layers: int = 2
    note_width: int = 96
    head_widths: tuple[int, int, int] = (48, 96, 64)
    dropout: float = 0.3
    head_dropout: float = 0.1
    learning_rate: float = 2e-3
    warm_up_steps: int = 200
    weight_decay: float = 0.02
    batch: int = 32
    longest: int = 192
    cuts: int = 1
    untransposed: float = 0.5
    unconditioned: float = 0.7
    bfloat16: bool = True


class NoteNetwork(Likelihoods):
    """An LSTM over notes, and heads for the next one."""

    def __init__(self, config: NoteLSTMConfig, with_velocities: bool) -> None:
        super().__init__()
        self.lstm = NoteLSTM(
            config.note_width, config.units, config.layers, config.dropout, config.bfloat16
        )
        self.heads = Heads(config.units, config.head_widths, with_velocities, config.head_dropout)

    def past(self, batch: NoteBatch) -> Tensor:
        """Return what the LSTM remembers before each note, float32 (b, t, units)."""
        past: Tensor = self.lstm(batch.notes)
        return past


class NoteLearner:
    """The note-tuple LSTM in training."""

    def __init__(self, config: NoteLSTMConfig, corpus: Corpus, device: torch.device) -> None:
        self.config, self.corpus, self.device = config, corpus, device
        self.network = NoteNetwork(config, has_velocities(corpus)).to(device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, 0.98),
        )
        self.networks: dict[str, nn.Module] = {"network": self.network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": self.optimizer}
        self._training: list[NoteLine] = []
        self._validation: list[NoteLine] = []

    def step(self, at: Moment) -> dict[str, Tensor]:
        """Learn from one batch."""
        self._training = self._training or training_lines(self.corpus, self.config.cuts)
        batch = draw_batch(
            self._training,
            self.config.batch,
            self.config.longest,
            at.random,
            self.config.untransposed,
            self.config.unconditioned,
        ).to(self.device)
        self.network.train()
        nats = head_nats(self.network.past(batch), self.network.heads, batch)
        rate, warm_up = self.config.learning_rate, self.config.warm_up_steps
        return descend(self.network, self.optimizer, nats, at, rate, warm_up)

    def validate(self) -> dict[str, float]:
        """Return nats per note of validation pieces, without conditions."""
        self._validation = self._validation or validation_lines(self.corpus)
        return mean_nats(self.network, self._validation)

    def nll(self, pieces: Sequence[Piece]) -> dict[str, NDArray[np.float64]]:
        """Return each piece's nats, by symbol, and its "notes": float64, shape (pieces,)."""
        return piece_likelihoods(self.network, pieces)

    def prompted_nll(
        self, pieces: Sequence[Piece], prompt_bars: float = 2.0
    ) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Return `nll` of what follows the first bars: "prompted" by them, and "unprompted"."""
        return prompted_nats(self.network, pieces, prompt_bars)

    def step_module(self) -> NoteSteps:
        """Return the graphs of one note; see `training.note_steps`."""
        network = copy.deepcopy(self.network).cpu().eval().requires_grad_(False)
        heads, config = network.heads, self.config
        return NoteSteps(
            advance=Advance(network.lstm),
            shift=ShiftLogits(heads.shift),
            pitch=heads.pitch,
            duration=heads.duration,
            velocity=heads.velocity,
            layers=config.layers,
            units=config.units,
            velocity_bin=int(self.corpus.pieces[0].velocity[0]) // 16,
        )

    def generate(
        self, count: int, seed: int, prompt: Phrase | None = None, length_beats: float = 32.0
    ) -> list[Phrase]:
        """Return phrases, each from its own seed; after a prompt, what follows it alone."""
        writer = NoteWriter(self.step_module())
        begin = prompt or self._beginning()
        return [
            writer.continue_phrase(begin, length_beats, seed + number) for number in range(count)
        ]

    def samples(self) -> dict[str, Phrase]:
        """Return a phrase from nothing, and a continuation of a validation piece's first bars."""
        given = self.corpus.split("valid")[0].phrase()
        prompt = given.between(0.0, given.pickup_beats + 2.0 * given.bar_beats)
        (free,), (then,) = self.generate(1, 1), self.generate(1, 2, prompt)
        return {"from nothing": free, "a continuation": prompt.followed_by(then)}

    def _beginning(self) -> Phrase:
        """Return an empty phrase with the corpus's commonest bar."""
        bars = Counter(piece.bar_beats for piece in self.corpus.pieces)
        meter = meter_of(bars.most_common(1)[0][0])
        return Phrase.of((), 0.0, meter=(meter.beats, meter.unit))


def _open(config: NoteLSTMConfig, corpus: Corpus, device: torch.device) -> NoteLearner:
    return NoteLearner(config, corpus, device)


SYSTEM = System(
    name="note-lstm",
    what="LSTM over notes with four heads: continues what was played, live.",
    config=NoteLSTMConfig,
    recipes={
        "note_lstm": NoteLSTMConfig(),
        "chorale": NoteLSTMConfig(
            units=384, head_widths=(48, 96, 64), dropout=0.4, head_dropout=0.2, batch=16,
            longest=256, cuts=3, weight_decay=0.05,
        ),
        "tiny": NoteLSTMConfig(
            units=24, note_width=16, head_widths=(12, 16, 12), batch=4, longest=32, cuts=0,
            bfloat16=False, dropout=0.0, warm_up_steps=20, learning_rate=1e-2,
        ),
    },
    corpora=("tunes", "jsb"),
    open=_open,
)  # fmt: skip
