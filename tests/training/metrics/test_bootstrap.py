"""Confidence intervals, against the normal approximation."""

import numpy as np
import pytest

from training.metrics.bootstrap import mean_of, quartiles, ratio_of


def test_the_interval_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, 400)
    found = mean_of(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_pieces_without_a_value_are_left_out() -> None:
    found = mean_of([1.0, np.nan, 3.0])
    assert (found.value, found.count) == (2.0, 2)
    assert np.isnan(mean_of([np.nan]).value) and mean_of([]).count == 0


def test_a_ratio_weighs_pieces_by_their_size() -> None:
    assert ratio_of([10.0, 1.0], [10, 1]).value == 1.0
    assert ratio_of([10.0, 0.0], [1, 9]).value == 1.0


def test_the_same_seed_gives_the_same_interval() -> None:
    assert mean_of([1.0, 2.0, 4.0], seed=3) == mean_of([1.0, 2.0, 4.0], seed=3)


def test_quartiles_ignore_what_is_unknown() -> None:
    assert quartiles([0.0, 1.0, 2.0, 3.0, 4.0, np.nan]) == (1.0, 3.0)
    assert all(np.isnan(value) for value in quartiles([]))
