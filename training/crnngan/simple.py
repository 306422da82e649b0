"""The simplified "C-RNN-GAN" of the source document: 100 pitches at once, from dense layers.

In: a corpus. Out: a network from 1,000 random numbers to 100 pitches, and phrases.

There is no recurrence in this generator, so it is not the paper's C-RNN-GAN, which is in
`training.crnngan.system`; it is kept because the document builds it, and to compare. The recipe
``document`` has its sizes: generator 256/512/1024 with LeakyReLU 0.2 and batch normalisation
(momentum 0.8), tanh, (100, 1); discriminator LSTM 512, bidirectional LSTM 512, dense 512 and 256;
latent 1,000; Adam at 2e-4, beta 0.5; batches of 64. Mended in the default:

- numbers between -1 and 1 were ids in alphabetical order of the names, so that neighbours had
  nothing to do with each other: here they are pitches, which are an order;
- fakes for the discriminator came from batch normalisation in inference mode: a network that
  nobody trains. Here both see the same generator;
- windows ran across the ends of pieces: here not;
- what the document calls an epoch is one batch; here it is called a step.

Every note lasts half a beat, here as there: this network knows no durations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from instrument.errors import SettingError
from instrument.music.chord_events import REST
from instrument.music.note import Note, Phrase
from instrument.music.vocabulary import Vocabulary
from training.crnngan.losses import critic_loss_of
from training.crnngan.notes import notes_of, texture_distance, to_one_scale
from training.data.symbolic.corpus import Corpus, Piece, open_corpus
from training.pictures.samples import PhraseSamples
from training.trainer.descent import descend
from training.trainer.system import RunPosition, System

NOTES = 100
LATENT = 1000
_HALF_BEAT = 0.5


@dataclass(frozen=True, slots=True)
class SimpleConfig:
    """Options of the simplified C-RNN-GAN.

    Attributes
    ----------
    is_document
        Learn alphabetical ids as the document does; see the module.
    critic_units
        Width of the discriminator's LSTMs and first dense layer; 512 in the document.
    learning_rate, batch
        Of Adam.
    """

    is_document: bool = False
    critic_units: int = 96
    learning_rate: float = 2e-4
    batch: int = 64


class SimpleGenerator(nn.Sequential):
    """Random numbers (b, 1000) to values in -1..1, (b, 100)."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for before, after in ((LATENT, 256), (256, 512), (512, 1024)):
            # Keras counts momentum from the other end: its 0.8 is torch's 0.2.
            layers += [
                nn.Linear(before, after),
                nn.LeakyReLU(0.2),
                nn.BatchNorm1d(after, momentum=0.2),
            ]
        super().__init__(*layers, nn.Linear(1024, NOTES), nn.Tanh())


class SimpleDiscriminator(nn.Module):
    """Values (b, 100) to the logit that they are real, (b,)."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.first = nn.LSTM(1, units, batch_first=True)
        self.second = nn.LSTM(units, units, batch_first=True, bidirectional=True)
        self.verdict = nn.Sequential(
            nn.Linear(2 * units, units),
            nn.LeakyReLU(0.2),
            nn.Linear(units, units // 2),
            nn.LeakyReLU(0.2),
            nn.Linear(units // 2, 1),
        )

    def forward(self, values: Tensor) -> Tensor:
        """Judge."""
        hidden, _ = self.first(values[..., None])
        _, (last, _) = self.second(hidden)
        verdict: Tensor = self.verdict(last.transpose(0, 1).flatten(1))
        return verdict[:, 0]


class SimpleLearner:
    """The simplified C-RNN-GAN in training.

    Parameters
    ----------
    config
        Its options.
    corpus
        Learns from its "train" pieces, is compared with "valid".
    device
        Where the networks are.
    """

    def __init__(self, config: SimpleConfig, corpus: Corpus, device: torch.device) -> None:
        self.config, self.device = config, device
        train = [_pitches(piece, config.is_document) for piece in corpus.split("train")]
        valid = [_pitches(piece, config.is_document) for piece in corpus.split("valid")]
        if config.is_document:
            train, valid = [np.concatenate(train)], [np.concatenate(valid)]
        self._train = [pitches for pitches in train if len(pitches) >= NOTES]
        self._valid = [pitches for pitches in valid if len(pitches) >= NOTES]
        if not self._train or not self._valid:
            raise SettingError(
                f"{corpus.name} has no piece of {NOTES} notes", "Choose another corpus."
            )
        self._values = _Values.of(self._train, config.is_document)
        self.generator = SimpleGenerator().to(device)
        self.critic = SimpleDiscriminator(config.critic_units).to(device)
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "critic": self.critic}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(net.parameters(), lr=config.learning_rate, betas=(0.5, 0.999))
            for name, net in self.networks.items()
        }

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Take one step of the discriminator, then one of the generator."""
        config = self.config
        windows = _draw(self._train, config.batch, at.random)
        real = torch.from_numpy(self._values.scaled(windows)).to(self.device)
        self.generator.train(not config.is_document)
        with torch.no_grad():
            fake = self._generated(config.batch)
        critic_loss = critic_loss_of(self.critic(real), self.critic(fake))
        descend(self.optimizers["critic"], critic_loss)
        self.generator.train()
        score = self.critic(self._generated(config.batch))
        loss = binary_cross_entropy_with_logits(score, torch.ones_like(score))
        descend(self.optimizers["generator"], loss)
        return {"loss": loss.detach(), "critic": critic_loss.detach()}

    def validate(self) -> dict[str, float]:
        """Return how far 64 phrases' pitch classes and intervals are from held-out ones'."""
        made = self._pitches(64, seed=0)
        held_out = _draw(self._valid, 256, np.random.default_rng(0))
        distances = texture_distance(_as_notes(made), _as_notes(held_out), bar_beats=4.0)
        chosen = {name: distances[name] for name in ("pitch class", "interval", "scale")}
        return {"loss": float(np.mean(list(chosen.values()))), **chosen}

    def samples(self) -> PhraseSamples:
        """Return three phrases."""
        made = enumerate(self.generate(3, seed=1))
        return PhraseSamples({f"from nothing {n}": phrase for n, phrase in made})

    def generate(self, count: int, seed: int) -> list[Phrase]:
        """Return phrases of 100 notes; rests, which only the document has, are silent."""
        return [
            Phrase.of(
                (
                    Note(_HALF_BEAT * index, int(pitch), _HALF_BEAT)
                    for index, pitch in enumerate(row)
                    if pitch >= 0
                ),
                _HALF_BEAT * NOTES,
            )
            for row in self._pitches(count, seed)
        ]

    @property
    def pitch_order(self) -> tuple[int, ...]:
        """The pitches (-1: a rest) that the network's -1..1 stands for, evenly spaced."""
        return tuple(int(pitch) for pitch in self._values.order)

    def _pitches(self, count: int, seed: int) -> NDArray[np.int64]:
        latent = torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed))
        self.generator.eval()
        with torch.no_grad():
            values = self.generator(latent.to(self.device)).cpu().numpy()
        return self._values.pitches(values)

    def _generated(self, count: int) -> Tensor:
        made: Tensor = self.generator(torch.randn(count, LATENT).to(self.device))
        return made


