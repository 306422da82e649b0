"""Crops of tones: a function of seed and step, and of what training may hear."""

import pytest

from training.data.audio.synthetic_tones import TEST_PITCHES, write_tones
from training.data.audio.tone_set import TEST, ToneSet
from training.frame_voice.config import TrainingConfig
from training.frame_voice.crops import CropSource, Prefetch


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> ToneSet:
    return write_tones(tmp_path_factory.mktemp("tones"))


def test_crops_are_a_function_of_seed_and_step(tones: ToneSet) -> None:
    config = TrainingConfig(batch_size=6, crop_hops=20, seed=4)
    first, again = (CropSource(tones, config, 8).batch(17) for _ in range(2))
    for name in ("audio", "noise", "latent_noise", "first_hop", "motion_phases"):
        assert (getattr(first, name) == getattr(again, name)).all()
    assert not (CropSource(tones, config, 8).batch(18).audio == first.audio).all()


def test_crops_never_show_a_held_out_note(tones: ToneSet) -> None:
    source = CropSource(tones, TrainingConfig(batch_size=32, crop_hops=10), 8)
    seen = {int(p) for step in range(10) for p in source.batch(step).pitch}
    assert seen
    assert seen.isdisjoint(TEST_PITCHES)
    assert set(tones.pitch[tones.split == TEST]) == set(TEST_PITCHES)


def test_some_crops_hold_the_release(tones: ToneSet) -> None:
    source = CropSource(tones, TrainingConfig(batch_size=64, crop_hops=24), 8)
    crops = source.batch(0)
    end_seconds = (crops.first_hop + 24) / 100
    assert int((end_seconds > crops.hold_seconds).sum()) >= 3


def test_prefetch_hands_on_errors_and_keeps_the_order() -> None:
    def make(step: int) -> int:
        if step == 8:
            raise ValueError("step 8")
        return step

    prefetch = Prefetch(make, 3)
    assert [prefetch.next() for _ in range(5)] == [3, 4, 5, 6, 7]
    with pytest.raises(ValueError, match="step 8"):
        prefetch.next()
    prefetch.close()
