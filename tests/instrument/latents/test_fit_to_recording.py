"""Finding a sound again: the distance, the search and the slope, the recording."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument.errors import FileError, SettingError
from instrument.latents.fit_to_recording import (
    DRAWS,
    LINES,
    STEPS,
    Example,
    find_nearest,
    read_example,
    steps_of,
)
from instrument.latents.latent import draw
from instrument.latents.timbre_distance import Likeness, from_onset, level_bands
from instrument.rendering.renderer import SineRenderer
from tests.instrument.offline.test_timbre_path import a_card

RATE_HZ = 16_000
OVERTONES = 4


@pytest.fixture(scope="module")
def renderer() -> SineRenderer:
    return SineRenderer(RATE_HZ, latent_size=OVERTONES, seconds=0.25)


def a_note(renderer: SineRenderer, latent: np.ndarray, pitch: int = 57) -> np.ndarray:
    return np.asarray(renderer.render([pitch], [latent])[0])


def test_loudness_and_silence_before_a_note_make_no_distance(renderer: SineRenderer) -> None:
    likeness = Likeness(RATE_HZ, 6000)
    note = a_note(renderer, np.ones(OVERTONES))
    late = np.concatenate([np.zeros(700, np.float32), 0.1 * note])
    assert len(from_onset(late)) == pytest.approx(len(note), abs=40)
    distance = likeness.distance_db(likeness.fingerprint(note), likeness.fingerprint(late))
    assert distance < 0.5


def test_the_more_a_sound_differs_the_larger_is_the_distance(renderer: SineRenderer) -> None:
    likeness = Likeness(RATE_HZ, 6000)
    brightness = (1.0, 0.7, 0.4, 0.1)
    prints = [likeness.fingerprint(a_note(renderer, b * np.ones(OVERTONES))) for b in brightness]
    distances = [likeness.distance_db(prints[0], other) for other in prints]
    assert distances[0] == 0.0
    assert distances == sorted(distances)


def test_every_band_hears_something_and_together_they_hear_all() -> None:
    bands = level_bands(256, RATE_HZ, 24)
    assert (bands.sum(axis=0) > 0).all()
    heard = bands.sum(axis=1)[3:115]  # 190 Hz to 7.2 kHz
    assert heard.min() > 0.5


def test_the_slope_leads_nearer_than_the_search(renderer: SineRenderer) -> None:
    card = a_card(OVERTONES)
    hidden = draw(card, 10_000)
    steps: list[int] = []
    example = Example(a_note(renderer, hidden), RATE_HZ, 57)
    found = find_nearest(example, card, renderer, lambda: steps.append(1))
    assert found.distance_db < 0.75 * found.searched_db
    # An overtone's sign cannot be heard.
    wanted, came = np.abs(hidden), np.abs(found.latent)
    nearest_draw = min(np.linalg.norm(np.abs(draw(card, seed)) - wanted) for seed in range(DRAWS))
    assert np.linalg.norm(came - wanted) < nearest_draw
    assert len(steps) == steps_of(card) == -(-DRAWS // (2 * LINES)) + STEPS


def test_the_same_example_gives_the_same_latent(renderer: SineRenderer) -> None:
    card = a_card(2)
    plain = SineRenderer(RATE_HZ, latent_size=2, seconds=0.08)
    example = Example(plain.render([60], [[0.3, 0.9]])[0], RATE_HZ, 60)
    first, second = (find_nearest(example, card, plain).latent for _ in range(2))
    np.testing.assert_array_equal(first, second)


def a_recording(path: Path, pitch: float, seconds: float = 1.0, rate_hz: int = 44_100) -> Path:
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    hz = 440.0 * 2 ** ((pitch - 69) / 12)
    sound = sum(0.2 / k * np.sin(2 * np.pi * k * hz * time) for k in range(1, 6))
    soundfile.write(path, np.stack([sound, sound], axis=1), rate_hz)
    return path


def test_a_recording_is_heard_at_its_pitch_and_brought_in_tune(
    tmp_path: Path, renderer: SineRenderer
) -> None:
    example = read_example(a_recording(tmp_path / "a.wav", 57.3), None, renderer)
    assert example.pitch == 57
    assert example.rate_hz == RATE_HZ
    spectrum = np.abs(np.fft.rfft(example.audio * np.hanning(len(example.audio)), 2**18))
    found = np.argmax(spectrum) * RATE_HZ / 2**18
    assert 1200 * np.log2(found / 220.0) == pytest.approx(0.0, abs=5.0)


def test_a_given_pitch_is_taken(tmp_path: Path, renderer: SineRenderer) -> None:
    assert read_example(a_recording(tmp_path / "a.wav", 57.0), 45, renderer).pitch == 45


def test_a_plucked_recording_is_told_from_a_held_one() -> None:
    time = np.arange(RATE_HZ * 2) / RATE_HZ
    held = np.sin(2 * np.pi * 220 * time).astype(np.float32)
    plucked = (held * np.exp(-4 * time)).astype(np.float32)
    assert not Example(held, RATE_HZ, 57).dies_away
    assert Example(plucked, RATE_HZ, 57).dies_away


def test_recordings_that_cannot_be_used_say_why(tmp_path: Path, renderer: SineRenderer) -> None:
    noise = np.random.default_rng(1).standard_normal(44_100) * 0.1
    soundfile.write(tmp_path / "noise.wav", noise, 44_100)
    with pytest.raises(SettingError, match=r"the pitch of .*noise\.wav.* cannot be told"):
        read_example(tmp_path / "noise.wav", None, renderer)
    soundfile.write(tmp_path / "silence.wav", np.zeros(44_100), 44_100)
    with pytest.raises(FileError, match="is silent"):
        read_example(tmp_path / "silence.wav", 60, renderer)
    soundfile.write(tmp_path / "constant.wav", np.full(44_100, 0.5), 44_100)
    with pytest.raises(FileError, match="is silent"):
        read_example(tmp_path / "constant.wav", None, renderer)
    (tmp_path / "text.wav").write_text("no sound")
    for name in ("text.wav", "missing.wav"):
        with pytest.raises(FileError, match="cannot be read as a sound file"):
            read_example(tmp_path / name, 60, renderer)
    renderer.info = replace(renderer.info, pitch_range=(24, 84))
    with pytest.raises(SettingError, match="the model has notes from 24 to 84"):
        read_example(a_recording(tmp_path / "a.wav", 90.0), 90, renderer)
    renderer.info = replace(renderer.info, pitch_range=(0, 127))
