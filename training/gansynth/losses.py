"""What GANSynth's networks play for: the paper's rules, and leaner ones for one modern GPU.

In: a judge (the critic, hearing images in their own units) and images. Out: losses. Real and
generated images are judged apart, for the critic looks at how much a batch varies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from training.musegan.critic import gradient_penalty

Judge = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Images (n, channels, ...) to scores (n,) and logits of the pitch (n, pitches)."""
Figures = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class CriticInputs:
    """What the critic sees in one step.

    Attributes
    ----------
    real, pitch
        Recorded tones' images and their pitches, int64 from 0, (n,).
    fake
        As many generated images, without gradient.
    share
        A number from 0 to 1 for each pair of images, (n,).
    step
        Of the run.
    shrunk
        By how much images are smaller, each way, than those of full-grown networks: slopes by one
        of their cells are so many times those by the cells of an enlarged image, all together.
    """

    real: Tensor
    pitch: Tensor
    fake: Tensor
    share: Tensor
    step: int
    shrunk: int = 1


class Rules(Protocol):
    """A game for a generator and a critic."""

    def generator_loss(self, judge: Judge, fake: Tensor, pitch: Tensor) -> tuple[Tensor, Figures]:
        """Return what the generator minimises; images with the pitches that were asked for."""
        ...

    def critic_loss(self, judge: Judge, seen: CriticInputs) -> tuple[Tensor, Figures]:
        """Return what the critic minimises."""
        ...


class PaperRules:
    """The paper's game: Wasserstein distance with gradient penalty, and the pitch.

    Engel et al., 2019, section 3 after Karras et al., 2018, appendix A.1: the penalty is
    two-sided around 1, taken of *images in their own units*, since the critic normalises them
    itself; scores of real images drift towards 0. The pitch counts for the critic on real images
    only (Odena et al., 2017, count generated ones too).

    Parameters
    ----------
    pitch_weight, penalty_weight, drift_weight
        See `training.gansynth.config.GansynthConfig`.
    """

    def __init__(self, pitch_weight: float, penalty_weight: float, drift_weight: float) -> None:
        self.pitch_weight, self.penalty_weight = pitch_weight, penalty_weight
        self.drift_weight = drift_weight

    def generator_loss(self, judge: Judge, fake: Tensor, pitch: Tensor) -> tuple[Tensor, Figures]:
        """Return the negated score and the pitch's cross-entropy."""
        scores, logits = judge(fake)
        heard = F.cross_entropy(logits, pitch)
        loss = -scores.mean() + self.pitch_weight * heard
        return loss, {"generator": loss.detach(), "fake_pitch": heard.detach()}

    def critic_loss(self, judge: Judge, seen: CriticInputs) -> tuple[Tensor, Figures]:
        """Return the negated distance, the penalty, the drift and the pitch's cross-entropy."""
        (real_scores, logits), (fake_scores, _) = judge(seen.real), judge(seen.fake)
        distance = real_scores.mean() - fake_scores.mean()
        penalty = gradient_penalty(
            lambda x: judge(x)[0] / seen.shrunk, seen.real, seen.fake, seen.share
        )
        heard = F.cross_entropy(logits, seen.pitch)
        loss = (
            self.penalty_weight * penalty
            - distance
            + self.drift_weight * real_scores.square().mean()
            + self.pitch_weight * heard
        )
        figures = {"critic": loss, "distance": distance, "penalty": penalty, "real_pitch": heard}
        return loss, {name: value.detach() for name, value in figures.items()}
