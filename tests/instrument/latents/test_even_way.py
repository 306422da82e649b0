"""Ways on which every step is heard to be as long as the others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import ArrayLike

from instrument.bundle.card import Prior, VoiceCard
from instrument.latents.even_way import STEPS, EvenWay, heard_way, steps_of
from instrument.rendering.renderer import Audio, SineRenderer
from tests.instrument.offline.test_timbre_path import a_card


class Sudden(SineRenderer):
    """Sines whose overtones come within a tenth of the way, around the middle."""

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        come = 1 / (1 + np.exp(-(np.asarray(latents, np.float64) - 0.5) / 0.02))
        return super().render(pitches, come.astype(np.float32), velocities, frames)


@pytest.fixture
def card() -> VoiceCard:
    return dataclasses.replace(a_card(2, Prior()), kind="frame_voice")


def test_an_even_way_goes_slowly_where_much_changes() -> None:
    way = EvenWay([1.0, 1.0, 8.0, 8.0, 1.0, 1.0])
    assert [way.amount(share) for share in (0.0, 0.5, 1.0)] == pytest.approx([0.0, 0.5, 1.0])
    assert way.amount(0.1) == pytest.approx(2 / 6)
    assert way.amount(0.5) - way.amount(0.4) == pytest.approx(0.1 * 20 / 8 / 6)


@pytest.mark.parametrize("steps", [(), (0.0, 0.0), (3.0,)])
def test_a_way_without_changes_is_even_already(steps: tuple[float, ...]) -> None:
    assert EvenWay(steps).amount(0.3) == pytest.approx(0.3)


def test_a_stretch_without_change_is_passed_and_not_jumped() -> None:
    way = EvenWay([4.0, 0.0, 0.0, 4.0])
    amounts = [way.amount(share) for share in np.linspace(0, 1, 401)]
    assert np.all(np.diff(amounts) > 0)
    assert np.diff(amounts).max() < 0.06


def test_a_sudden_change_is_spread_over_the_way(card: VoiceCard) -> None:
    renderer = Sudden()
    start, end = np.zeros(2), np.ones(2)
    heard = heard_way(renderer, card, start, end)
    assert len(heard) == STEPS
    way = EvenWay(heard)

    def middle_and_largest(amounts: list[float]) -> tuple[float, float]:
        latents = np.repeat(np.array(amounts, np.float32)[:, None], 2, axis=1)
        steps = steps_of(renderer, latents, 60, 0.5)
        return float(steps[6:14].sum() / steps.sum()), float(steps.max() / steps.mean())

    shares = np.linspace(0, 1, 21).tolist()
    middle, largest = middle_and_largest(shares)
    assert middle > 0.8
    assert largest > 3.0
    middle, largest = middle_and_largest([way.amount(share) for share in shares])
    assert middle < 0.5
    assert largest < 2.2
