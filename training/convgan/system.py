"""The source documents' small convolutional audio GAN, on spectrogram tiles of any recordings.

In: a wave set (MAESTRO, a folder of WAV files, rendered notes). Out: networks from random numbers
to tiles of two seconds, and the sound of them.

The recipe ``document`` is the document's: latent 100, dense 128, two transposed convolutions, a
critic with one strided convolution, binary cross-entropy, batches of 32, tiles of 64x64. What the
document leaves out or cannot mean is mended there too, or nothing would run: its generator ends at
4x4 (`training.convgan.network`), it loads recordings as images, names no losses and no optimiser
(here Adam at 2e-4, beta 0.5), and has no way from a picture to sound (`training.audio.tiles`). The
default changes what keeps it from learning:

- a critic that is always sure teaches nothing: R1 keeps its slope small (Mescheder et al., 2018),
  on every eighth step (Karras et al., 2020, appendix B);
- dense 128 to 4x4x8 cannot tell sounds apart: networks with four doublings, and no batch norm;
- the last weights of a game are as good as chance: samples come from an average of the generator
  (Karras et al., 2018, section 3);
- levels are brought to ±1 by the range measured in the data, in dB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import softplus

from instrument.errors import SettingError
from training.audio.format import WAVE_FRAMES
from training.audio.tiles import TileRange, Tiles
from training.convgan.network import (
    DOCUMENT_LATENT,
    DOCUMENT_SIDE,
    DocumentGenerator,
    DocumentTileCritic,
    TileCritic,
    TileGenerator,
    TileSize,
)
from training.crnngan.losses import critic_loss_of
from training.data.audio.waves import WaveSet, WaveSplit, open_waves
from training.metrics.audio.sliced_wasserstein import tile_distance
from training.pictures.samples import NoteSamples
from training.trainer.average import WeightAverage
from training.trainer.checkpoint import CHECKPOINT
from training.trainer.descent import descend
from training.trainer.run_card import BEST, RunCard, load_networks, read_run
from training.trainer.system import Course, RunPosition, System, rate

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class ConvganConfig:
    """Options of the small convolutional GAN.

    Attributes
    ----------
    is_document
        The document's networks and training; see the module. `size` does not count then.
    size
        Of our networks.
    learning_rate, critic_rate
        Of Adam for the generator and the critic.
    slope_weight, slope_steps
        R1's weight (gamma), and on which steps it counts.
    average
        How slowly the generator's average moves; the document has none.
    batch, images
        Tiles in a step and in a whole course.
    compared
        Tiles on each side of a validation.
    """

    is_document: bool = False
    size: TileSize = field(default_factory=TileSize)
    learning_rate: float = 1e-3
    critic_rate: float = 1e-3
    slope_weight: float = 2.0
    slope_steps: int = 8
    average: float = 0.998
    batch: int = 16
    images: int = 96_000
    compared: int = 128

    @property
    def tiles(self) -> Tiles:
        """How sound is drawn; the document's tiles are half as high and as long as ours."""
        if self.is_document:
            return Tiles(DOCUMENT_SIDE, DOCUMENT_SIDE)
        return Tiles(self.size.windows, self.size.bands)

    @property
    def latent(self) -> int:
        """How many random numbers make a tile."""
        return DOCUMENT_LATENT if self.is_document else self.size.latent


class TileSounds:
    """A generator with all that turns its tiles into sound."""

    def __init__(self, config: ConvganConfig, generator: nn.Module, scale: TileRange) -> None:
        self.config, self.generator, self.range = config, generator, scale

    @torch.no_grad()
    def levels(self, count: int, seed: int) -> Tensor:
        """Generate tiles, float32 (count, 1, windows, bands), dB; the same seed makes the same."""
        latent = _random(seed).standard_normal((count, self.config.latent), np.float32)
        tiles = self.generator(torch.from_numpy(latent).to(self.range.low.device))
        levels: Tensor = self.range.restore(tiles).cpu()
        return levels

    def audio(self, count: int, seed: int) -> NDArray[np.float32]:
        """Generate sounds, float32 (count, frames), full scale ±1, at 16 kHz."""
        return self.config.tiles.audio(self.levels(count, seed), seed).numpy()


