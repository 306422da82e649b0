"""The pitch estimate against tones of known pitch, and against what has none."""

import numpy as np
import pytest

from instrument.music.yin import estimate_pitch
from tests.helpers.sounds.tones import frequency_hz

SECONDS = np.arange(16000) / 16000.0


def tone(pitch: float, levels: tuple[float, ...]) -> np.ndarray:
    """Return a second of harmonics with these levels, as far as the rate allows."""
    partials = [
        level * np.sin(2 * np.pi * number * frequency_hz(pitch) * SECONDS + number)
        for number, level in enumerate(levels, start=1)
        if number * frequency_hz(pitch) < 8000.0
    ]
    return np.asarray(0.2 * np.sum(partials, axis=0), np.float32)


@pytest.mark.parametrize("pitch", [21, 24, 33.4, 47, 60, 69.25, 84, 96, 108])
@pytest.mark.parametrize(
    "levels",
    [
        (1.0,),
        tuple(1.0 / number for number in range(1, 13)),
        (0.05, 1.0, 0.8, 0.6, 0.4),  # the fundamental is hardly there
        (1.0, 0.0, 0.5, 0.0, 0.3, 0.0, 0.2),  # a clarinet's
    ],
)
def test_tones_of_any_timbre_have_their_pitch(pitch: float, levels: tuple[float, ...]) -> None:
    assert estimate_pitch(tone(pitch, levels)) == pytest.approx(pitch, abs=0.15)


def test_a_pluck_in_noise_after_silence_has_its_pitch() -> None:
    random = np.random.default_rng(1)
    pluck = tone(52, (1.0, 0.7, 0.5)) * np.exp(-6.0 * SECONDS).astype(np.float32)
    wave = np.concatenate([np.zeros(8000, np.float32), pluck, np.zeros(20000, np.float32)])
    wave += random.normal(0.0, 1e-3, wave.size).astype(np.float32)
    assert estimate_pitch(wave) == pytest.approx(52.0, abs=0.05)


def test_noise_and_clicks_have_no_pitch() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.1, 32000).astype(np.float32)
    with pytest.raises(ValueError, match=r"not clear: name the file after it, like violin_A4\.wav"):
        estimate_pitch(noise)


def test_a_click_is_too_short() -> None:
    with pytest.raises(ValueError, match="too short"):
        estimate_pitch(np.ones(800, np.float32))
