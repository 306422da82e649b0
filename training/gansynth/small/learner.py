"""GANSynth's generator learning tones one by one, before or instead of a game with a critic.

In: a wave set. Out: a generator that has a latent for each instrument of the set, and whose random
latents sound like instruments or like something between two or three of them. It takes an hour and
a half of a small processor, where a game takes days of a large one. After Bojanowski et al., 2018
(GLO), with latents that are given instead of learned: each instrument has a direction of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from training.audio.format import WAVE_RATE_HZ
from training.data.audio.wave_folder import open_notes
from training.data.audio.waves import WaveSet, open_waves
from training.gansynth.network import Generator
from training.gansynth.small.config import RECIPES, SmallConfig
from training.gansynth.small.crops import CROP_ROWS, choose_crop, draw_part, heed_pitch
from training.gansynth.small.instrument_latents import Instruments
from training.gansynth.small.tone_targets import ToneTargets, learned_instruments
from training.gansynth.tones import GansynthTones
from training.pictures.samples import NoteSamples
from training.trainer.average import WeightAverage
from training.trainer.run_card import load_networks, read_run
from training.trainer.system import RunPosition, System, rate

_AVERAGE_DECAY = 0.995
_OWN, _PAIR = 0.4, 0.2
_TOO_LOUD, _LOUDER = 0.5, 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step draws; n rows.

    Attributes
    ----------
    z
        float32, (n, latent_size), on the device that learns.
    which, share
        What each latent stands for, see `Instruments.shares`.
    pitch
        int64, (n,), from 0.
    is_random
        bool, (n,): drawn from the plain prior, without regard to instruments.
    """

    z: Tensor
    which: Tensor
    share: Tensor
    pitch: Tensor
    is_random: Tensor


