"""The two-input attention LSTM: chords and durations each have a vocabulary and a head.

In: a corpus. Out: a network that says what comes next, phrases, and a step graph to export.

What the source document describes is the recipe ``document``: windows of 32 events with one target
each, heads that hear only the attended past, RMSprop at 1e-3. What is mended in the default:

- one target per window throws away the rest: here every position of a piece has one, and the
  softmax over time sees the past only (it is causal), so that a piece is one pass;
- windows ran across the ends of pieces, and had to be full: here pieces are padded and the padding
  is masked out of the loss;
- a weighted mean of the whole past cannot say where the melody is now: here the heads hear the
  last state as well;
- nothing told the network where the beat is: here the position in the bar is an input;
- there was no validation split, and no transposition: here both;
- each note re-ran the window: here a step has constant cost (`AttentionStepModule`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from instrument.music.note import Phrase
from instrument.music.note_tuples import GRID
from training.data.symbolic.corpus import Corpus, Piece, open_corpus
from training.pictures.samples import PhraseSamples
from training.symbol_lstm.attention_network import AttentionNetwork, AttentionStepModule
from training.symbol_lstm.batches import (
    Line,
    SymbolBatch,
    line_of,
    whole_pieces,
)
from training.symbol_lstm.learner import SymbolConfig, SymbolLearner
from training.symbol_lstm.phrase_writer import PhraseWriter
from training.symbol_lstm.sampling import choose
from training.trainer.system import System

_BATCHED = 32


@dataclass(frozen=True, slots=True)
class AttentionConfig(SymbolConfig):
    """Options of the attention LSTM, which learns by RMSprop as the document does, or by AdamW.

    Attributes
    ----------
    units
        Width of each of the two LSTM layers.
    dropout
        Share of values silenced between layers while training.
    """

    units: int = 256
    dropout: float = 0.2
    learning_rate: float = 2e-3


class AttentionLearner(SymbolLearner):
    """The attention LSTM in training; see `SymbolLearner`."""

    validation_pieces, most_norm = 128, 1.0
    config: AttentionConfig

    def __init__(self, config: AttentionConfig, corpus: Corpus, device: torch.device) -> None:
        super().__init__(config, corpus, device)
        self.network = AttentionNetwork(
            self.lexicon.chords,
            self.lexicon.durations,
            config.units,
            config.dropout,
            hears_metre=not config.is_document,
            speaks_from_state=not config.is_document,
            learns_in_bfloat16=config.bfloat16,
        ).to(device)
        self.networks = {"network": self.network}
        weights = self.network.parameters()
        optimizer: torch.optim.Optimizer = (
            torch.optim.RMSprop(weights, lr=config.learning_rate, alpha=0.9)
            if config.is_document
            else torch.optim.AdamW(weights, lr=config.learning_rate, weight_decay=0.01)
        )
        self.optimizers = {"optimizer": optimizer}

    def losses(self, batch: SymbolBatch) -> dict[str, Tensor]:
        """Return the mean nats of chords and of durations, and their sum."""
        chord, duration = losses(self.network, batch.to(self.device))
        return {"loss": chord + duration, "chord": chord, "duration": duration}

    def nll(self, pieces: Sequence[Piece]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return each piece's nats (its rests counted in) and number of notes, shapes (n,).

        An event that training never met counts as the nearest that it did.
        """
        lines = [line_of(piece.phrase(), self.lexicon) for piece in pieces]
        nats = self._measure(lines, [0] * len(lines)).sum(axis=1)
        return nats, np.array([line.notes for line in lines])

    def prompted_nll(
        self, pieces: Sequence[Piece], prompt_bars: float = 2.0
    ) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Return nats, (pieces,), of what follows the first bars: "prompted" by them, and not.

        Waits are rests here and are counted with them: "shift" is 0.
        """
        wholes = [piece.phrase() for piece in pieces]
        cuts = [
            min(whole.pickup_beats + prompt_bars * whole.bar_beats, whole.length_beats)
            for whole in wholes
        ]
        tails = [w.between(cut, w.length_beats) for w, cut in zip(wholes, cuts, strict=True)]
        alone = [line_of(tail, self.lexicon) for tail in tails]
        heard = [line_of(whole, self.lexicon) for whole in wholes]
        notes = np.array([line.notes for line in alone], np.float64)
        measured = {
            "prompted": self._measure(heard, [round(cut * GRID) for cut in cuts]),
            "unprompted": self._measure(alone, [0] * len(alone)),
        }
        return {
            name: {
                "shift": np.zeros(len(notes)),
                "pitch": nats[:, 0],
                "duration": nats[:, 1],
                "notes": notes,
            }
            for name, nats in measured.items()
        }

    def _measure(self, lines: Sequence[Line], since: Sequence[int]) -> NDArray[np.float64]:
        """Return each line's nats of chords and of durations from a tick on, shape (n, 2)."""
        self.network.eval()
        order = [i for i in range(len(lines)) if len(lines[i].chords)]
        order.sort(key=lambda i: len(lines[i].chords))
        nats = np.zeros((len(lines), 2))
        for first in range(0, len(order), _BATCHED):
            rows = order[first : first + _BATCHED]
            batch = whole_pieces([lines[i] for i in rows]).to(self.device)
            with torch.no_grad():
                both = torch.stack(nats_at(self.network, batch)).double().cpu().numpy()
            for number, index in enumerate(rows):
                line = lines[index]
                is_counted = line.starts >= since[index]
                nats[index] = both[:, number, : len(line.chords)][:, is_counted].sum(axis=1)
        return nats

    def samples(self) -> PhraseSamples:
        """Return two phrases from nothing and two that continue held-out pieces by 8 bars."""
        made = {f"from nothing {n}": p for n, p in enumerate(self.generate(2, seed=1))}
        for number, piece in enumerate(self._valid[:2]):
            prompt = piece.phrase()
            prompt = prompt.between(0.0, prompt.pickup_beats + 2 * prompt.bar_beats)
            made[f"continued {number}"] = self.generate(1, number, prompt)[0]
        return PhraseSamples(made)

    def generate(
        self,
        count: int,
        seed: int,
        prompt: Phrase | None = None,
        length_beats: float = 32.0,
        temperature: float | None = None,
        top_p: float | None = None,
    ) -> list[Phrase]:
        """Return `count` phrases, each the prompt (if any) and `length_beats` after it."""
        config = self.config
        self.network.eval()
        writer = PhraseWriter(AttentionStepModule(self.network), self.lexicon, prompt, count)
        if prompt is not None:
            line = line_of(prompt, self.lexicon, to_the_end=True)
            for chord, duration in zip(line.chords, line.durations, strict=True):
                writer.logits()
                writer.write(np.full(count, chord), np.full(count, duration))
        generator = torch.Generator().manual_seed(seed)
        end = round((length_beats + (prompt.length_beats if prompt else 0.0)) * GRID)
        warmth = config.temperature if temperature is None else temperature
        nucleus = config.top_p if top_p is None else top_p
        while (writer.now < end).any():
            chords, durations = (choose(x, generator, warmth, nucleus) for x in writer.logits())
            writer.write(chords.numpy(), durations.numpy())
        return [phrase.between(0.0, end / GRID) for phrase in writer.phrases()]

    def step_module(self) -> AttentionStepModule:
        """Return what export turns into a graph."""
        return AttentionStepModule(self.network).eval()


