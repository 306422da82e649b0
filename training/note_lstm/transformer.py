"""A small decoder transformer over note tuples, with the LSTM's tables and heads.

In: a corpus. Out: a network that continues what was played; step graphs whose state is a ring of
keys and values of fixed shape, so that a step costs the same after a thousand notes.

A note hears itself and the `window` - 1 notes before it. Positions enter as rotations of queries
and keys (RoFormer, Su et al. 2021), which depend on distances alone: a slot of the ring may hold
any note. Layers normalise first (GPT-2).

It is here to compare and is not shipped: that takes 5 % fewer nats than the LSTM. With about as
many weights (0.82 and 0.87 million), the same batches and 300 steps, one seed each, the validation
chorales cost 1.845 nats a note and the LSTM's 1.931, 4.5 % fewer, in a short run of two small
networks: ``latentkeys train NAME RUN --recipe small --data jsb --steps 300``. With ``--minutes 5``
the LSTM takes more than twice as many steps and is 5 % ahead.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from instrument.composers.note_lstm.features import NOTE_COLUMNS
from training.data.symbolic.corpus import Corpus, open_corpus
from training.note_lstm.batches import NoteBatch
from training.note_lstm.learner import NoteTraining, NoteTupleLearner, has_velocities
from training.note_lstm.likelihoods import NoteLikelihoods
from training.note_lstm.network import Heads, Tables
from training.note_lstm.step_graphs import NoteSteps, ShiftLogits
from training.trainer.system import System

_LONGEST_WAVE = 10_000.0


@dataclass(frozen=True, slots=True)
class NoteTransformerConfig(NoteTraining):
    """Options of the note-tuple transformer, and of its training.

    Attributes
    ----------
    width, layers, attention_heads
        Of the decoder.
    window
        Notes that a note can hear: slots of the ring.
    head_widths
        Of the heads of shift (and velocity), pitch, and duration.
    dropout, head_dropout
        Share silenced in the decoder, and in the heads.
    """

    width: int = 192
    layers: int = 4
    attention_heads: int = 6
    window: int = 256
    head_widths: tuple[int, int, int] = (48, 96, 64)
    dropout: float = 0.2
    head_dropout: float = 0.2


class DecoderLayer(nn.Module):
    """Attention over the past, then two dense layers, each added to its input."""

    def __init__(self, width: int, attention_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_heads = attention_heads
        self.before_attention, self.before_dense = nn.LayerNorm(width), nn.LayerNorm(width)
        self.projections, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def questions(self, x: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return rotated queries and keys, and values: (b, heads, t, width / heads) each."""
        b, t, width = x.shape
        shape = (b, t, 3, self.attention_heads, width // self.attention_heads)
        query, key, value = self.projections(self.before_attention(x)).view(shape).unbind(2)
        query, key, value = (part.transpose(1, 2) for part in (query, key, value))
        return rotated(query, places), rotated(key, places), value

    def answered(self, x: Tensor, heard: Tensor) -> Tensor:
        """Return the layer's output for what attention found, (b, heads, t, width / heads)."""
        x = x + self.dropout(self.mixed(heard.transpose(1, 2).flatten(2)))
        dense: Tensor = self.dropout(self.narrow(gelu(self.wide(self.before_dense(x)))))
        return x + dense


class NoteDecoder(NoteLikelihoods):
    """The transformer, and heads for the next note."""

    def __init__(self, config: NoteTransformerConfig, with_velocities: bool) -> None:
        super().__init__()
        self.config = config
        self.tables = Tables(NOTE_COLUMNS, config.width)
        self.layers = nn.ModuleList(
            DecoderLayer(config.width, config.attention_heads, config.dropout)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.heads = Heads(config.width, config.head_widths, with_velocities, config.head_dropout)

    def past(self, batch: NoteBatch) -> Tensor:
        """Return what each note knows of the ones before the next, float32 (b, t, width)."""
        b, t = batch.mask.shape
        places = torch.arange(t, device=batch.mask.device)
        distance = places[:, None] - places
        audible = (distance >= 0) & (distance < self.config.window)
        x = self.dropout(self.tables(batch.notes.flatten(0, 1)).view(b, t, -1))
        in_half = self.config.bfloat16 and self.training
        with torch.autocast(x.device.type, torch.bfloat16, enabled=in_half):
            for layer in cast(Iterable[DecoderLayer], self.layers):
                query, key, value = layer.questions(x, places)
                heard = scaled_dot_product_attention(query, key, value, attn_mask=audible)
                x = layer.answered(x, heard)
        out: Tensor = self.norm(x.float())
        return out


class RingAdvance(nn.Module):
    """Hear one note; the state is a ring of the latest keys and values.

    Inputs: notes int64 (1, 17), keys and values float32 (layers, 1, heads, window, width / heads),
    count int64 (1,), the notes heard so far. Outputs: past float32 (1, width), keys, values, count.
    At the beginning all are zero.
    """

    slots: Tensor

    def __init__(self, decoder: NoteDecoder) -> None:
        super().__init__()
        self.tables, self.layers, self.norm = decoder.tables, decoder.layers, decoder.norm
        slots = torch.arange(decoder.config.window)
        self.register_buffer("slots", slots, persistent=False)

    def forward(
        self, notes: Tensor, keys: Tensor, values: Tensor, count: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the past that the heads are given, and the next state."""
        here = (self.slots == torch.remainder(count, len(self.slots)))[:, None]
        audible = self.slots <= count
        x, all_keys, all_values = self.tables(notes)[:, None], [], []
        for number, layer in enumerate(cast(Iterable[DecoderLayer], self.layers)):
            query, key, value = layer.questions(x, count)
            all_keys.append(torch.where(here, key, keys[number]))
            all_values.append(torch.where(here, value, values[number]))
            scores = query @ all_keys[-1].transpose(2, 3) * query.shape[-1] ** -0.5
            chances = scores.masked_fill(~audible, -1e9).softmax(dim=-1)
            x = layer.answered(x, chances @ all_values[-1])
        past = self.norm(x)[:, 0]
        return past, torch.stack(all_keys), torch.stack(all_values), count + 1


@dataclass(frozen=True, slots=True)
class RingSteps(NoteSteps):
    """The graphs of a transformer; `units` is the width of a head, `window` the ring's slots."""

    attention_heads: int
    window: int
    states: ClassVar[tuple[str, ...]] = ("keys", "values", "count")

    @property
    def past_width(self) -> int:
        """How many numbers the heads are given."""
        return self.units * self.attention_heads

    def begin(self) -> tuple[Tensor, ...]:
        """Return the state before anything is heard."""
        ring = torch.zeros(self.layers, 1, self.attention_heads, self.window, self.units)
        return ring, ring, torch.zeros(1, dtype=torch.int64)


class NoteTransformerLearner(NoteTupleLearner[NoteDecoder]):
    """The note-tuple transformer in training."""

    def __init__(self, config: NoteTransformerConfig, corpus: Corpus, device: torch.device) -> None:
        super().__init__(NoteDecoder(config, has_velocities(corpus)), config, corpus, device)
        self.config = config

    def step_module(self) -> RingSteps:
        """Return the graphs of one note."""
        network = copy.deepcopy(self.network).cpu().eval().requires_grad_(False)
        heads, config = network.heads, self.config
        return RingSteps(
            advance=RingAdvance(network),
            shift=ShiftLogits(heads.shift),
            pitch=heads.pitch,
            duration=heads.duration,
            velocity=heads.velocity,
            layers=config.layers,
            units=config.width // config.attention_heads,
            velocity_bin=self.velocity_bin,
            attention_heads=config.attention_heads,
            window=config.window,
        )


def rotated(x: Tensor, places: Tensor) -> Tensor:
    """Rotate pairs of values by angles in proportion to the place (RoFormer, equation 34).

    Parameters
    ----------
    x
        Shape (..., t, width), width even; value i is paired with value i + width / 2.
    places
        int64, shape (t,).
    """
    half = x.shape[-1] // 2
    waves = _LONGEST_WAVE ** (-torch.arange(half, device=x.device) / half)
    angles = places[:, None] * waves
    sin, cos = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def _open(
    config: NoteTransformerConfig, corpus: Corpus, device: torch.device
) -> NoteTransformerLearner:
    return NoteTransformerLearner(config, corpus, device)


SYSTEM = System(
    name="note-transformer",
    what="A Transformer over notes, to compare with note-lstm.",
    config=NoteTransformerConfig,
    recipes={
        "note_transformer": NoteTransformerConfig(
            learning_rate=1e-3, batch=16, longest=256, cuts=3, weight_decay=0.05,
        ),
        "small": NoteTransformerConfig(
            width=96, layers=3, attention_heads=4, dropout=0.1, head_dropout=0.1, batch=16,
            longest=256, cuts=0, warm_up_steps=50,
        ),
        "tiny": NoteTransformerConfig(
            width=16, layers=2, attention_heads=2, window=8, head_widths=(12, 16, 12), batch=4,
            longest=32, cuts=0, bfloat16=False, dropout=0.0, warm_up_steps=20, learning_rate=1e-2,
        ),
    },
    data=("jsb", "tunes"),
    open_data=open_corpus,
    open=_open,
)  # fmt: skip
