"""When GANSynth's networks grow, against the formula of its code and a checkpoint of it."""

import numpy as np
import pytest

from tests.helpers.places import GOLDEN
from training.gansynth.config import CONFIGS
from training.gansynth.schedule import Schedule

PAPER = Schedule(blocks=7, stage_images=800_000)


@pytest.mark.parametrize(
    ("images", "stage", "blocks", "position"),
    [
        (0, 0, 1, 0.0),
        (799_999, 0, 1, 0.0),
        (800_000, 1, 2, 0.0),
        (1_200_000, 1, 2, 0.5),
        (1_600_000, 2, 2, 1.0),
        (2_399_999, 2, 2, 1.0),
        (9_400_000, 11, 7, 5.75),
        (9_600_000, 12, 7, 6.0),
        (10_400_000, 12, 7, 6.0),
        (11_000_000, 12, 7, 6.0),
    ],
)
def test_stages_blocks_and_positions_are_the_papers(
    images: int, stage: int, blocks: int, position: float
) -> None:
    assert PAPER.stage(images) == stage
    assert PAPER.blocks_in(stage) == blocks
    assert PAPER.position(images) == pytest.approx(position)


def test_positions_follow_the_formula_of_the_original() -> None:
    stable = blend = 800_000
    least = 7 * stable + 6 * blend
    for images in np.random.default_rng(0).integers(0, 11_000_000, 50).tolist():
        seen = min(images, least - 1)
        share = max(0.0, (seen % (stable + blend) - stable) / blend)
        assert PAPER.position(images) == pytest.approx(seen // (stable + blend) + share)


def test_a_checkpoint_of_the_original_has_grown_as_far() -> None:
    with np.load(GOLDEN / "tiny_expected.npz") as expected:
        position = Schedule(blocks=7, stage_images=8).position(int(expected["global_step"]))
        assert position == float(expected["progress"])


def test_without_stages_networks_are_grown_from_the_first() -> None:
    grown = Schedule(blocks=7, stage_images=0)
    assert (grown.position(0), grown.stage(10**7), grown.blocks_in(0)) == (6.0, 0, 7)


def test_the_default_is_the_papers_best_and_every_course_goes_through_all_stages() -> None:
    assert next(iter(CONFIGS)) == "mel_prog_hires"
    for name, config in CONFIGS.items():
        schedule = Schedule(config.size.blocks, config.stage_images)
        assert schedule.stage(config.images - 1) == schedule.stages - 1, name
