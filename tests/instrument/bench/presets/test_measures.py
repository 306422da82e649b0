"""Every figure against a signal whose figure is known."""

import numpy as np
import pytest

from instrument.bench.presets import measures

RATE_HZ = 48_000
TIMES = np.arange(4 * RATE_HZ) / RATE_HZ
TONE = 0.3 * np.sin(2 * np.pi * 440.0 * TIMES)
NOISE = np.random.default_rng(1).standard_normal((2, len(TIMES))) * 0.1


def stereo(left: np.ndarray, right: np.ndarray) -> measures.Stereo:
    return np.stack([left, right], axis=1).astype(np.float32)


def test_width_of_a_middle_and_a_side_is_their_ratio() -> None:
    middle, side = NOISE
    audio = stereo(middle + 0.5 * side, middle - 0.5 * side)
    expected = 10 * np.log10(0.25)
    assert measures.side_over_mid_db(audio) == pytest.approx(expected, abs=0.2)
    assert measures.mono_loss_db(audio) == pytest.approx(10 * np.log10(1.25), abs=0.1)
    assert measures.correlation(audio) == pytest.approx(0.75 / 1.25, abs=0.02)


def test_brightness_is_the_share_above_2500_hz() -> None:
    high = 0.3 * np.sin(2 * np.pi * 5000.0 * TIMES)
    expected = pytest.approx(10 * np.log10(0.01 / 1.01), abs=0.05)
    assert measures.bright_share_db(stereo(TONE + 0.1 * high, TONE + 0.1 * high), RATE_HZ) == expected


def test_ripple_is_what_a_tremolo_does_and_a_decay_is_none() -> None:
    dying = TONE * 10.0 ** (-20.0 * TIMES / 20.0)
    assert measures.ripple_db(stereo(dying, dying), RATE_HZ) < 0.2
    wave = TONE * 10.0 ** (3.0 * np.sin(2 * np.pi * 3.0 * TIMES) / 20.0)
    assert measures.ripple_db(stereo(wave, wave), RATE_HZ) == pytest.approx(6.0, abs=0.4)


def test_a_loop_is_like_itself_and_noise_is_not() -> None:
    loop = np.resize(NOISE[0][: RATE_HZ // 2], len(TIMES))
    assert measures.self_likeness(stereo(loop, loop), RATE_HZ) > 0.99
    assert measures.self_likeness(stereo(NOISE[0], NOISE[0]), RATE_HZ) < 0.1


@pytest.mark.parametrize("cents", [-7.0, 0.0, 3.0])
def test_pitch_is_in_cents(cents: float) -> None:
    detuned = 0.3 * np.sin(2 * np.pi * 440.0 * 2 ** (cents / 1200) * TIMES)
    found = measures.pitch_cents(stereo(detuned, detuned), RATE_HZ, 69)
    assert found == pytest.approx(cents, abs=0.1)


def test_an_echo_of_a_strike_is_no_click_and_a_cut_brings_no_treble() -> None:
    times = np.arange(2 * RATE_HZ) / RATE_HZ
    sound = 0.3 * np.sin(2 * np.pi * 131.3 * times)
    assert measures.bright_share_db(stereo(sound[:RATE_HZ], sound[:RATE_HZ]), RATE_HZ) < -60
    noise = np.random.default_rng(1).standard_normal(len(times))
    for echo in (0.3, 0.9, 1.4):
        since = np.maximum(times - echo, 0.0)
        sound += 0.02 * noise * (since > 0) * np.exp(-since / 0.004)
    assert measures.clicks(stereo(sound, sound), RATE_HZ) == 0


def test_one_sample_out_of_place_is_a_click() -> None:
    sound = TONE + 0.01 * NOISE[0]
    assert measures.clicks(stereo(sound, sound), RATE_HZ) == 0
    sound[RATE_HZ] += 0.05
    assert measures.clicks(stereo(sound, sound), RATE_HZ) == 1
