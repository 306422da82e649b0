"""Batches: what is drawn, and that it is the wave set's."""

import numpy as np
import pytest
import torch

from instrument.errors import SettingError
from training.audio.format import WAVE_FRAMES
from training.data.audio.wave_writer import RecordedTone, write_waves
from training.data.audio.waves import SPLITS, WaveSet
from training.gansynth.batches import WaveBatches, measure_batches

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> WaveSet:
    """Ten notes of a constant level, a hundredth of full scale for each pitch above 40."""
    notes = [
        RecordedTone(
            np.full(WAVE_FRAMES, 0.01 * n, np.float32), 40 + n, 100, f"{n % 3}", SPLITS[n % 2]
        )
        for n in range(10)
    ]
    folder = tmp_path_factory.mktemp("waves") / "levels"
    return write_waves(folder, notes, name="levels", source="", notice="").waves


def test_a_batch_is_rows_of_its_split(waves: WaveSet) -> None:
    batch = WaveBatches(waves, "valid", 64, CPU).draw(np.random.default_rng(1))
    assert batch.audio.shape == (64, WAVE_FRAMES)
    assert batch.audio.dtype == torch.float32
    assert batch.pitches.dtype == batch.labels.dtype == torch.int64
    assert set(batch.pitches.tolist()) == {41, 43, 45, 47, 49}
    assert batch.labels.tolist() == [(pitch - 40) % 3 for pitch in batch.pitches.tolist()]
    levels = 0.01 * (batch.pitches - 40)[:, None]
    assert torch.allclose(batch.audio, levels.expand_as(batch.audio), atol=0.5 / 32767 + 1e-7)


def test_what_is_drawn_depends_on_the_generator_alone(waves: WaveSet) -> None:
    batches = WaveBatches(waves, "train", 8, CPU)
    first = batches.draw(np.random.default_rng(5))
    kept = first.audio.clone()
    batches.draw(np.random.default_rng(6))
    assert torch.equal(first.audio, kept)  # a batch is the caller's own
    again = WaveBatches(waves, "train", 8, CPU).draw(np.random.default_rng(5))
    assert torch.equal(again.audio, first.audio)
    assert torch.equal(again.pitches, first.pitches)


def test_every_note_is_as_likely_as_any_other(waves: WaveSet) -> None:
    batches, random = WaveBatches(waves, "train", 40, CPU), np.random.default_rng(1)
    drawn = torch.cat([batches.draw(random).pitches for _ in range(50)])
    counts = torch.bincount(drawn - 40)[::2]
    assert counts.sum() == 2000
    assert (counts - 400).abs().max() < 80  # 4.5 sigma


def test_an_empty_split_is_an_error(waves: WaveSet) -> None:
    with pytest.raises(SettingError, match="levels has no notes in its test split"):
        WaveBatches(waves, "test", 8, CPU)


def test_a_loader_is_faster_than_any_training(waves: WaveSet) -> None:
    assert measure_batches(waves, 8, CPU, 0.2) > 200.0  # notes/s; GPUs learn from fewer