class SmallLearner:
    """Match the tones of a wave set, coarse images first.

    Parameters
    ----------
    config, waves, device
        See `SmallConfig`, `ToneTargets`.
    """

    def __init__(self, config: SmallConfig, waves: WaveSet, device: torch.device) -> None:
        self.config, self.device = config, device
        drawing = (config.spectrogram, config.normalizer)
        self.tones = ToneTargets(waves, config.instruments, *drawing, config.size.blocks, device)
        self.generator = Generator(config.size).to(device)
        heed_pitch(self.generator)
        self.average = WeightAverage(self.generator, _AVERAGE_DECAY, early=(1, 10))
        self.instruments = Instruments(len(self.tones.names), config.size.latent_size)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "average": self.average,
            "instruments": self.instruments,
        }
        self.optimizer = torch.optim.Adam(
            self.generator.parameters(), lr=config.learning_rate, betas=(0.5, 0.99)
        )
        self.optimizers: dict[str, torch.optim.Optimizer] = {"generator": self.optimizer}

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Take one step; see `training.trainer.system.Learner`."""
        position = self.grow(at)
        asked = self.draw(at.random)
        crop = None
        if position > self.config.size.blocks - 2:
            crop = choose_crop(at.random, self.config.size)
        windows = slice(None) if crop is None else slice(4 * crop, 4 * (crop + CROP_ROWS))
        halvings = self.config.size.blocks - 1 - math.ceil(position)
        target = self.tones.blend(
            asked.which, asked.share, asked.pitch, halvings, windows, at.random
        )
        image = self.image(asked, position, crop)
        losses = self.losses(image, target)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses["loss"])
        self.optimizer.step()
        self.average.update_parameters(self.generator)
        stage = torch.tensor(position)
        return {name: loss.detach() for name, loss in losses.items()} | {"stage": stage}

    def grow(self, at: RunPosition) -> float:
        """Set the learning rate and how far the generator has grown; return the latter."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate(at)
        position = self.position_of(at)
        self.instruments.position.fill_(position)
        return position

    def position_of(self, at: RunPosition) -> float:
        """Return how far the generator has grown at a moment of the run."""
        times, blocks = zip(*self.config.growth, strict=True)
        return float(np.interp(at.fraction, times, blocks))

    def image(self, asked: Asked, position: float, crop: int | None) -> Tensor:
        """Draw what is asked for, see `draw_part`; float32."""
        pitch = asked.pitch.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.has_bfloat16):
            image = draw_part(self.generator, asked.z, pitch, position, crop)
        return image.float()

    def draw(self, random: np.random.Generator) -> Asked:
        """Draw latents; and instruments, their shares, and pitches for them to become."""
        count, size = self.config.batch, self.config.size.latent_size
        directions = self.instruments.directions.numpy()
        z = random.standard_normal((count, size))
        kind = random.uniform(size=count)
        angle = np.where(kind < _OWN, 0.0, random.uniform(0.0, math.pi / 2.0, count))
        pair = directions[random.integers(0, len(directions), (2, count))]
        between = np.cos(angle)[:, None] * pair[0] + np.sin(angle)[:, None] * pair[1]
        placed = math.sqrt(size) * between + random.uniform(0.0, 1.0, (count, 1)) * z
        z = np.where(kind[:, None] < _OWN + _PAIR, placed, z)
        latents = torch.from_numpy(z.astype(np.float32))
        which, share = self.instruments.shares(latents)
        has = self.tones.table["train"][which.numpy()] >= 0  # (n, 3, pitches)
        allowed = (has | (share.numpy() == 0.0)[:, :, None]).all(axis=1)
        alone = ~allowed.any(axis=1)  # no pitch in common: then only the nearest instrument
        share[torch.from_numpy(alone)] = F.one_hot(torch.tensor(0), share.shape[1]).float()
        allowed[alone] = has[alone, 0]
        chance = random.uniform(size=allowed.shape) * allowed
        pitch = torch.from_numpy(chance.argmax(axis=1))
        is_random = torch.from_numpy(kind >= _OWN + _PAIR)
        return Asked(latents.to(self.device), which, share, pitch, is_random)

    def validate(self) -> dict[str, float]:
        """Measure the average's images of tones that it never learned; level error in dB.

        No loss: images of different sizes cannot be compared, and the last checkpoint is the best.
        """
        table = self.tones.table["valid"]
        if not (table >= 0).any():
            return {}
        which, pitch = (torch.from_numpy(part) for part in np.nonzero(table >= 0))
        some = slice(0, None, max(1, len(pitch) // 64))
        which, pitch = which[some], pitch[some]
        index = torch.from_numpy(table[which.numpy(), pitch.numpy()])
        z, pitch = self.instruments.latents()[which].to(self.device), pitch.to(self.device)
        position = float(self.instruments.position)
        halvings = self.config.size.blocks - 1 - math.ceil(position)
        totals: dict[str, list[float]] = {}
        with torch.no_grad():
            for start in range(0, len(pitch), self.config.batch):
                part = slice(start, start + self.config.batch)
                image = draw_part(self.average.module, z[part], pitch[part], position, None)
                target = self.tones.read(index[part], halvings, slice(None))
                for name, value in self.losses(image, target).items():
                    totals.setdefault(name, []).append(float(value))
        return {name: float(np.mean(values)) for name, values in totals.items() if name != "loss"}

    def samples(self) -> NoteSamples:
        """Render instruments and random latents at several pitches."""
        tones = self.rendering()
        latents = self.instruments.latents()
        chosen = torch.linspace(0, len(latents) - 1, 4).round().long()
        seeded = torch.Generator().manual_seed(0)
        z = torch.cat([latents[chosen], torch.randn(2, latents.shape[1], generator=seeded)])
        pitch = torch.tensor([36, 48, 60, 72, 48, 60])
        with torch.no_grad():
            waves = tones(z.to(self.device), pitch.to(self.device)).cpu().numpy()
        titles = [self.tones.names[i] for i in chosen.tolist()] + ["random-1", "random-2"]
        return NoteSamples(
            {f"{t} {p}": w for t, p, w in zip(titles, pitch.tolist(), waves, strict=True)},
            WAVE_RATE_HZ,
        )

    def rendering(self) -> GansynthTones:
        """Return the average, ready to play."""
        position = float(self.instruments.position)
        return GansynthTones(
            self.average.module, self.config.normalizer, self.config.spectrogram, position
        )

    def losses(self, image: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Compare images (n, 2, windows, bins) with `ToneTargets`; loud or too loud counts most.

        Both errors are absolute; that of the phase's change is a chord of the circle.
        """
        normalizer = self.config.normalizer
        heard = target[:, 2]
        level = image[:, 0] - target[:, 0]
        level_weight = heard + 0.03 + _TOO_LOUD * (level.detach() - _LOUDER).clamp(min=0.0)
        turn_weight = heard.square() + 0.01
        half_angle = (image[:, 1] - target[:, 1]) * (0.5 * math.pi / normalizer.turn_scale)
        turn = 2.0 * half_angle.sin().abs()
        level_loss = (level.abs() * level_weight).mean() / level_weight.mean()
        turn_loss = (turn * turn_weight).mean() / turn_weight.mean()
        return {
            "loss": level_loss + self.config.turn_weight * turn_loss,
            "level_db": level_loss * (20.0 / math.log(10.0) / normalizer.level_scale),
            "turn": turn_loss,
        }


def _open(config: SmallConfig, waves: WaveSet, device: torch.device) -> SmallLearner:
    from training.gansynth.small.game import GameLearner

    return (GameLearner if config.critic else SmallLearner)(config, waves, device)


SYSTEM = System(
    name="gansynth-small",
    what="A small GANSynth that learns note by note, without a critic: 90 minutes on a CPU.",
    config=SmallConfig,
    recipes=RECIPES,
    data=("soundfont",),
    open_data=open_notes,
    open=_open,
)


def load_notes(folder: Path) -> GansynthTones:
    """Open what a run has learned, on the CPU: the averaged generator, as far as it has grown.

    Raises
    ------
    FileError
        No readable checkpoint, or one of another system.
    """
    config, instruments, state = _read(folder)
    generator = Generator(config.size)
    load_networks({"average": generator}, state)
    tones = GansynthTones(
        generator, config.normalizer, config.spectrogram, float(instruments.position)
    )
    return tones.eval().requires_grad_(False)


def instrument_latents(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return where each instrument of a run lies, by name, float32 (latent_size,).

    Raises
    ------
    FileError
        As `load_notes`; or the run learned all of a wave set that is not there any more.
    """
    config, instruments, _ = _read(folder)
    card, _ = read_run(folder, SYSTEM.name)
    names = config.instruments
    if len(names) != len(instruments.directions):  # it learned what its set has
        names = learned_instruments(open_waves(card.corpus), names)
    return dict(zip(names, instruments.latents().numpy(), strict=True))


def _read(folder: Path) -> tuple[SmallConfig, Instruments, dict[str, Any]]:
    card, state = read_run(folder, SYSTEM.name)
    config = msgspec.convert(card.config, SmallConfig)
    directions = state["networks"]["instruments"]["directions"]
    instruments = Instruments(*directions.shape)
    load_networks({"instruments": instruments}, state)
    return config, instruments, state
