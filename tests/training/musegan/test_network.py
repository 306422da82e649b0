"""MuseGAN's generators: every mode and shape, what each latent moves, and the prior of latents."""

import dataclasses

import pytest
import torch
from torch import Tensor

from training.musegan.config import RECIPES
from training.musegan.critic import DocumentBarCritic
from training.musegan.network import MuseGenerator
from training.musegan.prior import LatentPrior
from training.musegan.size import Mode, MuseSize

SMALL = RECIPES["tiny"].size


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(1)


def latents(size: MuseSize, count: int = 2) -> dict[str, Tensor]:
    return {name: torch.randn(count, *shape) for name, shape in size.latents.items()}


@pytest.mark.parametrize("mode", ["jamming", "composer", "hybrid"])
@pytest.mark.parametrize(
    ("tracks", "bars", "steps", "pitches"),
    [(4, 2, 16, 48), (4, 4, 16, 48), (4, 1, 16, 48), (5, 4, 48, 84), (5, 2, 96, 84)],
)
def test_every_mode_plays_every_shape(
    mode: Mode, tracks: int, bars: int, steps: int, pitches: int
) -> None:
    size = dataclasses.replace(
        SMALL, mode=mode, tracks=tracks, bars=bars, steps=steps, pitches=pitches
    )
    logits = MuseGenerator(size)(latents(size))
    assert logits.shape == (2, tracks, bars, steps, pitches + 2)


def test_the_documents_generator_has_6_32_million_weights() -> None:
    generator = MuseGenerator(RECIPES["document"].size)
    count = sum(p.numel() for p in generator.parameters())
    assert round(count / 1e6, 2) == 6.32
    roll = generator.eval()(latents(generator.size))
    assert roll.shape == (2, 4, 2, 16, 84)
    assert DocumentBarCritic(4, 2)(roll).shape == (2,)


def test_modes_use_the_latents_that_the_paper_gives_them() -> None:
    used = {
        mode: set(dataclasses.replace(SMALL, mode=mode).latents)
        for mode in ("jamming", "composer", "hybrid")
    }
    shared, own = {"z_song", "z_time"}, {"z_track", "z_track_time"}
    assert used == {"jamming": own, "composer": shared, "hybrid": shared | own}


def test_a_tracks_own_latent_moves_that_track_alone() -> None:
    generator = MuseGenerator(SMALL).eval()
    z = latents(SMALL, 1)
    other = dict(z, z_track=z["z_track"].clone())
    other["z_track"][:, 2] += 1.0
    moved = (generator(z) - generator(other)).abs().amax(dim=(0, 2, 3, 4))
    assert moved[2] > 1e-3
    assert moved[[0, 1, 3]].max() == 0.0


def test_the_song_latent_moves_every_track_and_bar() -> None:
    generator = MuseGenerator(SMALL).eval()
    z = latents(SMALL, 1)
    other = dict(z, z_song=z["z_song"] + 1.0)
    moved = (generator(z) - generator(other)).abs().amax(dim=(0, 3, 4))
    assert moved.min() > 1e-4


def test_time_latents_make_bars_differ() -> None:
    generator = MuseGenerator(SMALL).eval()
    logits = generator(latents(SMALL, 1))
    assert (logits[:, :, 0] - logits[:, :, 1]).abs().max() > 1e-3


def test_skips_reach_the_accompaniment_bar_by_bar() -> None:
    size = dataclasses.replace(SMALL, given_track=0)
    generator = MuseGenerator(size).eval()
    roll = torch.zeros(1, size.bars, size.steps, size.pitches)
    other = roll.clone()
    other[:, 1, :, 20] = 1.0
    z = latents(size, 1)
    moved = generator(z, generator.encode_given(roll)) - generator(z, generator.encode_given(other))
    by_bar = moved.abs().amax(dim=(0, 1, 3, 4))
    assert by_bar[1] > 1e-4
    assert by_bar[[0, 2, 3]].max() == 0.0


def test_every_skip_level_matters() -> None:
    size = dataclasses.replace(SMALL, given_track=0)
    generator = MuseGenerator(size).eval()
    z = latents(size, 1)
    given = generator.encode_given(torch.rand(1, size.bars, size.steps, size.pitches))
    plain = generator(z, given)
    for level in range(len(given)):
        changed = [g + (1.0 if i == level else 0.0) for i, g in enumerate(given)]
        assert (generator(z, changed) - plain).abs().max() > 1e-5


def test_going_on_depends_on_the_bars_before() -> None:
    size = dataclasses.replace(SMALL, bars=2, previous_bars=2)
    generator = MuseGenerator(size).eval()
    z = latents(size, 1)
    rolls = torch.rand(1, size.tracks, 2, size.steps, size.pitches)
    contexts = [generator.encode_before(part) for part in (rolls, 1.0 - rolls)]
    moved = generator(z, None, contexts[0]) - generator(z, None, contexts[1])
    assert moved.abs().max() > 1e-6


def test_the_prior_learns_the_mean_and_covariance_of_what_is_found() -> None:
    size = dataclasses.replace(SMALL, mode="composer", latent_size=2)
    prior = LatentPrior(size)
    mixing = torch.tensor(
        [[1.0, 0.5, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.3, 0.0, 0.5, 0.0], [0.0, 0.0, 0.2, 2.0]]
    )
    torch.manual_seed(0)
    for _ in range(2000):
        flat = torch.randn(64, 4) @ mixing.T + 1.0
        prior.learn({"z_song": flat[:, :2], "z_time": flat[:, 2:]})
    torch.testing.assert_close(prior.mean, torch.ones(4), atol=0.05, rtol=0.0)
    torch.testing.assert_close(prior.covariance, mixing @ mixing.T, atol=0.15, rtol=0.0)
    noise = {"z_song": torch.randn(20000, 2), "z_time": torch.randn(20000, 2)}
    drawn = torch.cat([*prior(noise).values()], dim=1)
    torch.testing.assert_close(torch.cov(drawn.T), prior.covariance, atol=0.15, rtol=0.0)


def test_the_song_comes_from_its_own_noise_alone() -> None:
    prior = LatentPrior(SMALL)
    count = len(prior.mean)
    mixing = torch.eye(count) + 0.1 * torch.ones(count, count)
    prior.covariance.copy_(mixing @ mixing.T)
    z = latents(SMALL, 1)
    moved = prior(dict(z, z_time=z["z_time"] + 1.0))
    torch.testing.assert_close(moved["z_song"], prior(z)["z_song"])
    torch.testing.assert_close(moved["z_track"], prior(z)["z_track"])
    assert (moved["z_track_time"] - prior(z)["z_track_time"]).abs().max() > 1e-3


def test_latents_are_standard_normal_until_an_encoder_finds_others() -> None:
    z = latents(SMALL, 3)
    for name, latent in LatentPrior(SMALL)(z).items():
        torch.testing.assert_close(latent, z[name], atol=2e-3, rtol=1e-3)


def test_random_latents_are_drawn_wider_than_found_ones() -> None:
    wide = LatentPrior(dataclasses.replace(SMALL, spread=1.5))
    z = latents(SMALL, 3)
    plain = LatentPrior(SMALL)(z)
    for name, latent in wide(z).items():
        torch.testing.assert_close(latent, 1.5 * plain[name])
