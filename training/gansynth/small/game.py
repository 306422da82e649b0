"""A small GANSynth against a critic: latents of instruments are matched, random ones are judged.

In: a wave set. Out: a generator as `training.gansynth.small.learner` makes it, whose random latents
had to pass for recordings instead of being told which blend to sound like. Until the generator has
grown everything is matched; from then on each step draws 32 windows, matches the levels of those
that have a target and the phases of all, and lets the critic judge the levels of all. The critic
learns from the same images: one drawing serves both.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.audio.format import WAVE_FRAMES
from training.data.audio.waves import WaveSet
from training.gansynth.lean import real_penalty
from training.gansynth.small.config import SmallConfig
from training.gansynth.small.crop_critic import CropCritic, seen_part
from training.gansynth.small.crops import CROP_ROWS, choose_crop
from training.gansynth.small.learner import Asked, SmallLearner
from training.gansynth.validation import SoundCheck
from training.trainer.system import RunPosition, rate

_CHECKED = 12
_WINDOWS = 4 * CROP_ROWS


class GameLearner(SmallLearner):
    """See the module; parameters as `SmallLearner` has them, `config.critic` is given."""

    def __init__(self, config: SmallConfig, waves: WaveSet, device: torch.device) -> None:
        super().__init__(config, waves, device)
        assert config.critic
        self.rules = config.critic
        bins = config.size.image[1]
        self.critic = CropCritic(_WINDOWS, bins, config.size.pitches).to(device)
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), config.critic.learning_rate, (0.0, 0.99)
        )
        self.networks["critic"] = self.critic
        self.optimizers["critic"] = self.critic_optimizer
        self._waves = waves
        self._check: SoundCheck | None = None

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Take one step; see `training.trainer.system.Learner`."""
        if self.position_of(at) < self.config.size.blocks - 1:
            return super().step(at)
        position = self.grow(at)
        asked = self.draw(at.random)
        crop = choose_crop(at.random, self.config.size)
        assert crop is not None
        image = self.image(asked, position, crop)
        time = crop / (self.config.size.image[0] // 4 - CROP_ROWS)
        seen, pitch = seen_part(image, time), asked.pitch.to(self.device)
        losses = self._matched(asked, image, crop, at.random)
        fooled = F.softplus(-self._judge(seen, pitch)).mean()
        losses["loss"] = self.rules.matched_weight * losses["loss"] + self.rules.weight * fooled
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses["loss"])
        self.optimizer.step()
        self.average.update_parameters(self.generator)
        losses |= {"generator": fooled}
        losses |= self._critic_step(at, seen.detach(), pitch, asked, crop, time)
        stage = torch.tensor(position)
        return {name: loss.detach() for name, loss in losses.items()} | {"stage": stage}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Match held-out tones; and listen to random latents, as `SoundCheck` does."""
        figures = super().validate()
        if self._waves.waves.shape[1] != WAVE_FRAMES:
            return figures
        self._check = self._check or SoundCheck(self._waves, _CHECKED)
        return figures | self._check.figures(self.rendering(), self.device)

    def _matched(
        self, asked: Asked, image: Tensor, crop: int, random: np.random.Generator
    ) -> dict[str, Tensor]:
        """Match latents of instruments; of random ones the phases alone, to the nearest blend's."""
        windows = slice(4 * crop, 4 * (crop + CROP_ROWS))
        target = self.tones.blend(asked.which, asked.share, asked.pitch, 0, windows, random)
        is_random = asked.is_random.to(self.device)
        nothing = {name: image.new_zeros(()) for name in ("loss", "level_db", "turn")}
        known, unknown = (
            self.losses(image[some], target[some]) if some.any() else nothing
            for some in (~is_random, is_random)
        )
        return known | {"loss": known["loss"] + self.config.turn_weight * unknown["turn"]}

    def _critic_step(
        self,
        at: RunPosition,
        fake: Tensor,
        pitch: Tensor,
        asked: Asked,
        crop: int,
        time: float,
    ) -> dict[str, Tensor]:
        """Let the critic learn from what was drawn, and from recordings of the same pitches."""
        windows = slice(4 * crop, 4 * (crop + CROP_ROWS))
        index = self.tones.some(at.random, asked.pitch)
        real = seen_part(self.tones.read(index, 0, windows)[:, :2], time)
        for group in self.critic_optimizer.param_groups:
            group["lr"] = self.rules.learning_rate * rate(at)
        right, wrong = self.critic(real, pitch), self.critic(fake, pitch)
        loss = F.softplus(-right).mean() + F.softplus(wrong).mean()
        found = {"critic": loss, "distance": right.mean() - wrong.mean()}
        if at.step % self.rules.penalty_every == 0:
            penalty = real_penalty(lambda x: (self.critic(x, pitch), x), real)
            loss = loss + 0.5 * self.rules.penalty_weight * self.rules.penalty_every * penalty
            found["penalty"] = penalty
        self.critic_optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.critic_optimizer.step()
        return found

    def _judge(self, seen: Tensor, pitch: Tensor) -> Tensor:
        self.critic.requires_grad_(False)
        score: Tensor = self.critic(seen, pitch)
        self.critic.requires_grad_(True)
        return score
