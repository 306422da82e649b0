"""Weights as float16: what counts as a change, and that nothing else changes."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch

from export.gansynth.graph import PlainTones
from export.gansynth.rounding import (
    RoundingChange,
    cents_between,
    rounding_change,
    spectral_distance_db,
    with_half_weights,
)
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.tones import GansynthTones

SIZE = NetworkSize(start=(4, 8), feature_base=512, feature_limit=8, latent_size=8, pitches=5)


def notes() -> GansynthTones:
    torch.manual_seed(0)
    return GansynthTones(Generator(SIZE)).eval().requires_grad_(False)


def tone(hz: float, level: float = 1.0) -> np.ndarray:
    seconds = np.arange(64000) / 16000
    partials = [np.sin(2 * np.pi * k * hz * seconds) / k for k in range(1, 6)]
    return np.asarray(level * np.sum(partials, axis=0), np.float32)


@pytest.mark.parametrize("cents", [-20.0, -1.0, 0.0, 0.1, 3.0, 40.0])
def test_a_tone_that_is_off_by_some_cents_is_heard_to_be(cents: float) -> None:
    found = cents_between(tone(220.0), tone(220.0 * 2 ** (cents / 1200)))
    assert found == pytest.approx(cents, abs=0.02)


def test_a_gain_moves_every_level_by_its_decibels() -> None:
    assert spectral_distance_db(tone(220.0), tone(220.0, level=2.0)) == pytest.approx(
        6.0206, abs=1e-3
    )
    assert spectral_distance_db(tone(220.0), tone(220.0)) == 0.0


def test_scaled_weights_become_numbers_that_float16_has() -> None:
    model = notes()
    rounded = with_half_weights(model)
    blocks: Iterable[tuple[Any, Any]]
    blocks = zip(PlainTones(model).blocks, PlainTones(rounded).blocks, strict=True)
    for before, after in blocks:
        for name in ("weight0", "weight1", "rgb_weight"):
            exact, kept = getattr(before, name), getattr(after, name)
            assert torch.equal(kept, exact.half().float())
        assert torch.equal(before.bias1, after.bias1)


def test_the_model_itself_stays_as_it_was() -> None:
    model = notes()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with_half_weights(model)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_a_rounded_model_is_compared_note_by_note() -> None:
    model = notes()
    change = rounding_change(model, with_half_weights(model))
    assert 0.0 < change.distance_db < 3.0
    assert RoundingChange(0.5, 1.0).is_inaudible
    assert not RoundingChange(0.6, 0.0).is_inaudible
    assert not RoundingChange(0.0, 1.1).is_inaudible
