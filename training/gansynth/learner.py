"""Train GANSynth: tones from a latent and a pitch, learned in a game with a critic.

In: a wave set. Out: a generator whose running average makes images of tones, see
`training.gansynth.tones`. After Engel et al., ICLR 2019, and Magenta's code where the paper is
silent: networks grow through 13 stages, at whose start the optimisers forget; the generator takes
its step, then the critic, each with tones and latents of its own; fakes have pitches as often as
the data. Several processes share one batch, as if it were one process's.
"""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from training.audio.format import WAVE_FRAMES, WAVE_RATE_HZ
from training.data.audio.waves import WaveSet
from training.gansynth.config import GansynthConfig
from training.gansynth.images import ToneImages
from training.gansynth.lean import LeanRules, in_single_precision, make_lean
from training.gansynth.losses import CriticInputs, Figures, PaperRules, Rules
from training.gansynth.network import Critic, Generator, blend_real
from training.gansynth.schedule import Schedule
from training.gansynth.tones import GansynthTones, Normalizer
from training.gansynth.validation import SoundCheck
from training.gansynth.wavegan_network import WaveganCritic, WaveganGenerator
from training.pictures.samples import NoteSamples
from training.trainer.average import WeightAverage
from training.trainer.distributed import average_gradients
from training.trainer.system import RunPosition

Number = TypeVar("Number", bound=np.generic)

_SAMPLE_PITCHES = (36, 48, 60, 72)
_CHECKED_BATCHES, _MOST_CHECKED = 4, 32
_UNSCALED = Normalizer(1.0, 0.0, 1.0, 0.0)


class GrowthState(nn.Module):
    """How far a run is and how its images are scaled, kept with the weights."""

    counts: Tensor
    scales: Tensor

    def __init__(self, normalizer: Normalizer) -> None:
        super().__init__()
        self.register_buffer("counts", torch.zeros(2, dtype=torch.int64))
        scales = torch.tensor(astuple(normalizer), dtype=torch.float64)
        self.register_buffer("scales", scales)

    @property
    def images(self) -> int:
        """Recorded tones' images that all processes have learned from."""
        return int(self.counts[0])

    @property
    def stage(self) -> int:
        """The last step's stage."""
        return int(self.counts[1])

    @property
    def normalizer(self) -> Normalizer:
        """How images are scaled."""
        return Normalizer(*self.scales.tolist())

    def advance(self, images: int, stage: int) -> None:
        """Take tone of a step."""
        self.counts[0] += images
        self.counts[1] = stage


