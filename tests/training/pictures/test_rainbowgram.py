"""Pictures of notes: steady tones keep their colour, true cycles lie on each other."""

from pathlib import Path

import numpy as np
from matplotlib.colors import rgb_to_hsv

from training.pictures.rainbowgram import (
    draw_rainbowgrams,
    fold_cycles,
    rainbowgram,
    write_rainbowgrams,
)

TIME = np.arange(64000) / 16000
HARMONICS = np.arange(1, 9)[:, None]
MIDDLE_C_HZ = 440.0 * 2.0 ** (-9 / 12)


def tone(hz: float) -> np.ndarray:
    partials = np.sin(2.0 * np.pi * hz * HARMONICS * TIME) / HARMONICS
    return np.asarray(partials.sum(axis=0), np.float32)


def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(size=64000).astype(np.float32)


def test_a_steady_tone_keeps_its_colours_and_noise_does_not() -> None:
    def hue_changes(note: np.ndarray) -> float:
        picture = rgb_to_hsv(np.clip(rainbowgram(note), 0.0, 1.0))[60:, 50:200]
        change = np.abs(np.diff(picture[..., 0], axis=1))
        bright = picture[:, 1:, 2] > 0.5
        return float(np.minimum(change, 1.0 - change)[bright].mean())

    assert hue_changes(tone(MIDDLE_C_HZ)) < 0.001
    assert hue_changes(noise()) > 0.05


def test_the_first_bright_line_of_a_note_is_its_pitch() -> None:
    brightness = rainbowgram(tone(MIDDLE_C_HZ)).max(axis=2)[:, 100]
    first = np.flatnonzero(brightness > 0.9)[0]
    assert abs(22 + first / 3 - 60) <= 1


def test_cycles_of_a_note_in_tune_lie_on_each_other_and_drift_when_it_is_not() -> None:
    in_tune = fold_cycles(tone(MIDDLE_C_HZ), 60)
    sharp = fold_cycles(tone(MIDDLE_C_HZ * 2.0 ** (30 / 1200)), 60)
    assert np.abs(in_tune - in_tune[0]).max() < 0.05
    assert np.abs(sharp - sharp[0]).max() > 0.5


def test_silence_is_black() -> None:
    assert rainbowgram(np.zeros(16000, np.float32)).max() == 0.0


def test_notes_are_drawn_six_to_a_row_and_written(tmp_path: Path) -> None:
    notes = np.stack([tone(MIDDLE_C_HZ)] * 7)
    figure = draw_rainbowgrams(notes, [60] * 7, [f"note {n}" for n in range(7)])
    assert len(figure.axes) == 24
    path = tmp_path / "notes.png"
    write_rainbowgrams(path, notes[:1], [60], ["note"])
    assert path.read_bytes().startswith(b"\x89PNG")
