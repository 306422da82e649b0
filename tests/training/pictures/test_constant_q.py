"""The constant-Q transform against closed forms and a direct sum."""

import numpy as np
import pytest

from training.pictures.constant_q import ConstantQ, phase_turns

TIME = np.arange(32000) / 16000


def sine(hz: float) -> np.ndarray:
    return np.sin(2.0 * np.pi * hz * TIME).astype(np.float32)


@pytest.mark.parametrize("pitch", [36, 69, 100])
def test_a_sine_stands_in_its_own_bin_with_its_own_amplitude(pitch: int) -> None:
    transform = ConstantQ()
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    levels = np.abs(transform.transform(np.float32(0.5) * sine(hz))[:, 60])
    assert transform.pitches[levels.argmax()] == pitch
    assert levels.max() == pytest.approx(0.5, rel=1e-3)


def test_a_band_is_a_gaussian_of_its_frequency() -> None:
    transform = ConstantQ()
    hz = transform.frequencies_hz
    levels = np.abs(transform.transform(sine(1000.0))[:, 60])
    expected = np.exp(-0.5 * ((1000.0 - hz) / (transform.width * hz)) ** 2)
    audible = expected > 1e-3
    assert levels[audible] == pytest.approx(expected[audible], rel=0.01)


def test_levels_equal_a_sum_over_the_waveform() -> None:
    """In time a Gaussian band is a Gaussian window around the moment."""
    noise = np.random.default_rng(1).normal(size=32000).astype(np.float32)
    transform = ConstantQ()
    number, window = 120, 62
    hz = transform.frequencies_hz[number]
    away = TIME - window * transform.hop_frames / 16000
    spread = 1.0 / (2.0 * np.pi * transform.width * hz)
    shape = np.exp(-0.5 * (away / spread) ** 2) / (spread * np.sqrt(2.0 * np.pi) * 16000)
    directly = 2.0 * (noise * shape * np.exp(-2j * np.pi * hz * away)).sum()
    assert transform.transform(noise)[number, window] == pytest.approx(directly, abs=1e-4)


def test_a_steady_partial_turns_by_its_frequency_times_the_hop() -> None:
    transform = ConstantQ()
    turns = phase_turns(transform.transform(sine(1000.0)))
    bin_of_tone = np.abs(transform.frequencies_hz - 1000.0).argmin()
    expected = 2.0 * (1000.0 * transform.hop_frames / 16000)  # in units of π
    folded = (expected + 1.0) % 2.0 - 1.0
    assert turns[bin_of_tone, 20:100] == pytest.approx(np.full(80, folded), abs=1e-6)
