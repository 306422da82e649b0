"""Points in a latent space."""

from dataclasses import replace

import numpy as np
import pytest

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import NamedLatent, Prior, VoiceCard
from instrument.bundle.installed import installed_bundle
from instrument.errors import PresetError
from instrument.latents.latent import (
    between,
    blend,
    draw,
    follow,
    lerp,
    random_recipe,
    slerp,
)
from instrument.preset.sections import Recipe
from tests.helpers.models.tiny_model import tiny_bundle
from tests.helpers.places import GOLDEN

ROUND = Prior((0.0, 0.0), ((1.0, 0.0), (0.0, 1.0)))
SLANTED = Prior((1.0, -2.0), ((2.0, 0.0), (1.5, 0.5)))


def card_of(kind: str, prior: Prior, size: int = 2, **latents: tuple[float, ...]) -> VoiceCard:
    card = Bundle.load(tiny_bundle()).sound
    points = {name: NamedLatent(latent) for name, latent in latents.items()}
    return replace(card, kind=kind, prior=prior, latent_size=size, latents=points)


def test_slerp_on_the_circle_is_an_arc() -> None:
    for amount in (0.0, 0.25, 0.5, 1.0):
        angle = amount * np.pi / 2
        expected = [np.cos(angle), np.sin(angle)]
        assert slerp([1, 0], [0, 1], amount, ROUND) == pytest.approx(expected, abs=1e-12)


def test_slerp_is_what_the_authors_script_makes() -> None:
    """Arrays from Magenta's own code: tests/golden/gansynth/README.md."""
    with np.load(GOLDEN / "midi_util.npz") as golden:
        start, end = golden["slerp_p0"][0], golden["slerp_p1"][0]
        for amount, expected in zip(golden["slerp_t"], golden["slerp_out"], strict=True):
            assert slerp(start, end, float(amount), Prior()) == pytest.approx(expected, abs=1e-12)


def test_slerp_weighs_the_points_themselves_by_the_angle_between_them() -> None:
    """Half-way through a right angle both weights are sin 45 degrees."""
    middle = slerp([1, 0], [0, 3], 0.5, ROUND)
    assert middle == pytest.approx([np.sqrt(0.5), 3 * np.sqrt(0.5)])


def test_slerp_of_equally_distant_points_keeps_the_distance() -> None:
    middle = slerp([0.6, 0.8], [1, 0], 0.3, ROUND)
    assert np.linalg.norm(middle) == pytest.approx(1.0)


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
    card = card_of("frame_voice", SLANTED)
    points = np.array([draw(card, seed) for seed in range(4000)])
    factor = np.array(SLANTED.factor)
    assert points.mean(axis=0) == pytest.approx(SLANTED.mean, abs=0.12)
    assert np.cov(points, rowvar=False) == pytest.approx(factor @ factor.T, abs=0.35)
    assert np.array_equal(points[7], draw(card, 7))


def test_truncation_scales_the_distance_from_the_mean() -> None:
    mean, card = np.array(SLANTED.mean), card_of("frame_voice", SLANTED)
    assert draw(card, 3, 0.5) - mean == pytest.approx(0.5 * (draw(card, 3) - mean))


def test_a_card_without_a_prior_is_standard_normal() -> None:
    empty, written = (card_of("gansynth", prior) for prior in (Prior(), ROUND))
    for card in (empty, written):
        expected = np.random.Generator(np.random.PCG64(3)).standard_normal(2)
        assert draw(card, 3) == pytest.approx(expected, abs=0)
    start, end = [0.3, 2.0], [-1.0, 0.7]
    assert slerp(start, end, 0.3, Prior()) == pytest.approx(slerp(start, end, 0.3, ROUND))


def test_each_kind_of_model_goes_its_own_way() -> None:
    start, end = [1.0, 0.0], [0.0, 1.0]
    assert between(card_of("frame_voice", Prior()), start, end, 0.5) == pytest.approx([0.5, 0.5])
    arc = [np.cos(np.pi / 6), np.sin(np.pi / 6)]
    assert between(card_of("gansynth", Prior()), start, end, 1 / 3) == pytest.approx(arc)


