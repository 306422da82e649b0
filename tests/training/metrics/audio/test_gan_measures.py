"""GANSynth's metrics against closed forms, scipy, and what chance must give."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import chi2_contingency

from training.metrics.audio.frechet import Gaussian, frechet_distance
from training.metrics.audio.ndb import Bins, proportion_z
from training.pitch_classifier import scores as pitch_scores

RANDOM = np.random.default_rng(3)


def test_frechet_distance_of_one_dimensional_gaussians_is_the_known_form() -> None:
    one, other = Gaussian(np.array([1.0]), np.array([[4.0]])), Gaussian(np.zeros(1), np.eye(1))
    assert frechet_distance(one, other) == pytest.approx(1.0**2 + (2.0 - 1.0) ** 2)


def test_frechet_distance_agrees_with_a_matrix_root() -> None:
    first, second = RANDOM.normal(size=(2, 200, 5))
    one, other = Gaussian.of(first @ RANDOM.normal(size=(5, 5))), Gaussian.of(second + 0.3)
    root = sqrtm(one.covariance @ other.covariance).real
    expected = np.square(one.mean - other.mean).sum() + np.trace(
        one.covariance + other.covariance - 2.0 * root
    )
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_bears_fewer_samples_than_dimensions() -> None:
    few = Gaussian.of(RANDOM.normal(size=(4, 10)))
    assert frechet_distance(few, few) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(few, Gaussian.of(RANDOM.normal(size=(4, 10)))) > 0.1


def test_certain_and_even_classes_score_as_many_as_there_are() -> None:
    chances = np.eye(8)[np.arange(64) % 8]
    assert pitch_scores.inception_score(chances) == pytest.approx(8.0)
    assert pitch_scores.inception_score(chances[::8]) == pytest.approx(1.0)  # one class only
    assert pitch_scores.inception_score(np.full((64, 8), 0.125)) == pytest.approx(1.0)


def test_entropy_is_in_nats_for_each_note() -> None:
    chances = np.array([[1.0, 0.0], [0.5, 0.5]])
    assert pitch_scores.entropies(chances) == pytest.approx([0.0, np.log(2.0)])


def test_accuracy_counts_notes_whose_likeliest_pitch_is_the_asked_one() -> None:
    chances = pitch_scores.probabilities(np.array([[0.0, 3.0], [2.0, 1.0]], np.float32))
    assert chances.sum(axis=1) == pytest.approx(1.0)
    assert pitch_scores.is_right(chances, np.array([1, 1])).tolist() == [1.0, 0.0]


def test_z_squared_is_the_chi_square_of_a_two_by_two_table() -> None:
    counts, others = np.array([30, 70]), np.array([15, 85])
    statistic = chi2_contingency([counts, others], correction=False).statistic
    assert np.square(proportion_z(counts, others)) == pytest.approx([statistic, statistic])


def test_few_bins_differ_between_samples_of_one_distribution() -> None:
    points = RANDOM.normal(size=(4000, 6)).astype(np.float32)
    differing = [
        Bins(points[:2000]).different(points[start : start + 500]) for start in (2000, 2500, 3000)
    ]
    # One in twenty by chance; k-means has seen its own points and draws them in a little.
    assert max(differing) <= 10


def test_many_bins_differ_when_modes_are_missing() -> None:
    points = RANDOM.normal(size=(2500, 6)).astype(np.float32)
    bins = Bins(points[:2000])
    half = points[2000:][points[2000:, 0] > 0.0]
    assert bins.different(half) > 15
    collapsed = np.repeat(points[2000:2001], 500, axis=0)
    assert bins.different(collapsed) > 35


def test_the_same_seed_finds_the_same_bins() -> None:
    points = RANDOM.normal(size=(500, 4)).astype(np.float32)
    assert np.array_equal(Bins(points, 10).middles, Bins(points, 10).middles)
