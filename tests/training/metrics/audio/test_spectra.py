"""Metrics against closed forms."""

import numpy as np
import pytest

from training.metrics.audio import tone_measures as measure
from training.metrics.audio.spectra import (
    log_spectral_distance,
    magnitudes,
    spectral_centroid_hz,
    spectral_convergence,
)

RATE = 48000
TIME = np.arange(2 * RATE) / RATE


def sine(hz: float, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * TIME)).astype(np.float32)


def test_half_the_level_of_everything_is_six_decibels() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    spectra = magnitudes(noise, RATE), magnitudes(noise / np.float32(2), RATE)
    assert log_spectral_distance(*spectra, RATE) == pytest.approx(6.02, abs=0.02)
    assert spectral_convergence(*spectra) == pytest.approx(0.5, abs=1e-6)


def test_what_lies_below_the_floor_does_not_count() -> None:
    loud, faint = sine(1000.0), sine(5000.0, 0.5 * 10 ** (-70 / 20))
    spectra = magnitudes(loud, RATE), magnitudes(loud + faint, RATE)
    assert log_spectral_distance(*spectra, RATE) == pytest.approx(0.0, abs=1e-2)


def test_the_band_up_to_8_khz_does_not_hear_what_is_above() -> None:
    fade = np.hanning(TIME.size).astype(np.float32)  # else the onset is heard everywhere
    low, high = fade * sine(1000.0), fade * sine(12000.0)
    spectra = magnitudes(low, RATE), magnitudes(low + high, RATE)
    assert log_spectral_distance(*spectra, RATE, 8000.0) < 0.01
    assert log_spectral_distance(*spectra, RATE) > 1.0


def test_the_centroid_of_two_equal_sines_lies_between_them() -> None:
    audio = sine(1000.0) + sine(3000.0)
    assert spectral_centroid_hz(audio, RATE) == pytest.approx(2000.0, rel=1e-3)


@pytest.mark.parametrize("cents", [-12.0, 0.0, 3.3])
def test_a_detuned_tone_is_measured_to_a_tenth_of_a_cent(cents: float) -> None:
    played = 440.0 * 2 ** (cents / 1200)
    audio = np.asarray(sum(sine(k * played, 0.3 / k) for k in range(1, 6)))
    assert measure.pitch_error_cents(audio, 440.0) == pytest.approx(cents, abs=0.1)


def test_silence_has_no_pitch() -> None:
    noise = 1e-6 * np.random.default_rng(0).standard_normal(2 * RATE)
    steady = np.ones(2 * RATE)
    assert np.isnan(measure.pitch_error_cents((steady + noise).astype(np.float32), 3000.0))


@pytest.mark.parametrize("hz", [60.0, 440.0])
@pytest.mark.parametrize("seconds", [0.004, 0.05])
def test_the_attack_of_a_linear_ramp_is_half_of_it(hz: float, seconds: float) -> None:
    audio = sine(hz) * np.minimum(TIME / seconds, 1.0)
    # The envelope is smooth over a period or 4 ms, and sees half of that ahead.
    window = max(0.004, 1.0 / hz)
    measured = measure.attack_seconds(audio.astype(np.float32), hz)
    assert measured == pytest.approx(0.5 * seconds, abs=0.6 * window)


def test_dips_and_reversals_of_a_path() -> None:
    assert measure.deepest_dip_db(np.array([0.0, -4.0, -6.0])) == pytest.approx(-1.0)
    assert measure.deepest_dip_db(np.array([0.0, 1.0, 2.0])) == pytest.approx(0.0)
    assert measure.backward_share(np.array([100.0, 300.0, 200.0])) == pytest.approx(1.0)
    assert measure.backward_share(np.array([300.0, 200.0, 100.0])) == 0.0


def test_partials_that_move_together_are_told_from_those_that_move_apart() -> None:
    hz, number = 220.0, np.arange(1, 7)[:, None]
    partials = np.sin(2 * np.pi * hz * number * TIME) / number
    turn = 2 * np.pi * 5.0 * TIME
    together = partials * 10 ** (np.sin(turn) / 20)
    apart = partials * 10 ** (np.sin(turn + 2 * np.pi * number / 6) / 20)
    one, other = ((0.1 * tone.sum(axis=0)).astype(np.float32) for tone in (together, apart))
    moved, still = measure.common_motion_db(one, other, hz, 0.0)
    assert moved == pytest.approx(np.sqrt(0.5), rel=0.2)  # a sine of 1 dB, through the window
    assert still < 0.1 * moved
    assert np.isnan(measure.common_motion_db(sine(hz), sine(hz), hz, 0.0)).all()  # one partial


def test_onset_of_a_band_hears_its_first_45_ms_alone() -> None:
    late = np.where(TIME > 0.05, 1.0, 0.0) * sine(7000.0)
    early = sine(1000.0) + 0.5 * sine(7000.0) + late.astype(np.float32)
    level = measure.onset_level_db(early, 5000.0, 10_000.0)
    whole = measure.onset_level_db(sine(7000.0), 5000.0, 10_000.0)
    assert level - whole == pytest.approx(-6.02, abs=0.1)
