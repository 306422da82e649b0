"""Analysis of synthesised notes whose every parameter is known."""

import numpy as np
import pytest

from instrument.music.pitch import pitch_to_hz
from training.data.audio.analysis import analyse_note, demodulate, measure_wobble, read_at
from training.data.audio.stiff_string import partial_hz

RATE = 48000
TIME = np.arange(int(3.0 * RATE)) / RATE


def tone(
    frequencies: np.ndarray, levels: np.ndarray, decay: float = 0.0, noise: float = 1e-5
) -> np.ndarray:
    waves = np.sin(2 * np.pi * frequencies[:, None] * TIME + np.arange(len(levels))[:, None])
    audio = levels @ waves * np.exp(-decay * TIME)
    audio += noise * np.random.default_rng(0).standard_normal(TIME.size)
    return (0.3 * audio).astype(np.float32)


@pytest.mark.parametrize(("pitch", "cents"), [(33, 12.0), (57, -17.5), (81, 6.0), (100, -3.0)])
def test_f0_is_found_to_a_tenth_of_a_cent(pitch: int, cents: float) -> None:
    frequencies = partial_hz(pitch_to_hz(pitch + cents / 100), 0.0, 8)
    keep = frequencies < 20000
    audio = tone(frequencies[keep], (1.0 / np.arange(1, 9))[keep])
    analysis, positions = analyse_note(audio, pitch, is_struck=False)
    # The lowest note's window holds only 46 periods.
    assert analysis.cents == pytest.approx(cents, abs=0.3 if pitch == 33 else 0.1)
    assert positions is None


@pytest.mark.parametrize(("pitch", "stretch"), [(36, 1e-4), (60, 4e-4), (76, 7e-4)])
def test_inharmonicity_of_a_stiff_string_is_found(pitch: int, stretch: float) -> None:
    frequencies = partial_hz(pitch_to_hz(pitch), stretch, 12)
    audio = tone(frequencies, 1.0 / np.arange(1, 13), decay=0.8)
    analysis, _ = analyse_note(audio, pitch, is_struck=True)
    assert analysis.inharmonicity == pytest.approx(stretch, rel=0.05)
    assert analysis.cents == pytest.approx(0.0, abs=0.5)


def test_harmonic_sounds_have_no_inharmonicity() -> None:
    audio = tone(partial_hz(pitch_to_hz(60), 0.0, 12), 1.0 / np.arange(1, 13))
    assert analyse_note(audio, 60, is_struck=True)[0].inharmonicity == 0.0


def test_too_few_partials_say_nothing_about_a_stretch() -> None:
    audio = tone(partial_hz(pitch_to_hz(60), 0.0, 3), np.ones(3))
    assert np.isnan(analyse_note(audio, 60, is_struck=True)[0].inharmonicity)


def test_modes_outside_the_series_are_found() -> None:
    ratios = np.array([1.0, 2.0, 2.76, 5.41])
    audio = tone(pitch_to_hz(60) * ratios, np.array([1.0, 0.5, 0.6, 0.3]), decay=1.0)
    modes = analyse_note(audio, 60, is_struck=True)[0].modes
    np.testing.assert_allclose(np.sort(modes[:, 0]), [2.76, 5.41], rtol=1e-3)


def test_vibrato_is_tracked_and_straightened() -> None:
    depth_cents, rate_hz, f0 = 20.0, 5.5, pitch_to_hz(69)
    cents = depth_cents * np.sin(2 * np.pi * rate_hz * TIME)
    phase = np.cumsum(f0 * 2 ** (cents / 1200)) / RATE
    number = np.arange(1, 7)
    audio = (0.2 / number) @ np.sin(2 * np.pi * number[:, None] * phase)
    analysis, positions = analyse_note(audio.astype(np.float32), 69, is_struck=False)
    # A window of 32 ms and the smoothing take a sixth of a vibrato of 182 ms.
    assert analysis.vibrato_cents == pytest.approx(0.83 * depth_cents / np.sqrt(2), rel=0.05)
    assert positions is not None
    straight = read_at(audio.astype(np.float32), positions)
    third = demodulate(straight, np.array([3 * f0]), 2048)[30:-30, 0]
    hz = np.angle(third[1:] * np.conj(third[:-1])) / (2 * np.pi) * 100
    left_cents = np.std(hz) / (3 * f0) * 1200 / np.log(2)
    assert left_cents < 0.25 * depth_cents / np.sqrt(2)


def test_wobble_is_the_depth_that_was_put_in() -> None:
    f0, rate_hz, depth_db = pitch_to_hz(60), 4.0, 1.5
    gain = 10 ** (depth_db * np.sqrt(2) * np.sin(2 * np.pi * rate_hz * TIME) / 20)
    audio = (0.3 * gain * np.sin(2 * np.pi * f0 * TIME)).astype(np.float32)
    depth, rate = measure_wobble(audio, np.array([f0]))
    assert depth[0] == pytest.approx(depth_db, rel=0.1)
    assert rate[0] == pytest.approx(rate_hz, rel=0.1)


def test_a_decay_is_not_wobble() -> None:
    f0 = pitch_to_hz(60)
    audio = (np.exp(-2.0 * TIME) * np.sin(2 * np.pi * f0 * TIME)).astype(np.float32)
    # 17 dB per second; half a decibel is what smoothing leaves at the ends.
    assert measure_wobble(audio, np.array([f0]))[0][0] < 0.5
