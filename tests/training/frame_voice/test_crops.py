"""Crops of tones: a function of seed and step, and of what training may hear."""

from dataclasses import replace

import numpy as np
import pytest

from training.data.audio.synthetic_tones import TEST_PITCHES, write_tones
from training.data.audio.tone_set import TEST, ToneSet
from training.frame_voice.config import TrainingConfig
from training.frame_voice.crops import CropSource, Prefetch
from training.trainer.system import RunPosition


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> ToneSet:
    return write_tones(tmp_path_factory.mktemp("tones"))


def at(step: int, seed: int = 4) -> RunPosition:
    run = RunPosition(step, 0.0, np.random.default_rng(0), 0, 1, run_seed=seed)
    return replace(run, random=run.random_of(step))


def test_crops_are_a_function_of_seed_and_step(tones: ToneSet) -> None:
    config = TrainingConfig(batch_size=6, crop_hops=20)
    first, again = (CropSource(tones, config, 8).batch(at(17).random) for _ in range(2))
    for name in ("audio", "noise", "latent_noise", "first_hop", "motion_phases"):
        assert (getattr(first, name) == getattr(again, name)).all()
    for other in (at(18), at(17, seed=5)):
        assert not (CropSource(tones, config, 8).batch(other.random).audio == first.audio).all()


def test_crops_never_show_a_held_out_note(tones: ToneSet) -> None:
    source = CropSource(tones, TrainingConfig(batch_size=32, crop_hops=10), 8)
    seen = {int(p) for step in range(10) for p in source.batch(at(step).random).pitch}
    assert seen
    assert seen.isdisjoint(TEST_PITCHES)
    assert set(tones.pitch[tones.split == TEST]) == set(TEST_PITCHES)


def test_some_crops_hold_the_release(tones: ToneSet) -> None:
    source = CropSource(tones, TrainingConfig(batch_size=64, crop_hops=24), 8)
    crops = source.batch(at(0).random)
    end_seconds = (crops.first_hop + 24) / 100
    assert int((end_seconds > crops.hold_seconds).sum()) >= 3


def test_batches_come_ahead_are_those_of_their_steps_and_hand_on_errors() -> None:
    made: list[int] = []

    def make(random: np.random.Generator) -> int:
        made.append(int(random.integers(10**6)))
        if len(made) == 7:
            raise ValueError("the seventh")
        return made[-1]

    batches = Prefetch(make, depth=3)
    assert [batches.at(at(step)) for step in (3, 4)] == [
        int(at(step).random.integers(10**6)) for step in (3, 4)
    ]
    with pytest.raises(ValueError, match="the seventh"):
        [batches.at(at(step)) for step in range(5, 10)]
