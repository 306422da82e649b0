"""A cheap look says what the whole evaluation would, roughly."""

import numpy as np
import pytest
import torch

from tests.helpers.sounds.tone_waves import tone, tone_waves
from training.metrics.audio.quick_look import QuickLook
from training.pitch_classifier.network import TINY, PitchClassifier

PITCHES = np.array([36, 48, 60, 72])
WAVES = tone_waves(PITCHES.tolist(), [0, 1, 1])


def notes(cents: float) -> np.ndarray:
    return np.stack([tone(pitch + cents / 100.0, [1.0, 0.5, 0.2]) for pitch in PITCHES])


def test_tuning_is_measured_without_a_classifier() -> None:
    figures = QuickLook(WAVES, None).figures(notes(9.0), PITCHES)
    assert figures == {"unpitched": 0.0, "cents_p95": pytest.approx(9.0, abs=0.3)}


def test_noise_has_no_tuning() -> None:
    noise = np.random.default_rng(1).normal(size=(4, 64000)).astype(np.float32)
    assert QuickLook(WAVES, None).figures(noise, PITCHES) == {"unpitched": 1.0}


def test_notes_like_the_data_are_nearer_to_it_than_noise() -> None:
    torch.manual_seed(1)
    look = QuickLook(WAVES, PitchClassifier(TINY).eval())
    like = look.figures(notes(0.0), PITCHES)
    noise = np.random.default_rng(1).normal(size=(4, 64000)).astype(np.float32)
    assert like["frechet"] < look.figures(noise, PITCHES)["frechet"]
    assert {"pitch_accuracy", "pitch_entropy"} < set(like)
