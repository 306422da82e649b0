"""Distances between notes are differences in timbre, not in level."""

import numpy as np
import pytest

from training.metrics.audio.log_spectra import BANDS, distance_db, log_spectra

TIME = np.arange(64000) / 16000


def test_level_does_not_count_and_timbre_does() -> None:
    soft = np.sin(2.0 * np.pi * 440.0 * TIME).astype(np.float32)
    bright = soft + np.sin(2.0 * np.pi * 3000.0 * TIME).astype(np.float32)
    first, louder, other = log_spectra(np.stack([soft, 3.0 * soft, bright]))
    assert distance_db(first, louder[None])[0] < 0.01
    assert distance_db(first, other[None])[0] > 5.0


def test_a_sine_is_loudest_in_the_band_of_its_mel() -> None:
    note = np.sin(2.0 * np.pi * 1000.0 * TIME).astype(np.float32)
    levels = log_spectra(note[None])[0].reshape(-1, BANDS)
    mel = 1127.0 * np.log(1.0 + 1000.0 / 700.0)
    expected = mel / (1127.0 * np.log(1.0 + 8000.0 / 700.0)) * (BANDS + 1) - 1.0
    assert abs(levels[10].argmax() - expected) <= 1.0
    assert levels.max() == pytest.approx(0.0, abs=1e-6)
    assert levels.min() == pytest.approx(-80.0, abs=1e-4)


def test_equal_notes_are_at_distance_nought() -> None:
    noise = np.random.default_rng(1).normal(size=(3, 16000)).astype(np.float32)
    spectra = log_spectra(noise)
    assert distance_db(spectra[0], spectra[:1]) == pytest.approx(0.0)
    assert (distance_db(spectra[0], spectra[1:]) > 1.0).all()