def test_a_blend_of_gansynth_keeps_its_distance_from_the_centre() -> None:
    axes = {"x": (3.0, 0.0, 0.0), "y": (0.0, 3.0, 0.0), "z": (0.0, 0.0, 3.0)}
    card = card_of("gansynth", Prior(), 3, **axes)
    for shares in ({"x": 2.0, "y": 1.0}, {"z": 1.0, "x": 1.0, "y": 5.0}, {"x": -1.0, "y": 3.0}):
        assert np.linalg.norm(blend(card, shares)) == pytest.approx(3.0)
    arc = [3 * np.cos(np.pi / 6), 3 * np.sin(np.pi / 6), 0.0]
    assert blend(card, {"x": 2.0, "y": 1.0}) == pytest.approx(arc)
    assert blend(card, {"z": 1.0}) == pytest.approx(axes["z"])


def test_a_blend_is_the_weighted_mean_whatever_its_sum() -> None:
    card = Bundle.load(tiny_bundle()).sound
    bell, reed = (np.array(card.latents[name].latent) for name in ("Glass Bell", "Reed"))
    assert blend(card, {"Glass Bell": 3, "Reed": 1}) == pytest.approx(0.75 * bell + 0.25 * reed)
    assert blend(card, {"Glass Bell": 1.5, "Reed": -0.5}) == pytest.approx(1.5 * bell - 0.5 * reed)


def test_a_blend_that_cannot_be_says_why() -> None:
    card = Bundle.load(tiny_bundle()).sound
    with pytest.raises(PresetError, match="no instrument 'glas bell'\nDid you mean 'Glass Bell'"):
        blend(card, {"glas bell": 1})
    with pytest.raises(PresetError, match="It has: Glass Bell, Choir, Reed"):
        blend(card, {"xxx": 1})
    with pytest.raises(PresetError, match="add up to 0"):
        blend(card, {"Reed": 1, "Choir": -1})


def test_recipes_are_blends_or_draws() -> None:
    card = Bundle.load(tiny_bundle()).sound
    assert np.array_equal(follow(Recipe(blend={"Reed": 1}), card), card.latents["Reed"].latent)
    assert np.array_equal(follow(Recipe(seed=4), card), draw(card, 4, sharpness=0.0))


def test_a_sharpened_draw_is_the_formula_of_the_docs() -> None:
    """z' = √size · w U / |w U| with w = exp(p U z), U the instruments' directions."""
    axes = {"x": (2.0, 0.0, 0.0), "y": (0.0, 2.0, 0.0), "z": (0.0, 0.0, 2.0)}
    card = card_of("gansynth", Prior(sharpness=2.0), 3, **axes)
    normal = np.random.Generator(np.random.PCG64(5)).standard_normal(3)
    weights = np.exp(2.0 * normal)
    expected = np.sqrt(3.0) * weights / np.linalg.norm(weights)
    assert draw(card, 5) == pytest.approx(expected)
    assert draw(card, 5, sharpness=0.0) == pytest.approx(normal)
    assert draw(card, 5, 0.0) == pytest.approx([1.0, 1.0, 1.0])  # no truncation: all alike


def test_old_recipes_keep_their_sound_whatever_the_card_says() -> None:
    card = card_of("gansynth", Prior(sharpness=2.0), 2, a=(1.0, 0.0), b=(0.0, 1.0))
    plain = card_of("gansynth", Prior(), 2, a=(1.0, 0.0), b=(0.0, 1.0))
    assert follow(Recipe(seed=7), card) == pytest.approx(draw(plain, 7))
    new = random_recipe(card, 7)
    assert new == Recipe(seed=7, sharpness=2.0)
    assert follow(new, plain) == pytest.approx(draw(card, 7))


def test_shipped_gansynth_draws_sounds_that_are_mostly_of_few_instruments() -> None:
    card = installed_bundle("gansynth_small").sound
    directions = np.array([entry.latent for entry in card.latents.values()]) / 16.0

    def most(sharpness: float) -> float:
        shares = [directions @ draw(card, seed, sharpness=sharpness) for seed in range(60)]
        powers = np.square(np.clip(shares, 0.0, None))
        return float(np.median(powers.max(axis=1) / powers.sum(axis=1)))

    assert card.prior.sharpness == 2.0
    assert most(0.0) < 0.25 < 0.4 < most(2.0)
