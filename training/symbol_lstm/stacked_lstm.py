"""The stacked LSTM: one symbol at a time, LSTM 256 → 512 → 256 → Dense 256 → V-way softmax.

In: a corpus. Out: a network that says which symbol follows, and phrases of 500 symbols.

What the source document describes is the recipe ``document``: a symbol is a note, chord or rest
without its length, its id (from the alphabetical order of the names) goes in as one number in 0..1,
a window of 100 has one target, and the likeliest symbol is taken each time, half a beat apart.
Mended even there: the document divides the ids of its own output by 48 instead of the largest id,
and so feeds its network wrong notes from the first step on; and a chord keeps its register, where
the document brings every chord back in octave 4. What is mended in the default:

- an alphabetical number is no quantity: symbols are embedded;
- durations were thrown away and rests read in seconds as beats: a symbol here is a chord or a rest
  *with* its real duration;
- one target per window: every position of a piece has one, the state goes through the whole piece;
- argmax runs into loops: here symbols are drawn (temperature, nucleus);
- one file without a validation split: a corpus with one, in twelve keys;
- 100 steps were computed again for each note: here the state is carried on, one step a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from instrument.music.chord_events import notes_of
from instrument.music.note import Phrase
from instrument.music.note_tuples import GRID
from training.data.symbolic.corpus import Corpus, Piece, open_corpus
from training.pictures.samples import PhraseSamples
from training.symbol_lstm.batches import (
    SymbolBatch,
    draw_windows,
    line_of,
    whole_pieces,
)
from training.symbol_lstm.learner import SymbolConfig, SymbolLearner
from training.symbol_lstm.sampling import choose
from training.symbol_lstm.stacked_network import StackedNetwork, StackedStepModule, Symbols
from training.trainer.system import System

_BATCHED = 32


@dataclass(frozen=True, slots=True)
class StackedConfig(SymbolConfig):
    """Options of the stacked LSTM, which learns by Adam.

    Attributes
    ----------
    embedding
        Width of a symbol's embedding; the document's single number takes its place there.
    generated
        Symbols in a generated phrase.
    """

    embedding: int = 128
    batch: int = 8
    rare: int = 3
    generated: int = 500


class StackedLearner(SymbolLearner):
    """The stacked LSTM in training; see `SymbolLearner`."""

    validation_pieces, most_norm = 96, 5.0
    config: StackedConfig

    def __init__(self, config: StackedConfig, corpus: Corpus, device: torch.device) -> None:
        super().__init__(config, corpus, device)
        self.symbols = (
            Symbols.without_durations(self.lexicon)
            if config.is_document
            else Symbols.of(self.lexicon, self._train, config.rare)
        )
        embedding = 0 if config.is_document else config.embedding
        self.network = StackedNetwork(self.symbols.vocabulary, embedding, config.bfloat16).to(
            device
        )
        self.networks = {"network": self.network}
        optimizer = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate)
        self.optimizers = {"optimizer": optimizer}

    def losses(self, batch: SymbolBatch) -> dict[str, Tensor]:
        """Return the mean nats of the symbols that are known."""
        nats, targets = self._nats(batch)
        return {"loss": nats.sum() / (targets != 0).sum()}

    def nll(self, pieces: Sequence[Piece]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return each piece's nats (its rests counted in) and number of notes, shapes (n,).

        Without durations the nats are of chords and rests alone, and do not compare with others.
        A pair that is not known costs as much as if all symbols were equally likely.
        """
        self.network.eval()
        lines = [line_of(piece.phrase(), self.lexicon) for piece in pieces]
        totals = np.zeros(len(lines))
        order = sorted(range(len(lines)), key=lambda i: len(lines[i].chords))
        for first in range(0, len(order), _BATCHED):
            rows = order[first : first + _BATCHED]
            batch = whole_pieces([lines[i] for i in rows])
            with torch.no_grad():
                nats, targets = self._nats(batch)
            unknown = (batch.mask & (targets.cpu() == 0)).sum(dim=1)
            known = nats.sum(dim=1).cpu()
            totals[rows] = (known + unknown * np.log(len(self.symbols.vocabulary))).numpy()
        return totals, np.array([line.notes for line in lines])

    def samples(self) -> PhraseSamples:
        """Return two phrases from nothing and one that continues a held-out piece."""
        made = {f"from nothing {n}": p for n, p in enumerate(self.generate(2, seed=1))}
        prompt = self._valid[0].phrase()
        prompt = prompt.between(0.0, prompt.pickup_beats + 2 * prompt.bar_beats)
        return PhraseSamples(made | {"continued": self.generate(1, 2, prompt)[0]})

    def generate(
        self,
        count: int,
        seed: int,
        prompt: Phrase | None = None,
        length_beats: float | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
    ) -> list[Phrase]:
        """Return `count` phrases: the prompt and `config.generated` symbols, or `length_beats`.

        Without a prompt the document's network hears a random window of what it trained on, which
        is not returned.
        """
        config = self.config
        generator = torch.Generator().manual_seed(seed)
        heard, written = self._heard(prompt, count, np.random.default_rng(seed))
        warmth = config.temperature if temperature is None else temperature
        nucleus = config.top_p if top_p is None else top_p
        self.network.eval()
        with torch.no_grad():
            logits, state = self.network(heard.to(self.device))
        lengths = torch.tensor(
            [self.symbols.event(i).advance_ticks for i in range(1, len(self.symbols.vocabulary))]
        )
        missing = torch.full((count,), (length_beats or np.inf) * GRID)
        drawn: list[Tensor] = []
        while len(drawn) < config.generated and (missing > 0).any():
            last = logits[:, -1].cpu()
            last[:, 0] = -torch.inf
            drawn.append(choose(last, generator, warmth, nucleus))
            missing -= lengths[drawn[-1] - 1]
            with torch.no_grad():
                logits, state = self.network(drawn[-1][:, None].to(self.device), state)
        symbols = torch.cat([written, torch.stack(drawn, dim=1)], dim=1)
        phrases = [self._phrase(row.tolist(), prompt) for row in symbols]
        if length_beats is None:
            return phrases
        end = length_beats + (prompt.length_beats if prompt else 0.0)
        return [phrase.between(0.0, end) for phrase in phrases]

    def step_module(self) -> StackedStepModule:
        """Return what export would turn into a graph."""
        return StackedStepModule(self.network).eval()

    def _nats(self, batch: SymbolBatch) -> tuple[Tensor, Tensor]:
        """Return nats (b, t), 0 where there is no known target, and the targets."""
        inputs = self.symbols(batch.chords, batch.durations).to(self.device)
        targets = self.symbols(batch.next_chords, batch.next_durations).to(self.device)
        logits, _ = self.network(inputs)
        nats = cross_entropy(logits.transpose(1, 2), targets, reduction="none", ignore_index=0)
        return nats, targets

    def _heard(
        self, prompt: Phrase | None, count: int, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return what the network hears first, (count, n), and how much of it is in the phrase."""
        if prompt is None and self.config.is_document:
            window = draw_windows(self._stream, count, self.config.longest, random)
            return self.symbols(window.chords, window.durations), torch.zeros(count, 0).long()
        start = torch.zeros(count, 1, dtype=torch.int64)
        if prompt is None:
            return start, start[:, 1:]
        line = line_of(prompt, self.lexicon, to_the_end=True)
        ids = self.symbols(torch.from_numpy(line.chords), torch.from_numpy(line.durations))
        written = ids[ids != 0].expand(count, -1)
        return torch.cat([start, written], dim=1), written

    def _phrase(self, symbols: Sequence[int], prompt: Phrase | None) -> Phrase:
        phrase = Phrase.of(notes_of([self.symbols.event(symbol) for symbol in symbols]))
        if prompt is None:
            return phrase
        return replace(phrase, meters=prompt.meters, pickup_beats=prompt.pickup_beats)


SYSTEM = System(
    name="stacked-lstm",
    what="A stacked LSTM: each chord or rest with its duration is one symbol.",
    config=StackedConfig,
    recipes={
        "stacked_lstm": StackedConfig(),
        "document": StackedConfig(
            is_document=True, batch=32, longest=100, bfloat16=False, temperature=0.0
        ),
        "tiny": StackedConfig(
            embedding=16, batch=4, longest=24, rare=1, bfloat16=False, generated=40
        ),
    },
    data=("tunes", "jsb"),
    open_data=open_corpus,
    open=StackedLearner,
)
