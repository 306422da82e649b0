"""Counting n-grams, against sums done by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrument.composers.ngram.skip_ngram import NgramMixture, SkipNgram, best_weights

EVEN = np.full(4, 0.25)


def test_an_empty_model_gives_its_prior() -> None:
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(SkipNgram(4).distribution([1, 2], prior), prior)


def test_one_context_is_witten_and_bells_method_c() -> None:
    model = SkipNgram(4, caution=1.0)
    for symbol in (0, 0, 0, 1):
        model.learn([], symbol)
    # Four observations of two kinds: 2 / (4 + 2) is left to the prior.
    expected = np.array([3, 1, 0, 0]) / 6 + 2 / 6 * EVEN
    np.testing.assert_allclose(model.distribution([], EVEN), expected)


def test_a_longer_context_leans_on_the_shorter() -> None:
    model = SkipNgram(4, caution=1.0)
    for symbol in (2, 0, 0):  # the first only makes the empty context known
        model.learn([7], symbol)
    model.learn([8], 3)
    short = np.array([2, 0, 1, 1]) / 7 + 3 / 7 * EVEN
    after_7 = np.array([2, 0, 0, 0]) / 3 + 1 / 3 * short
    np.testing.assert_allclose(model.distribution([7], EVEN), after_7)
    np.testing.assert_allclose(model.distribution([9], EVEN), short)


def test_caution_leaves_more_to_the_shorter_context() -> None:
    model = SkipNgram(4, caution=2.0)
    model.learn([], 0)
    np.testing.assert_allclose(
        model.distribution([], EVEN), np.array([1, 0, 0, 0]) / 3 + 2 / 3 * EVEN
    )


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=4), st.integers(0, 3)), max_size=40),
    st.lists(st.integers(0, 3), max_size=4),
)
def test_probabilities_are_positive_and_sum_to_one(
    learned: list[tuple[list[int], int]], context: list[int]
) -> None:
    model = SkipNgram(4)
    for seen, symbol in learned:
        model.learn(seen, symbol)
    found = model.distribution(context, EVEN)
    assert found.min() > 0 and found.sum() == pytest.approx(1.0)


def test_a_repeating_line_becomes_almost_certain() -> None:
    line, model = [0, 1, 2, 3] * 50, SkipNgram(4)
    for now, after in pairwise(line):
        model.learn([now], after)
    assert model.distribution([1], EVEN)[2] > 0.95


def test_a_mixture_is_the_weighted_average() -> None:
    mixture = NgramMixture(4, [3.0, 1.0], caution=1.0)
    mixture.parts[0].learn([], 0)
    mixture.parts[1].learn([], 1)
    expected = 0.75 * (np.eye(4)[0] + EVEN) / 2 + 0.25 * (np.eye(4)[1] + EVEN) / 2
    np.testing.assert_allclose(mixture.distribution([[], []], EVEN), expected)


def test_best_weights_are_those_of_the_maximum_likelihood() -> None:
    random = np.random.default_rng(0)
    given = random.uniform(0.05, 1.0, (400, 2))
    shares = np.linspace(0, 1, 1001)
    likelihood = [np.log(given @ [share, 1 - share]).sum() for share in shares]
    best = best_weights(given, rounds=500)
    assert best[0] == pytest.approx(shares[int(np.argmax(likelihood))], abs=2e-3)
    assert best.sum() == pytest.approx(1.0)
