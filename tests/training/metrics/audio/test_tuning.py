"""Cents of tones whose detuning is known."""

import numpy as np
import pytest

from training.metrics.audio.tuning import cents_error

TIME = np.arange(64000) / 16000


def tone(pitch: float, partials: int = 12, decay: float = 0.5, stretch: float = 0.0) -> np.ndarray:
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    number = np.arange(1, partials + 1)[:, None]
    frequency = hz * number * np.sqrt(1.0 + stretch * number**2)
    heard = np.sin(2.0 * np.pi * frequency * TIME + number**2) / number * (frequency < 7900.0)
    return np.asarray(heard.sum(axis=0) * np.exp(-decay * TIME), np.float32)


@pytest.mark.parametrize("pitch", [24, 31, 48, 60, 73, 84])
@pytest.mark.parametrize("cents", [-35.0, -4.0, 0.0, 12.5, 48.0])
def test_detuning_is_found_over_the_whole_keyboard(pitch: int, cents: float) -> None:
    assert cents_error(tone(pitch + cents / 100.0), pitch) == pytest.approx(cents, abs=0.3)


@pytest.mark.parametrize("pitch", [24, 48, 84])
def test_a_pure_sine_a_quick_decay_and_noise_are_borne(pitch: int) -> None:
    noise = 0.02 * np.random.default_rng(1).normal(size=TIME.size).astype(np.float32)
    assert cents_error(tone(pitch + 0.1, partials=1), pitch) == pytest.approx(10.0, abs=0.3)
    assert cents_error(tone(pitch + 0.1, decay=6.0), pitch) == pytest.approx(10.0, abs=1.0)
    assert cents_error(tone(pitch + 0.1) + noise, pitch) == pytest.approx(10.0, abs=0.5)


def test_a_missing_fundamental_does_not_matter() -> None:
    hz = 440.0 * 2.0 ** ((36 - 69.0) / 12.0)
    upper = sum(np.sin(2.0 * np.pi * hz * number * TIME) for number in range(3, 12))
    assert cents_error(np.asarray(upper, np.float32), 36) == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("other", [-12, -7, -2, -1, 1, 2, 5])
def test_another_pitch_is_no_pitch_near_the_asked_one(other: int) -> None:
    assert np.isnan(cents_error(tone(60 + other), 60))


def test_noise_silence_and_clicks_have_no_pitch() -> None:
    noise = np.random.default_rng(2).normal(size=TIME.size).astype(np.float32)
    click = np.zeros(TIME.size, np.float32)
    click[1000] = 1.0
    for pitch in (24, 54, 84):
        for note in (noise, np.zeros_like(noise), click):
            assert np.isnan(cents_error(note, pitch))


def test_a_stiff_string_is_judged_by_its_low_partials() -> None:
    assert cents_error(tone(40, stretch=2e-4), 40) == pytest.approx(0.0, abs=2.0)
