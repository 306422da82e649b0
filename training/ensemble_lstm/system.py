"""The ensemble LSTM: plays beside somebody, answers, goes on, in as many voices as it is asked.

In: corpora with voices. Out: a network whose bundle `instrument.composers.ensemble_lstm` plays.

What the player plays is control, what we play is event (Thickstun et al. 2023 call music with
controls put in anticipatory): all notes go through one LSTM in the order in which they become
known, and the heads say ours alone. Before a note of the player the network says that ours had not
come yet, so that drawing and waiting live are what was trained. Scenes are dealt again and again
(`parts`): other roles, other keys, half of the time played by human hands and heard by an ear.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from instrument.errors import SettingError
from instrument.music.constraints import Constraints
from instrument.music.note import Phrase
from training.data.symbolic.corpus import Corpus, Piece, open_corpus
from training.ensemble_lstm.batches import batch_of
from training.ensemble_lstm.lines import PartLine, draw_asking, line_of, nothing_asked
from training.ensemble_lstm.network import EnsembleNetwork
from training.ensemble_lstm.parts import Scene, draw_scene, scene_of
from training.ensemble_lstm.writer import composer_of, samples_of
from training.pictures.samples import PhraseSamples
from training.trainer.descent import descend
from training.trainer.system import RunPosition, System, rate

_BLOCK_STEPS = 40
_VALIDATION_SCENES = 96
_AT_ONCE = 16
_TRIES = 20


@dataclass(frozen=True, slots=True)
class EnsembleConfig:
    """Options of the ensemble LSTM, and of its training.

    Attributes
    ----------
    units, layers, note_width, head_widths
        Of the LSTM, of the vector that a note becomes, of the heads of shift and velocity, pitch,
        duration.
    dropout, head_dropout
        Share silenced around the LSTM, and in the heads.
    learning_rate, warm_up_steps, weight_decay, batch
        Of AdamW; the rate falls by a cosine.
    uses
        How often a scene is learned from before another takes its place.
    unconditioned
        Share of the scenes in which nothing is asked.
    bfloat16
        Train the LSTM in 16 bits.
    """

    units: int = 320
    layers: int = 2
    note_width: int = 96
    head_widths: tuple[int, int, int] = (64, 96, 64)
    dropout: float = 0.1
    head_dropout: float = 0.05
    learning_rate: float = 2e-3
    warm_up_steps: int = 200
    weight_decay: float = 0.01
    batch: int = 16
    uses: int = 3
    unconditioned: float = 0.5
    bfloat16: bool = True


class EnsembleLearner:
    """The ensemble LSTM in training: a `training.trainer.system.Learner`."""

    def __init__(self, config: EnsembleConfig, corpus: Corpus, device: torch.device) -> None:
        self.config, self.corpus, self.device = config, corpus, device
        self.network = EnsembleNetwork(
            note_width=config.note_width,
            units=config.units,
            layers=config.layers,
            head_widths=config.head_widths,
            dropout=config.dropout,
            head_dropout=config.head_dropout,
            bfloat16=config.bfloat16,
        ).to(device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, 0.98),
        )
        self.networks: dict[str, nn.Module] = {"network": self.network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": self.optimizer}
        self._block, self._lines = -1, list[PartLine]()
        self._validation: list[PartLine] = []

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Learn from one batch."""
        lines = self._lines_at(at)
        chosen = at.random.choice(len(lines), min(self.config.batch, len(lines)), replace=False)
        batch = batch_of([lines[i] for i in chosen]).to(self.device)
        self.network.train()
        nats = self.network.nats(batch)
        means = {name: cost.mean() for name, cost in nats.items()}
        # As in a piece's likelihood, all is counted by our own notes.
        means["shift"] = nats["shift"].sum() / max(1, len(nats["pitch"]))
        loss = torch.stack(list(means.values())).sum()
        rate_now = self.config.learning_rate * rate(at, self.config.warm_up_steps)
        descend(self.optimizer, loss, rate_now, most_norm=1.0)
        return {"loss": loss.detach(), **{name: mean.detach() for name, mean in means.items()}}

    def validate(self) -> dict[str, float]:
        """Return nats per note of ours in scenes of validation pieces, nothing asked."""
        if not self._validation:
            scenes = validation_scenes(self.corpus.split("valid"))
            self._validation = [line_of(scene, nothing_asked(scene)) for scene in scenes]
        nats = self.line_nats(self._validation)
        notes = nats.pop("notes").sum()
        means = {name: float(cost.sum() / notes) for name, cost in nats.items()}
        return {"loss": sum(means.values()), **means}

    def nll(self, pieces: Sequence[Piece]) -> dict[str, NDArray[np.float64]]:
        """Return each piece's nats by symbol, all notes our own, and its "notes"."""
        scenes = [
            scene_of(piece, sorted(set(piece.voice.tolist())), most_notes=piece.pitch.size)
            for piece in pieces
        ]
        return self.line_nats([line_of(scene, nothing_asked(scene)) for scene in scenes])

    def generate(
        self, count: int, seed: int, prompt: Phrase | None = None, bars: int = 8
    ) -> list[Phrase]:
        """Return phrases, each from its own seed; after a prompt, what follows it alone."""
        composer = composer_of(self.playing())
        return [
            composer.generate(bars, seed + number, Constraints(), previous=prompt)
            for number in range(count)
        ]

    def line_nats(self, lines: Sequence[PartLine]) -> dict[str, NDArray[np.float64]]:
        """Return each line's nats in all by symbol, and its "notes" of ours: float64, (lines,)."""
        names = ("shift", "pitch", "duration", "velocity", "notes")
        totals = {name: np.zeros(len(lines)) for name in names}
        self.network.eval()
        with torch.no_grad():
            for begin in range(0, len(lines), _AT_ONCE):
                some = lines[begin : begin + _AT_ONCE]
                nats = self.network.nats(batch_of(some).to(self.device))
                own = [len(line.symbols) for line in some]
                for name, cost in nats.items():
                    lengths = [len(line) for line in some] if name == "shift" else own
                    sums = [float(part.double().sum()) for part in cost.split(lengths)]
                    totals[name][begin : begin + len(some)] = sums
                totals["notes"][begin : begin + len(some)] = own
        return totals

    def samples(self) -> PhraseSamples:
        """Return what it plays beside a held-out melody, after it, and from nothing."""
        return samples_of(self.playing(), self.corpus)

    def playing(self) -> EnsembleNetwork:
        """Return a copy of the network, to play with."""
        return copy.deepcopy(self.network).cpu().eval().requires_grad_(False)

    def _lines_at(self, at: RunPosition) -> list[PartLine]:
        """Return the scenes of this part of the run, dealt by its number and the seed alone."""
        block = at.step // _BLOCK_STEPS
        if block != self._block:
            random = np.random.default_rng((at.run_seed, at.process, 7, block))
            count = max(self.config.batch, _BLOCK_STEPS * self.config.batch // self.config.uses)
            self._lines = deal(self.corpus.split("train"), count, random, self.config.unconditioned)
            self._block = block
        return self._lines


def deal(
    pieces: Sequence[Piece], count: int, random: np.random.Generator, unconditioned: float
) -> list[PartLine]:
    """Deal scenes out of pieces, long ones more often than short ones.

    Parameters
    ----------
    count
        How many.
    unconditioned
        Share in which nothing is asked.

    Raises
    ------
    SettingError
        Hardly a piece has enough notes for a scene.
    """
    weights = np.sqrt([piece.pitch.size for piece in pieces])
    lines: list[PartLine] = []
    for _ in range(_TRIES * count):
        piece = pieces[int(random.choice(len(pieces), p=weights / weights.sum()))]
        scene = draw_scene(piece, random)
        if scene is not None:
            lines.append(line_of(scene, draw_asking(scene, random, unconditioned)))
        if len(lines) == count:
            return lines
    raise SettingError(
        f"of {_TRIES * count} draws from {len(pieces)} pieces only {len(lines)} gave a scene",
        "The corpus needs longer pieces, of eight notes and more.",
    )


def validation_scenes(pieces: Sequence[Piece], most: int = _VALIDATION_SCENES) -> list[Scene]:
    """Return scenes of held-out pieces, always the same: ours is all but the highest voice.

    Pieces of one voice are ours alone.
    """
    heard = [piece for piece in pieces if piece.pitch.size >= 8]
    stride = max(1, len(heard) // most)
    scenes = []
    for piece in heard[::stride][:most]:
        voices = sorted(set(piece.voice.tolist()))
        scene = scene_of(piece, voices[1:] or voices)
        if any(event.is_own for event in scene.events):
            scenes.append(scene)
    return scenes


def _open(config: EnsembleConfig, corpus: Corpus, device: torch.device) -> EnsembleLearner:
    return EnsembleLearner(config, corpus, device)


SYSTEM = System(
    name="ensemble-lstm",
    what="An LSTM for several voices that hears the player among them.",
    config=EnsembleConfig,
    recipes={
        "ensemble_lstm": EnsembleConfig(),
        "tiny": EnsembleConfig(
            units=24, note_width=16, head_widths=(12, 16, 12), batch=4, dropout=0.0,
            head_dropout=0.0, bfloat16=False, warm_up_steps=20, learning_rate=1e-2,
        ),
    },
    data=("openscore+jsb+tunes",),
    open_data=open_corpus,
    open=_open,
)  # fmt: skip
