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
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.symbolic.corpus import Corpus, open_corpus
from training.note_lstm.batches import NoteBatch
from training.note_lstm.learner import NoteTraining, NoteTupleLearner, has_velocities
from training.note_lstm.likelihoods import NoteLikelihoods
from training.note_lstm.network import Heads, NoteTupleNetwork
from training.note_lstm.step_graphs import Advance, NoteSteps, ShiftLogits
from training.trainer.system import System


@dataclass(frozen=True, slots=True)
class NoteLSTMConfig(NoteTraining):
    """Options of the note-tuple LSTM, and of its training.

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
    """

    units: int = 512
    layers: int = 2
    note_width: int = 96
    head_widths: tuple[int, int, int] = (48, 96, 64)
    dropout: float = 0.3
    head_dropout: float = 0.1


class NoteNetwork(NoteLikelihoods):
    """An LSTM over notes, and heads for the next one."""

    def __init__(self, config: NoteLSTMConfig, with_velocities: bool) -> None:
        super().__init__()
        self.lstm = NoteTupleNetwork(
            config.note_width, config.units, config.layers, config.dropout, config.bfloat16
        )
        self.heads = Heads(config.units, config.head_widths, with_velocities, config.head_dropout)

    def past(self, batch: NoteBatch) -> Tensor:
        """Return what the LSTM remembers before each note, float32 (b, t, units)."""
        past: Tensor = self.lstm(batch.notes)
        return past


class NoteLearner(NoteTupleLearner[NoteNetwork]):
    """The note-tuple LSTM in training."""

    def __init__(self, config: NoteLSTMConfig, corpus: Corpus, device: torch.device) -> None:
        network = NoteNetwork(config, has_velocities(corpus))
        super().__init__(network, config, corpus, device)
        self.config = config

    def step_module(self) -> NoteSteps:
        """Return the graphs of one note; see `training.note_lstm.step_graphs`."""
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
            velocity_bin=self.velocity_bin,
        )


def _open(config: NoteLSTMConfig, corpus: Corpus, device: torch.device) -> NoteLearner:
    return NoteLearner(config, corpus, device)


SYSTEM = System(
    name="note-lstm",
    what="An LSTM over notes that continues what was played, live.",
    config=NoteLSTMConfig,
    recipes={
        "note_lstm": NoteLSTMConfig(),
        "chorale": NoteLSTMConfig(
            units=384, head_widths=(48, 96, 64), dropout=0.4, head_dropout=0.2, batch=16,
            longest=256, cuts=3, rhythms=8, weight_decay=0.05,
        ),
        "small": NoteLSTMConfig(
            units=160, dropout=0.1, batch=16, longest=256, cuts=0, warm_up_steps=50,
        ),
        "tiny": NoteLSTMConfig(
            units=24, note_width=16, head_widths=(12, 16, 12), batch=4, longest=32, cuts=0,
            bfloat16=False, dropout=0.0, warm_up_steps=20, learning_rate=1e-2,
        ),
    },
    data=("tunes", "jsb"),
    open_data=open_corpus,
    open=_open,
)  # fmt: skip