def losses(network: AttentionNetwork, batch: SymbolBatch) -> tuple[Tensor, Tensor]:
    """Return the mean nats of chords and of durations over positions with a target."""
    chord, duration = nats_at(network, batch)
    targets = batch.mask.sum()
    return chord.sum() / targets, duration.sum() / targets


def nats_at(network: AttentionNetwork, batch: SymbolBatch) -> tuple[Tensor, Tensor]:
    """Return the nats of each position's chord and duration, (b, t); 0 without a target."""
    chord, duration = network(batch)
    chord_nats = cross_entropy(chord.transpose(1, 2), batch.next_chords, reduction="none")
    duration_nats = cross_entropy(duration.transpose(1, 2), batch.next_durations, reduction="none")
    return chord_nats * batch.mask, duration_nats * batch.mask


SYSTEM = System(
    name="attention-lstm",
    what="An LSTM with attention, over chords and durations.",
    config=AttentionConfig,
    recipes={
        "attention_lstm": AttentionConfig(),
        "document": AttentionConfig(
            dropout=0.0, is_document=True, learning_rate=1e-3, longest=32, bfloat16=False
        ),
        "tiny": AttentionConfig(units=24, batch=4, longest=32, rare=1, bfloat16=False),
    },
    data=("tunes", "jsb"),
    open_data=open_corpus,
    open=AttentionLearner,
)
