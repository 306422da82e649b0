"""Points in a latent space."""

import numpy as np
import pytest

from instrument.bundle import Bundle
from instrument.card import Prior
from instrument.errors import PresetError
from instrument.latent import blend, draw, follow, lerp, neighbours, slerp
from instrument.preset import Recipe
from tests.tiny_model import tiny_bundle

ROUND = Prior((0.0, 0.0), ((1.0, 0.0), (0.0, 1.0)))
SLANTED = Prior((1.0, -2.0), ((2.0, 0.0), (1.5, 0.5)))


def test_slerp_on_the_circle_is_an_arc() -> None:
    for amount in (0.0, 0.25, 0.5, 1.0):
        angle = amount * np.pi / 2
        expected = [np.cos(angle), np.sin(angle)]
        assert slerp([1, 0], [0, 1], amount, ROUND) == pytest.approx(expected, abs=1e-12)


def test_slerp_interpolates_the_distance_from_the_centre() -> None:
    middle = slerp([1, 0], [0, 3], 0.5, ROUND)
    assert np.linalg.norm(middle) == pytest.approx(2.0)


@pytest.mark.parametrize("amount", [0.0, 1.0])
def test_both_paths_begin_and_end_at_their_points(amount: float) -> None:
    start, end = [0.3, 2.0], [-1.0, 0.7]
    for point in (lerp(start, end, amount), slerp(start, end, amount, SLANTED)):
        assert point == pytest.approx(end if amount else start)


def test_slerp_falls_back_to_a_line_where_there_is_no_arc() -> None:
    assert slerp([0, 0], [1, 1], 0.5, ROUND) == pytest.approx([0.5, 0.5])
    assert slerp([1, 1], [2, 2], 0.5, ROUND) == pytest.approx([1.5, 1.5])
    assert slerp([1, 0], [-1, 0], 0.25, ROUND) == pytest.approx([0.5, 0.0])


def test_draws_have_the_priors_mean_and_covariance() -> None:
    points = np.array([draw(SLANTED, seed) for seed in range(4000)])
    factor = np.array(SLANTED.factor)
    assert points.mean(axis=0) == pytest.approx(SLANTED.mean, abs=0.12)
    assert np.cov(points, rowvar=False) == pytest.approx(factor @ factor.T, abs=0.35)
    assert np.array_equal(points[7], draw(SLANTED, 7))


def test_spread_scales_the_distance_from_the_mean() -> None:
    mean = np.array(SLANTED.mean)
    assert draw(SLANTED, 3, 0.5) - mean == pytest.approx(0.5 * (draw(SLANTED, 3) - mean))


def test_a_blend_is_the_weighted_mean_whatever_its_sum() -> None:
    card = Bundle.load(tiny_bundle()).card
    bell, reed = (np.array(card.latents[name].latent) for name in ("Glass Bell", "Reed"))
    assert blend(card, {"Glass Bell": 3, "Reed": 1}) == pytest.approx(0.75 * bell + 0.25 * reed)
    assert blend(card, {"Glass Bell": 1.5, "Reed": -0.5}) == pytest.approx(1.5 * bell - 0.5 * reed)


def test_a_blend_that_cannot_be_says_why() -> None:
    card = Bundle.load(tiny_bundle()).card
    with pytest.raises(PresetError, match="no instrument 'glas bell'\nDid you mean 'Glass Bell'"):
        blend(card, {"glas bell": 1})
    with pytest.raises(PresetError, match="It has: Glass Bell, Choir, Reed"):
        blend(card, {"xxx": 1})
    with pytest.raises(PresetError, match="add up to 0"):
        blend(card, {"Reed": 1, "Choir": -1})


def test_recipes_are_blends_or_draws() -> None:
    card = Bundle.load(tiny_bundle()).card
    assert np.array_equal(follow(Recipe(blend={"Reed": 1}), card), card.latents["Reed"].latent)
    assert np.array_equal(follow(Recipe(seed=4), card), draw(card.prior, 4))


def test_an_instrument_is_its_own_nearest_neighbour() -> None:
    card = Bundle.load(tiny_bundle()).card
    (name, distance), *others = neighbours(card, card.latents["Choir"].latent)
    assert name == "Choir"
    assert distance == pytest.approx(0.0, abs=1e-5)
    assert len(others) == 2
    assert all(other > 0.5 for _, other in others)
