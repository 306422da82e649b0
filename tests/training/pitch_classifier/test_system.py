"""The pitch classifier learns tones; its layers are the paper's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.helpers.sounds.tone_waves import tone_waves
from training.audio.format import WAVE_FRAMES
from training.data.audio.waves import WaveSet
from training.pitch_classifier.network import NARROW, PAPER, TINY, ClassifierConfig, PitchClassifier
from training.pitch_classifier.system import SYSTEM, PitchLearner
from training.trainer.run_card import Length, load_learner
from training.trainer.system import RunPosition
from training.trainer.trainer import new_run


@pytest.fixture(scope="module")
def waves() -> WaveSet:
    return tone_waves(range(30, 84, 9), [0, 0, 0, 0, 0, 1, 1, 2])


def test_the_paper_s_layers_bring_its_image_to_one_point() -> None:
    hidden = torch.zeros(1, 1, 512, 256)
    sizes = []
    with torch.inference_mode():
        for block in PitchClassifier(PAPER).eval().blocks:
            hidden = block(hidden)
            sizes.append(tuple(hidden.shape[1:]))
    assert sizes[0] == (128, 256, 128)
    assert sizes[7:] == [(512, 2, 1), (512, 1, 1), (1024, 1, 1)]


@pytest.mark.parametrize("config", [NARROW, TINY])
def test_other_classifiers_also_end_in_one_point(config: ClassifierConfig) -> None:
    network = PitchClassifier(config).eval()
    logits, features = network(torch.randn(2, WAVE_FRAMES))
    assert logits.shape == (2, 61)
    assert features.shape == (2, config.features)


def test_level_does_not_count() -> None:
    network = PitchClassifier(TINY)
    audio = torch.randn(1, WAVE_FRAMES)
    assert torch.allclose(network.image(audio), network.image(0.01 * audio), atol=1e-4)


def test_a_sine_is_brightest_in_its_bin() -> None:
    sine = torch.sin(2.0 * torch.pi * 1000.0 * torch.arange(WAVE_FRAMES) / 16000)[None]
    image = PitchClassifier(PAPER).image(sine)
    assert int(image[0, 0, :, 100].argmax()) == round(1000.0 / (16000 / 1024)) - 1
    assert float(image.max()) == pytest.approx(1.0)


def test_it_learns_to_name_tones(waves: WaveSet) -> None:
    torch.manual_seed(1)
    learner = PitchLearner(TINY, waves, torch.device("cpu"))
    before = learner.validate()
    for step in range(40):
        learner.step(RunPosition(step, step / 40, np.random.default_rng(step), 0, 1, step))
    after = learner.validate()
    assert after["loss"] < 0.5 * before["loss"]
    assert after["accuracy"] > 0.9


def test_a_run_opens_with_what_it_has_learned(waves: WaveSet, tmp_path: Path) -> None:
    run = new_run(SYSTEM, "tiny", waves, Length(3, 0.0, 1), tmp_path, torch.device("cpu"))
    assert run.run(lambda *_: None, lambda: False)
    card, learner = load_learner(tmp_path, SYSTEM, waves)
    assert card.system == "pitch-classifier"
    assert learner.validate() == pytest.approx(card.validation)


def test_instruments_left_out_are_not_learned(waves: WaveSet) -> None:
    config = replace(TINY, left_out=("tone-7",))
    learner = PitchLearner(config, waves, torch.device("cpu"))
    assert not learner.rows("test").size
    assert learner.rows("train").size == 30
