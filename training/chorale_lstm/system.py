"""A recurrent network that composes four-part chorales, voice by voice within each sixteenth.

In: a corpus of four-part pieces. Out: weights; likelihoods in nats per note, a note being one voice
in one frame of a sixteenth, as the literature counts (Huang et al., "Counterpoint by Convolution",
2017, table 1); chorales from nothing, continuations, and harmonisations of a melody. The chain rule
runs over frames and, within a frame, over soprano, bass, alto, tenor; nothing but the pitches, the
meter and the pickup is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from instrument.composers.chorale_lstm.state import HOLD
from instrument.music.chorale_frames import frames_of
from instrument.music.note import Phrase
from training.chorale_lstm.likelihoods import (
    ChoraleLikelihoods,
    best_temperature,
    cell_logits,
    cell_nats,
)
from training.chorale_lstm.network import AdvanceStep, ChoraleNetwork, PlaceStep
from training.chorale_lstm.tables import ChoraleBatch, Table, batch_of, draw_batch, tables_of
from training.chorale_lstm.writer import ChoraleWriter, without_voices
from training.data.symbolic.corpus import Corpus, Piece, open_corpus
from training.pictures.samples import PhraseSamples
from training.trainer.average import WeightAverage
from training.trainer.descent import descend
from training.trainer.system import RunPosition, System, rate

_WARM_UP_STEPS = 50
_MEASURED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class ChoraleConfig:
    """Options of the chorale LSTM.

    The defaults are for ``--steps 330``, 13 rounds through the 207 chorales of JSB-m21 (26 minutes
    on a busy core): longer trainings learn the pieces by heart before the rate falls.

    Attributes
    ----------
    units, layers, width, blocks, dropout, feature_dropout
        See `training.chorale_lstm.network.ChoraleNetwork`.
    batch
        Chorales in a step.
    between
        Share of the frames between two eighths that a step learns from.
    learning_rate, weight_decay
        Of AdamW; the rate rises for 50 steps, then falls by a cosine.
    average
        Decay of the weights' running mean, by step; that mean is measured, played and exported.
    bfloat16
        Multiply matrices in bfloat16 while learning.
    pieces
        Learn from this many chorales only; 0 = all.
    """

    units: int = 192
    layers: int = 2
    width: int = 384
    blocks: int = 1
    dropout: float = 0.5
    feature_dropout: float = 0.12
    batch: int = 8
    between: float = 0.3
    learning_rate: float = 3e-3
    weight_decay: float = 0.2
    average: float = 0.99
    bfloat16: bool = True
    pieces: int = 0


class ChoraleLearner:
    """The chorale LSTM in training.

    Parameters
    ----------
    config
        Its options.
    corpus
        Four-part pieces: it learns from "train" and is measured on "valid".
    device
        Where the network is.
    """

    def __init__(self, config: ChoraleConfig, corpus: Corpus, device: torch.device) -> None:
        self.config, self.device = config, device
        self._corpus = corpus
        self._train: list[Table] | None = None
        self._valid: list[Table] | None = None
        self.network = ChoraleNetwork(
            config.units,
            config.layers,
            config.width,
            config.blocks,
            config.dropout,
            config.feature_dropout,
        ).to(device)
        self.mean = WeightAverage(self.network, config.average, early=(0, 10))
        self.networks: dict[str, nn.Module] = {"network": self.network, "mean": self.mean}
        weights = list(self.network.parameters())
        groups: list[dict[str, Any]] = [
            {"params": [w for w in weights if w.ndim > 1]},
            {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(
            groups,
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        self.optimizers: dict[str, torch.optim.Optimizer] = {"optimizer": self.optimizer}

    @property
    def averaged(self) -> ChoraleNetwork:
        """The network with the mean weights, in evaluation mode."""
        return self.mean.module

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Learn from one batch."""
        lessons, number = self._lessons(), at.step * at.processes + at.process
        batch = draw_batch(lessons, self.config.batch, number, at.random, self.config.between)
        batch = batch.to(self.device)
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bfloat16):
            nats = cell_nats(self.network, batch)
        loss = (nats.mean(dim=1) * batch.weights).sum() / batch.weights.sum()
        speed = self.config.learning_rate * rate(at, _WARM_UP_STEPS)
        descend(self.optimizer, loss, speed, most_norm=1.0)
        self.mean.update_parameters(self.network)
        return {"loss": loss.detach()}

    def validate(self) -> dict[str, float]:
        """Find the temperature on the held-out pieces; return their nats per note with it."""
        if self._valid is None:
            count = self.config.pieces or None
            self._valid = tables_of([p.phrase() for p in self._corpus.split("valid")[:count]])
        self._set_temperature(1.0)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.bfloat16):
            cells = [cell_logits(self.averaged, batch) for batch in self._batches(self._valid)]
        logits, moves = torch.cat([x for x, _ in cells]), torch.cat([y for _, y in cells])
        self._set_temperature(best_temperature(logits, moves))
        nats = F.cross_entropy(logits / self.averaged.temperature, moves, reduction="none")
        return {
            "loss": float(nats.mean()),
            "changed": float(nats[moves != HOLD].mean()),
            "temperature": float(self.averaged.temperature),
        }

    def nll(self, pieces: Sequence[Piece]) -> ChoraleLikelihoods:
        """Measure pieces.

        Raises
        ------
        PhraseError
            A piece has more than four voices, or leaps by more than two octaves.
        """
        return self._measure(tables_of([piece.phrase() for piece in pieces]))

    def samples(self) -> PhraseSamples:
        """Return a chorale from nothing, a continuation and a harmonisation."""
        piece = self._corpus.split("valid")[0].phrase()
        opening = piece.between(0.0, piece.pickup_beats + 2 * piece.bar_beats)
        melody = piece.between(0.0, piece.pickup_beats + 8 * piece.bar_beats)
        return PhraseSamples(
            {
                "from nothing": self.generate(1, 1)[0],
                "continued": self.generate(1, 2, opening)[0],
                "harmonised": self.harmonise(melody, 3),
            }
        )

    def generate(
        self,
        count: int,
        seed: int,
        prompt: Phrase | None = None,
        length_beats: float = 32.0,
        temperature: float = 1.0,
        top_p: float = 0.95,
    ) -> list[Phrase]:
        """Return `count` chorales, each the prompt (if any) and `length_beats` after it."""
        bar_beats, pickup_beats = (prompt.bar_beats, prompt.pickup_beats) if prompt else (4.0, 0.0)
        heard = frames_of(prompt) if prompt else np.empty((0, 4), np.int16)
        free = np.full((round(length_beats * 4), 4), np.nan)
        made = []
        for number in range(count):
            writer = ChoraleWriter(self.averaged, bar_beats, pickup_beats, temperature, top_p)
            writer.write(np.concatenate([heard, free]), seed + number)
            made.append(writer.phrase())
        return made

    def harmonise(
        self, melody: Phrase, seed: int, temperature: float = 1.0, top_p: float = 0.95
    ) -> Phrase:
        """Return bass, alto and tenor under a soprano: the phrase's first track is kept."""
        writer = ChoraleWriter(
            self.averaged, melody.bar_beats, melody.pickup_beats, temperature, top_p
        )
        writer.write(without_voices(frames_of(melody), (1, 2, 3)), seed)
        return writer.phrase()

    def step_modules(self) -> tuple[AdvanceStep, PlaceStep]:
        """Return what export turns into graphs."""
        return AdvanceStep(self.averaged).eval(), PlaceStep(self.averaged).eval()

    def _lessons(self) -> list[Table]:
        if self._train is None:
            count = self.config.pieces or None
            self._train = tables_of([p.phrase() for p in self._corpus.split("train")[:count]])
        return self._train

    def _measure(self, tables: Sequence[Table]) -> ChoraleLikelihoods:
        order = _by_length(tables)
        found: list[NDArray[np.float64]] = []
        for batch in self._batches(tables):
            with torch.no_grad():
                nats = cell_nats(self.averaged, batch).double().cpu().numpy()
            changed = batch.moves.cpu().numpy() != HOLD
            kinds = (nats, np.ones_like(nats), nats * changed, changed)
            piece = batch.piece.cpu().numpy()
            found.append(np.stack([np.bincount(piece, kind.sum(axis=1)) for kind in kinds]))
        sums = np.empty((4, len(tables)))
        sums[:, order] = np.concatenate(found, axis=1)
        return ChoraleLikelihoods(*sums)

    def _batches(self, tables: Sequence[Table]) -> Iterator[ChoraleBatch]:
        """Put all pieces in batches, the shortest first."""
        order = _by_length(tables)
        for first in range(0, len(order), _MEASURED_AT_ONCE):
            rows = order[first : first + _MEASURED_AT_ONCE]
            yield batch_of([tables[n] for n in rows]).to(self.device)

    def _set_temperature(self, temperature: float) -> None:
        """Set it in both networks: the mean takes its buffers from the other at every step."""
        self.network.temperature.fill_(temperature)
        self.averaged.temperature.fill_(temperature)


def _by_length(tables: Sequence[Table]) -> list[int]:
    return sorted(range(len(tables)), key=lambda n: len(tables[n].frames))


SYSTEM = System(
    name="chorale-lstm",
    what="An LSTM that composes, continues and harmonises four-part chorales.",
    config=ChoraleConfig,
    recipes={
        "chorale_lstm": ChoraleConfig(),
        "tiny": ChoraleConfig(units=16, layers=1, width=24, pieces=8, batch=4),
    },
    data=("jsb",),
    open_data=open_corpus,
    open=ChoraleLearner,
)
