"""Draws follow the softmax, the masks, and the seed."""

from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import chisquare

from instrument.music.sampling import NoteRandom, draw, probabilities

LOGITS = np.array([2.0, 0.5, -1.0, 1.5, -3.0], np.float32)
DRAWS = 4000


def frequencies(**settings: Any) -> np.ndarray:
    random = np.random.default_rng(4)
    return np.bincount([draw(LOGITS, random, **settings) for _ in range(DRAWS)], minlength=5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_are_distributed_as_the_softmax(temperature: float) -> None:
    expected = DRAWS * softmax(LOGITS.astype(float) / temperature)
    assert chisquare(frequencies(temperature=temperature), expected).pvalue > 0.001
    assert np.allclose(probabilities(LOGITS, temperature) * DRAWS, expected)


def test_what_top_p_keeps_is_drawn_as_often_as_before_to_each_other() -> None:
    found = frequencies(top_p=0.9)
    # softmax: .520 .116 .026 .315 .004: the three likeliest reach .951, the two likeliest .835
    kept = np.where(np.isin(np.arange(5), [0, 1, 3]), softmax(LOGITS.astype(float)), 0)
    assert found[[2, 4]].sum() == 0
    assert chisquare(found[[0, 1, 3]], DRAWS * kept[[0, 1, 3]] / kept.sum()).pvalue > 0.001


def test_top_p_keeps_the_likeliest_until_their_share_is_reached() -> None:
    assert np.flatnonzero(frequencies(top_p=0.9)).tolist() == [0, 1, 3]
    assert np.flatnonzero(frequencies(top_p=0.8)).tolist() == [0, 3]
    assert np.flatnonzero(frequencies(top_p=0.0)).tolist() == [0]


def test_masked_choices_are_never_drawn_even_greedily() -> None:
    allowed = np.array([False, True, True, False, True])
    assert set(np.flatnonzero(frequencies(allowed=allowed))) == {1, 2, 4}
    random = np.random.default_rng(0)
    assert draw(LOGITS, random, temperature=0.0) == 0
    assert draw(LOGITS, random, temperature=0.0, allowed=allowed) == 1
    with pytest.raises(ValueError, match="nothing is allowed"):
        draw(LOGITS, random, allowed=np.zeros(5, bool))


def test_huge_logits_and_minus_infinity_do_not_overflow() -> None:
    wild = np.array([1e4, -np.inf, 1e4 - 50, -1e4])
    assert draw(wild, np.random.default_rng(0), temperature=0.1) == 0


def test_a_notes_randomness_depends_on_seed_and_number_alone() -> None:
    source = NoteRandom(9)
    first = [source.at(index).random(3).tolist() for index in (0, 1, 2)]
    again = [source.at(index).random(3).tolist() for index in (2, 0, 1)]
    assert first == [again[1], again[2], again[0]]
    philox = np.random.Philox(key=[9, 0], counter=[0, 0, 0, 1])
    assert first[1] == np.random.Generator(philox).random(3).tolist()
    assert NoteRandom(9, stream=1).at(0).random() != NoteRandom(9).at(0).random()
    assert NoteRandom(-1).at(0).random() == NoteRandom(2**64 - 1).at(0).random()