class ConvganLearner:
    """The small convolutional GAN in training.

    Parameters
    ----------
    config
        Its options.
    waves
        Learns from its "train" waves, is compared with "valid".
    device
        Where the networks are.

    Raises
    ------
    SettingError
        A split is empty.
    """

    def __init__(self, config: ConvganConfig, waves: WaveSet, device: torch.device) -> None:
        self.config, self.device, self._waves = config, device, waves
        _check(waves)
        self.generator, self.critic = networks_of(config)
        self.average = WeightAverage(self.generator, config.average, early=(1, 10))
        self.range = TileRange()
        self._held_out, _ = draw_tiles(config.tiles, waves, "valid", config.compared, _random(0))
        heard, _ = draw_tiles(config.tiles, waves, "train", config.compared, _random(1))
        self.range.measure(heard)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator.to(device),
            "critic": self.critic.to(device),
            "average": self.average.to(device),
            "range": self.range.to(device),
        }
        rates = {"generator": config.learning_rate, "critic": config.critic_rate}
        betas = (0.5, 0.999) if config.is_document else (0.0, 0.99)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(self.networks[name].parameters(), lr=speed, betas=betas)
            for name, speed in rates.items()
        }

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Take one step of the critic, then one of the generator."""
        config = self.config
        factor = 1.0 if config.is_document else rate(at, warm_up_steps=1)
        levels, _ = draw_tiles(config.tiles, self._waves, "train", config.batch, at.random)
        real = self.range.normalise(levels.to(self.device))
        with torch.no_grad():
            fake = self._generated()
        critic_loss = critic_loss_of(self.critic(real), self.critic(fake))
        losses = {"critic": critic_loss.detach()}
        if config.slope_weight and at.step % config.slope_steps == 0:
            slope = self._slope(real)
            critic_loss = critic_loss + 0.5 * config.slope_weight * config.slope_steps * slope
            losses["slope"] = slope.detach()
        descend(self.optimizers["critic"], critic_loss, config.critic_rate * factor)
        loss = softplus(-self.critic(self._generated())).mean()
        descend(self.optimizers["generator"], loss, config.learning_rate * factor)
        self.average.update_parameters(self.generator)
        return {"loss": loss.detach(), **losses}

    def validate(self) -> dict[str, float]:
        """Return how far tiles are from held-out ones: a sliced Wasserstein distance."""
        made = self.sounds().levels(self.config.compared, seed=0)
        distance = tile_distance(made, self._held_out)
        variety = float(made.std(dim=0).mean() / self._held_out.std(dim=0).mean())
        return {
            "loss": distance.total,
            "shape": distance.shape,
            "detail": distance.detail,
            "variety": variety,
        }

    def samples(self) -> NoteSamples:
        """Return four sounds, the same random numbers every time."""
        sounds = self.sounds().audio(_SHOWN, seed=1)
        waves = {f"tile {number}": wave for number, wave in enumerate(sounds)}
        return NoteSamples(waves, self.config.tiles.rate_hz)

    def sounds(self) -> TileSounds:
        """Return what the average generator plays; the document's has no average."""
        generator = self.generator if self.config.is_document else self.average.module
        return TileSounds(self.config, generator, self.range)

    def _generated(self) -> Tensor:
        latent = torch.randn(self.config.batch, self.config.latent)
        tiles: Tensor = self.generator(latent.to(self.device))
        return tiles

    def _slope(self, real: Tensor) -> Tensor:
        """Return the critic's squared slope at real tiles, averaged over them."""
        real = real.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(real).sum(), real, create_graph=True)
        return slope.square().sum(dim=(1, 2, 3)).mean()


def draw_tiles(
    tiles: Tiles, waves: WaveSet, split: WaveSplit, count: int, random: np.random.Generator
) -> tuple[Tensor, NDArray[np.float32]]:
    """Draw from anywhere in a split's waves: silence before and after them counts as heard.

    Returns
    -------
    Tensor
        Tiles, dB, float32, (count, 1, windows, bands).
    NDArray
        Their sound, float32, (count, frames).
    """
    margin = tiles.margin_frames
    rows = random.choice(waves.rows(split), count)
    begins = random.integers(0, WAVE_FRAMES - tiles.frames + 1, count)
    padded = np.pad(waves.audio(rows), ((0, 0), (margin, margin)))
    length = tiles.frames + 2 * margin
    heard = np.stack([wave[at : at + length] for wave, at in zip(padded, begins, strict=True)])
    return tiles.levels(torch.from_numpy(heard)), heard[:, margin:-margin]


def networks_of(config: ConvganConfig) -> tuple[nn.Module, nn.Module]:
    """Make a generator and a critic."""
    if config.is_document:
        return DocumentGenerator(), DocumentTileCritic()
    return TileGenerator(config.size), TileCritic(config.size)


def load_sounds(run: Path) -> tuple[RunCard, TileSounds]:
    """Open a run's best generator on the CPU, without its data.

    Raises
    ------
    FileError
        See `training.trainer.run_card.read_run`.
    """
    card, state = read_run(run, SYSTEM.name, BEST if (run / BEST).is_file() else CHECKPOINT)
    config = msgspec.convert(card.config, ConvganConfig)
    generator, _ = networks_of(config)
    scale = TileRange()
    name = "generator" if config.is_document else "average"
    load_networks({name: generator, "range": scale}, state)
    return card, TileSounds(config, generator.eval().requires_grad_(False), scale)


def _check(waves: WaveSet) -> None:
    splits: tuple[WaveSplit, ...] = ("train", "valid")
    for split in splits:
        if not len(waves.rows(split)):
            raise SettingError(f"{waves.name} has no {split} waves", "Choose another wave set.")


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


SYSTEM = System(
    name="convgan",
    what="A small convolutional GAN of spectrogram tiles, from any recordings.",
    config=ConvganConfig,
    recipes={
        "convgan": ConvganConfig(),
        "document": ConvganConfig(
            is_document=True,
            learning_rate=2e-4,
            critic_rate=2e-4,
            slope_weight=0.0,
            batch=32,
        ),
        "tiny": ConvganConfig(
            size=TileSize(windows=16, bands=64, channels=2, doublings=3, latent=8),
            batch=4,
            images=400,
            compared=16,
        ),
    },
    data=("soundfont",),
    open_data=open_waves,
    open=ConvganLearner,
    course=lambda config: Course(config.batch, config.images),
)
