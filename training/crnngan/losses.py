"""What C-RNN-GAN's two networks lose, and which of them may learn.

In: logits, features and notes of real and of generated phrases. Out: scalar losses.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import mse_loss, softplus

FREEZE_BELOW = 0.7
"""A network rests while its loss is under this share of the other's (the paper, section 4.3)."""


def energy_score(
    real: tuple[Tensor, ...], one: tuple[Tensor, ...], other: tuple[Tensor, ...]
) -> Tensor:
    """Return the energy score of two draws, the mean over cells, summed over views (…, n).

    It is |one - real| / 2 + |other - real| / 2 - |one - other| / 2 with Euclidean norms.
    """
    terms = [
        0.5 * (_distance(a, y) + _distance(b, y) - _distance(a, b)).mean()
        for y, a, b in zip(real, one, other, strict=True)
    ]
    return torch.stack(terms).sum()


def critic_loss_of(real: Tensor, fake: Tensor) -> Tensor:
    """Return the mean of -log D(real) - log(1 - D(fake)), halved, from logits of shape (b,)."""
    return 0.5 * (softplus(-real).mean() + softplus(fake).mean())


def feature_matching(fake: Tensor, real: Tensor, with_deviation: bool) -> Tensor:
    """Return the squared distance of the critic's features (b, cells, n), a mean over n.

    Parameters
    ----------
    fake, real
        Features of generated and of real phrases.
    with_deviation
        Compare means and standard deviations over batch and time; False pairs the phrases one by
        one as the paper's code does.
    """
    if not with_deviation:
        return mse_loss(fake, real)
    mean = mse_loss(fake.mean(dim=(0, 1)), real.mean(dim=(0, 1)))
    deviation = mse_loss(fake.std(dim=(0, 1)), real.std(dim=(0, 1)))
    return mean + deviation


def who_learns(critic_loss: float, generator_loss: float) -> tuple[bool, bool]:
    """Return whether the critic and the generator learn: the one that is far ahead rests."""
    critic_rests = critic_loss < FREEZE_BELOW * generator_loss
    generator_rests = generator_loss < FREEZE_BELOW * critic_loss
    return not critic_rests, not generator_rests


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return ((a - b).square().sum(dim=-1) + 1e-6).sqrt()
