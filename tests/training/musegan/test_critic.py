"""The critics and their gradient penalty, against closed forms."""

import pytest
import torch
from torch import Tensor, nn

from training.musegan.config import RECIPES
from training.musegan.critic import MuseCritic, gradient_penalty

SMALL = RECIPES["tiny"].size


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(1)


def test_the_gradient_penalty_of_a_linear_critic_is_known() -> None:
    weight = torch.randn(3, 2, 4, 5)

    class Linear(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x * weight).flatten(1).sum(dim=1)

    real, fake = torch.randn(6, 3, 2, 4, 5), torch.randn(6, 3, 2, 4, 5)
    expected = (weight.norm() - 1.0).square()
    torch.testing.assert_close(gradient_penalty(Linear(), real, fake), expected)


def test_the_penalty_counts_every_axis() -> None:
    # Were the norm taken per track, two tracks with slope 1 each would cost nothing.
    class TwoTracks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, 0, 0] + x[:, 1, 0]

    penalty = gradient_penalty(TwoTracks(), torch.randn(4, 2, 3), torch.randn(4, 2, 3))
    torch.testing.assert_close(penalty, torch.tensor((2.0**0.5 - 1.0) ** 2))


def test_a_critic_looks_at_one_example_at_a_time() -> None:
    critic = MuseCritic(SMALL, 8, 4, 8)
    rolls = torch.rand(3, 8, 4, 16, 48)
    torch.testing.assert_close(critic(rolls)[1], critic(rolls[1:2])[0])