@dataclass(frozen=True, slots=True)
class _Values:
    """Between pitches (-1: a rest) and the network's -1..1: `order` holds pitches by rank."""

    order: NDArray[np.int64]

    @classmethod
    def of(cls, pieces: Sequence[NDArray[np.int64]], is_alphabetical: bool) -> _Values:
        pitches = np.unique(np.concatenate(pieces))
        if not is_alphabetical:
            return cls(np.arange(pitches[0], pitches[-1] + 1))
        names = Vocabulary.of(REST if pitch < 0 else str(pitch) for pitch in pitches).symbols[1:]
        return cls(np.array([-1 if name == REST else int(name) for name in names]))

    def scaled(self, pitches: NDArray[np.int64]) -> NDArray[np.float32]:
        rank = {int(pitch): index for index, pitch in enumerate(self.order)}
        ranks = np.vectorize(lambda pitch: rank.get(int(pitch), 0))(pitches)
        values = 2.0 * ranks / max(1, len(self.order) - 1) - 1.0
        return np.asarray(values, np.float32)

    def pitches(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        ranks = np.rint((values + 1.0) / 2.0 * (len(self.order) - 1)).astype(np.int64)
        pitches: NDArray[np.int64] = self.order[ranks]
        return pitches


def _pitches(piece: Piece, with_rests: bool) -> NDArray[np.int64]:
    """Return a piece's pitches; the document's with -1 for each rest, ours in one scale."""
    notes = notes_of(piece.phrase().notes)
    if not with_rests:
        return to_one_scale(notes)[:, 1].astype(np.int64)
    sounded = np.concatenate([[0.0], notes[:-1, 0]]) if len(notes) else np.zeros(0)
    gaps = np.flatnonzero(notes[:, 3] > sounded + 1e-3)
    return np.insert(notes[:, 1].astype(np.int64), gaps, -1)


def _draw(
    pieces: Sequence[NDArray[np.int64]], count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Draw windows of 100, shape (count, 100), longer pieces more often."""
    rooms = np.array([len(piece) - NOTES + 1 for piece in pieces], float)
    chosen = random.choice(len(pieces), size=count, p=rooms / rooms.sum())
    begins = [int(random.integers(0, int(rooms[index]))) for index in chosen]
    return np.stack([pieces[i][at : at + NOTES] for i, at in zip(chosen, begins, strict=True)])


def _as_notes(pitches: NDArray[np.int64]) -> NDArray[np.float32]:
    notes = np.zeros((*pitches.shape, 4), np.float32)
    notes[...] = _HALF_BEAT, 0.0, 80.0, _HALF_BEAT
    notes[..., 1] = pitches
    return notes


SYSTEM = System(
    name="crnngan-simple",
    what="C-RNN-GAN, simplified: 100 pitches at once from dense layers.",
    config=SimpleConfig,
    recipes={
        "crnngan_simple": SimpleConfig(),
        "document": SimpleConfig(is_document=True, critic_units=512),
        "tiny": SimpleConfig(critic_units=8, batch=4),
    },
    data=("tunes", "jsb"),
    open_data=open_corpus,
    open=SimpleLearner,
)