class GansynthLearner:
    """Generator and critic in training.

    Parameters
    ----------
    config
        Options.
    waves
        Recorded or rendered tones.
    device
        Where to run.
    """

    def __init__(self, config: GansynthConfig, waves: WaveSet, device: torch.device) -> None:
        self.config, self.device = config, device
        self.images = ToneImages(waves, config, device)
        self.schedule = schedule_of(config)
        generator, critic = new_networks(config)
        self.generator, self.critic = generator.to(device), critic.to(device)
        self.average = WeightAverage(self.generator, config.average_decay)
        self.progress = GrowthState(_normalizer_of(config, self.images))
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "average": self.average,
            "critic": self.critic,
            "progress": self.progress,
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(
                self.networks[name].parameters(), config.learning_rate, config.betas
            )
            for name in ("generator", "critic")
        }
        if config.trainer == "paper" and device.type == "cuda":
            torch.backends.cudnn.deterministic = True  # to resume to the bit
        self.rules = self._rules()
        self._check: SoundCheck | None = None
        for network in (self.generator, self.critic):
            if config.trainer == "lean" and isinstance(network, Generator | Critic):
                make_lean(network, config, device)

    @property
    def position(self) -> float:
        """How far the networks have grown."""
        return self.schedule.position(self.progress.images)

    @property
    def _shrunk(self) -> int:
        """By how much images are smaller than full-grown: all of it is computed at their size."""
        full = self.schedule.blocks - 1
        return 1 << (full - math.ceil(self.position))

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Take a step of the generator, then the critic's."""
        stage = self.schedule.stage(self.progress.images)
        if stage != self.progress.stage:
            for optimizer in self.optimizers.values():
                optimizer.state.clear()
        random = np.random.default_rng(at.seed)
        self._share_batch(at.processes > 1)
        figures = self._generator_step(at, random)
        for _ in range(self.config.critic_steps):
            figures |= self._critic_step(at, random)
        self._share_batch(False)
        self.progress.advance(self.config.batch * at.processes, stage)
        figures["loss"] = figures["generator"] + figures["critic"]
        figures["stage"] = torch.tensor(float(stage))
        return figures

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Let the critic judge held-out tones and as many generated ones; measure those.

        Training tones score higher than held-out ones when the critic knows them by heart.
        """
        if not self.images.held_out.size:
            return {}
        random = np.random.default_rng(0)
        count = min(_CHECKED_BATCHES * self.config.batch, _MOST_CHECKED)
        self.critic.eval()
        groups = {
            "trained": self._heard(count, self.images.draw(random, count)),
            "held_out": self._heard(count, random.choice(self.images.held_out, count)),
            "fake": self._heard(count, None),
        }
        self.critic.train()
        judged = {
            f"{name}_{what}": figure
            for name, figures in groups.items()
            for what, figure in figures.items()
        }
        if self.config.frames != WAVE_FRAMES:
            return judged
        self._check = self._check or SoundCheck(self.images.waves, count)
        return judged | self._check.figures(self._tones(), self.device)

    @torch.no_grad()
    def samples(self) -> NoteSamples:
        """Play four pitches with the averaged generator, each with a latent of its own."""
        random = np.random.default_rng(0)
        tones = self._tones()
        z = self._to_device(self._latents(random, len(_SAMPLE_PITCHES)))
        waves = tones(z, torch.tensor(_SAMPLE_PITCHES, device=self.device)).cpu().numpy()
        titles = (f"pitch {pitch}" for pitch in _SAMPLE_PITCHES)
        has_colours = self.config.frames >= WAVE_RATE_HZ  # a constant-Q transform needs a second
        return NoteSamples(
            dict(zip(titles, waves, strict=True)),
            WAVE_RATE_HZ,
            _SAMPLE_PITCHES if has_colours else None,
        )

    def _tones(self) -> GansynthTones:
        normalizer, drawing = self.progress.normalizer, self.images.drawing
        return GansynthTones(self.average.module, normalizer, drawing, self.position)

    def _generator_step(self, at: RunPosition, random: np.random.Generator) -> Figures:
        z, pitch = self._asked(at, random)
        self.critic.requires_grad_(False)
        loss, figures = self.rules.generator_loss(
            self._judge, self._made(self.generator, z, pitch), pitch
        )
        self._descend("generator", loss)
        self.critic.requires_grad_(True)
        self.average.update_parameters(self.generator)
        return figures

    def _critic_step(self, at: RunPosition, random: np.random.Generator) -> Figures:
        count = self.config.batch * at.processes
        rows = self._own(at, self.images.draw(random, count))
        z, asked = self._asked(at, random)
        share = self._to_device(self._own(at, random.random(count, np.float32)))
        with torch.no_grad():
            fake, (real, pitch) = self._made(self.generator, z, asked), self._real(rows)
        seen = CriticInputs(real, pitch, fake, share, at.step, self._shrunk)
        loss, figures = self.rules.critic_loss(self._judge, seen)
        self._descend("critic", loss)
        return figures

    def _descend(self, name: str, loss: Tensor) -> None:
        """Take a step of one network; what does not matter yet has a gradient of zero."""
        optimizer, learning = self.optimizers[name], self._learning(self.networks[name])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        for parameter in learning:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        average_gradients(learning)
        optimizer.step()

    def _learning(self, network: nn.Module) -> list[nn.Parameter]:
        """Return the weights of the blocks that are there in this stage."""
        unborn: set[nn.Parameter] = set()
        if isinstance(network, Generator | Critic):
            blocks = self.schedule.blocks_in(self.schedule.stage(self.progress.images))
            unborn.update(network.blocks[blocks:].parameters())
        return [parameter for parameter in network.parameters() if parameter not in unborn]

    def _judge(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Let the critic judge; the paper's looks at images in their own units."""
        if self.config.trainer == "paper":
            image = self.progress.normalizer.normalise(image)
        found: tuple[Tensor, Tensor] = self.critic(image, self.position)
        return found

    def _share_batch(self, is_shared: bool) -> None:
        if isinstance(self.critic, Critic):
            self.critic.shares_batch = is_shared

    def _judge_steeply(self, image: Tensor) -> tuple[Tensor, Tensor]:
        assert isinstance(self.critic, Critic)
        with in_single_precision(self.critic):
            return self._judge(image)

    def _made(self, player: nn.Module, z: Tensor, pitch: Tensor) -> Tensor:
        """Generate images as `_judge` wants them."""
        image: Tensor = (
            player(z, pitch, self.position, False)
            if isinstance(player, Generator)
            else player(z, pitch)
        )
        return image if self.config.trainer == "lean" else self.progress.normalizer.restore(image)

    def _real(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Draw recorded tones as `_judge` wants them, as coarse as generated ones; pitches."""
        image, pitch = self.images.of(rows)
        if self.schedule.stage_images:
            image = F.avg_pool2d(image, self._shrunk)
            image = blend_real(image, self.position, math.ceil(self.position) + 1)
        is_lean = self.config.trainer == "lean"
        return self.progress.normalizer.normalise(image) if is_lean else image, pitch

    def _heard(self, count: int, rows: NDArray[np.int64] | None) -> dict[str, float]:
        """Return the mean score and how many pitches were heard right; of fakes without rows."""
        random, right, score = np.random.default_rng(1), 0.0, 0.0
        for start in range(0, count, self.config.batch):
            size = min(self.config.batch, count - start)
            if rows is None:
                pitch = self._to_device(self.images.pitches(random, size))
                z = self._to_device(self._latents(random, size))
                image = self._made(self.average.module, z, pitch)
            else:
                image, pitch = self._real(rows[start : start + size])
            scores, logits = self._judge(image)
            right += float((logits.argmax(1) == pitch).sum())
            score += float(scores.sum())
        return {"score": score / count, "pitch_right": right / count}

    def _asked(self, at: RunPosition, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw latents and pitches for fakes; return this process's part of the batch."""
        count = self.config.batch * at.processes
        z, pitch = self._latents(random, count), self.images.pitches(random, count)
        return self._to_device(self._own(at, z)), self._to_device(self._own(at, pitch))

    def _own(self, at: RunPosition, whole: NDArray[Number]) -> NDArray[Number]:
        return whole[at.process * self.config.batch :][: self.config.batch]

    def _latents(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        return random.standard_normal((count, self.generator.size.latent_size), np.float32)

    def _to_device(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self.device, non_blocking=True)

    def _rules(self) -> Rules:
        config = self.config
        if config.trainer == "paper":
            return PaperRules(config.pitch_weight, config.penalty_weight, config.drift_weight)
        return LeanRules(
            config.pitch_weight, config.penalty_weight, config.penalty_every, self._judge_steeply
        )


def new_networks(
    config: GansynthConfig,
) -> tuple[Generator, Critic] | tuple[WaveganGenerator, WaveganCritic]:
    """Make a generator and a critic; weights come from torch's global generator."""
    if config.wave:
        return WaveganGenerator(config.wave), WaveganCritic(config.wave)
    return Generator(config.size), Critic(config.size)


def schedule_of(config: GansynthConfig) -> Schedule:
    """Return when networks grow; a waveform's do not."""
    return Schedule(config.size.blocks, config.stage_images)


def _normalizer_of(config: GansynthConfig, images: ToneImages) -> Normalizer:
    if config.normalizer == "measured":
        return images.measure()
    return Normalizer() if config.normalizer == "given" else _UNSCALED
