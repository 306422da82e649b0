"""Hard choices with soft gradients, and holds as rolls."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from instrument.music.piano_rolls import HOLD, REST
from training.musegan.heads import choose_classes, choose_pitches, sounding_and_onsets


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(1)


def test_choices_are_hard_and_let_gradients_through() -> None:
    logits = torch.randn(2, 3, 5, requires_grad=True)
    chosen = choose_classes(logits)
    torch.testing.assert_close(chosen.detach(), F.one_hot(logits.argmax(-1), 5).float())
    weight = torch.randn(2, 3, 5)
    (chosen * weight).sum().backward()
    expected = torch.autograd.grad((logits.softmax(-1) * weight).sum(), logits)[0]
    torch.testing.assert_close(logits.grad, expected)


@pytest.mark.parametrize("head", ["bernoulli", "binary"])
def test_binary_neurons_have_the_sigmoids_gradient(head: str) -> None:
    logits = torch.randn(100, requires_grad=True)
    chosen = choose_pitches(logits, head, slope=2.0)
    assert set(chosen.detach().round(decimals=5).tolist()) <= {0.0, 1.0}
    chosen.sum().backward()
    soft = torch.sigmoid(2.0 * logits.detach())
    torch.testing.assert_close(logits.grad, 2.0 * soft * (1.0 - soft))


def test_bernoulli_neurons_fire_as_often_as_they_say() -> None:
    torch.manual_seed(0)
    chosen = choose_pitches(torch.full((20000,), 1.0), "bernoulli")
    assert float(chosen.mean()) == pytest.approx(1 / (1 + np.exp(-1.0)), abs=0.01)


def test_holds_sound_as_the_step_before() -> None:
    line = torch.tensor([3, HOLD, REST, HOLD, 2, HOLD])
    sounding, onsets = sounding_and_onsets(F.one_hot(line, 4).float())
    assert sounding.tolist() == [[0, 1], [0, 1], [0, 0], [0, 0], [1, 0], [1, 0]]
    assert onsets.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0], [1, 0], [0, 0]]
