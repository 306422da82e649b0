import numpy as np
import pytest

from instrument.rendering.k_weighting import integrated_lufs, k_response, strongest_lufs


def sine(hz: float, seconds: float, peak: float, rate_hz: int = 48_000) -> np.ndarray:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = (peak * np.sin(2 * np.pi * hz * times)).astype(np.float32)
    return np.stack([tone, tone], axis=1)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_a_sine_in_one_channel_measures_what_the_standard_says(rate_hz: int) -> None:
    tone = sine(997.0, 2.0, 1.0, rate_hz)[:, :1]
    assert integrated_lufs(tone, rate_hz) == pytest.approx(-3.01, abs=0.05)


def test_tech_3341_case_1() -> None:
    """EBU Tech 3341: a stereo sine of 1 kHz at -23 dBFS is -23.0 ±0.1 LUFS."""
    assert integrated_lufs(sine(1000.0, 5.0, 10 ** (-23 / 20)), 48_000) == pytest.approx(
        -23, abs=0.1
    )


def test_tech_3341_case_3_gates_what_is_soft() -> None:
    """EBU Tech 3341: 10 s at -36, 60 s at -23, 10 s at -36 dBFS is -23.0 ±0.1 LUFS."""
    soft, loud = (sine(1000.0, seconds, 10 ** (db / 20)) for seconds, db in ((10, -36), (60, -23)))
    piece = np.concatenate([soft, loud, soft])
    assert integrated_lufs(piece, 48_000) == pytest.approx(-23, abs=0.1)


def test_silence_has_no_loudness() -> None:
    assert integrated_lufs(np.zeros((48_000, 2), np.float32), 48_000) == float("-inf")


def test_a_short_sound_is_measured_with_the_silence_after_it() -> None:
    short, long = (strongest_lufs(sine(997.0, seconds, 1.0), 48_000) for seconds in (0.2, 1.0))
    assert short == pytest.approx(long - 3.01, abs=0.1)


def test_bass_weighs_less_and_treble_more() -> None:
    low, middle, high = k_response(np.array([30.0, 997.0, 10_000.0]))
    assert low < 0.5 * middle < 2.0 * high


def test_k_weighting_has_the_published_gains() -> None:
    """A 997 Hz sine reads 0.691 dB above its power (BS.1770-4, section 2.8)."""
    gains = 10 * np.log10(k_response(np.array([997.0, 38.0, 10_000.0])))
    assert gains[0] == pytest.approx(0.691, abs=0.02)
    assert gains[1] == pytest.approx(-5.7, abs=0.5)
    assert gains[2] == pytest.approx(4.0, abs=0.1)
