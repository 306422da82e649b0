import pytest
import torch

from training.metrics.audio.sliced_wasserstein import tile_distance


def _tiles(seed: int, count: int = 64) -> torch.Tensor:
    """Return bars of random height: two sounds that differ in one number."""
    generator = torch.Generator().manual_seed(seed)
    level = -60.0 + 40.0 * torch.rand(count, 1, 1, 1, generator=generator)
    return level * torch.ones(1, 1, 16, 32) + torch.randn(count, 1, 16, 32, generator=generator)


def test_a_set_is_at_no_distance_from_itself_in_any_order() -> None:
    tiles = _tiles(0)
    distance = tile_distance(tiles, tiles.flip(0))
    assert distance.total == pytest.approx(0.0, abs=1e-5)


def test_sets_of_one_kind_are_nearer_than_others() -> None:
    tiles = _tiles(0)
    same, moved = tile_distance(_tiles(1), tiles), tile_distance(_tiles(1) - 20.0, tiles)
    assert same.shape < 0.5 * moved.shape
    assert moved.detail == pytest.approx(same.detail, abs=0.05)
    rough = _tiles(1) + 4.0 * torch.randn(64, 1, 16, 32, generator=torch.Generator().manual_seed(9))
    assert tile_distance(rough, tiles).detail > 5.0 * same.detail


def test_a_shift_of_every_level_is_the_mean_of_a_half_normal() -> None:
    tiles = torch.zeros(8, 1, 64, 128)
    distance = tile_distance(tiles + 10.0, tiles)  # directions of unit length: sums are N(0, 1)
    assert distance.shape == pytest.approx(10.0 * (2.0 / torch.pi) ** 0.5, rel=0.1)
    assert distance.detail == pytest.approx(0.0, abs=1e-4)


def test_one_sound_again_and_again_is_far() -> None:
    tiles = _tiles(0)
    assert tile_distance(tiles[:1].expand_as(tiles), tiles).shape > 3.0
