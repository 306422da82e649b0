"""The running mean of a network's weights, against the sum that it stands for."""

import pytest
import torch
from torch import nn

from training.trainer.average import WeightAverage, mean_weights
from training.trainer.run_card import load_networks


def line(weight: float) -> nn.Linear:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, weight)
    return network


def following(average: WeightAverage[nn.Linear], weights: tuple[float, ...]) -> float:
    for weight in weights:
        average.update_parameters(line(weight))
    return float(average.module.weight)


def test_the_mean_begins_with_the_first_update_and_follows() -> None:
    found = following(WeightAverage(line(99.0), decay=0.9), (1.0, 2.0, 4.0))
    assert found == pytest.approx(0.9 * (0.9 * 1.0 + 0.1 * 2.0) + 0.1 * 4.0)


def test_early_updates_count_more() -> None:
    found = following(WeightAverage(line(99.0), decay=0.5, early=(1, 10)), (1.0, 2.0, 4.0))
    assert found == pytest.approx((3 / 12) * ((2 / 11) * 1.0 + (9 / 11) * 2.0) + (9 / 12) * 4.0)


def test_after_the_beginning_the_decay_rules() -> None:
    average = WeightAverage(line(0.0), decay=0.5, early=(1, 10))
    before = following(average, (0.0,) * 20)
    assert following(average, (1.0,)) == pytest.approx(0.5 * before + 0.5)


def test_a_saved_mean_goes_into_a_bare_network() -> None:
    average = WeightAverage(line(3.0), decay=0.9)
    network = line(0.0)
    load_networks({"average": network}, {"networks": {"average": average.state_dict()}})
    assert float(network.weight.detach()) == 3.0


def test_a_mean_that_was_saved_bare_goes_on_where_it_was() -> None:
    average = WeightAverage(line(0.0), decay=0.5, early=(1, 10))
    average.load_state_dict(line(3.0).state_dict())
    assert following(average, (5.0,)) == pytest.approx(4.0)
    assert mean_weights(average.state_dict()) == {"weight": torch.tensor([[4.0]])}
