"""A note of a second, held for twelve."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from training.audio.format import SAMPLE_RATE_HZ as RATE_HZ
from training.data.audio.recorded.continuation import continued
from training.data.audio.recorded.note import levels_db


def played(seconds: float, hz: float = 196.0, falls_db: float = 0.0) -> NDArray[np.float32]:
    """Return a tone with breath that may become quieter as it goes."""
    random = np.random.default_rng(3)
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * hz * k * time + k * k) / k for k in range(1, 12))
    breath = 0.02 * random.standard_normal(time.size)
    level = np.minimum(time / 0.05, 1.0) * 10.0 ** (-falls_db * time / seconds / 20.0)
    return np.asarray(0.2 * level * (tone + breath), np.float32)


@pytest.mark.parametrize("hz", [41.2, 196.0, 880.0])
def test_it_holds_its_level_without_a_step(hz: float) -> None:
    note = played(1.2, hz, falls_db=10.0)
    held = continued(note, 12.0, np.random.default_rng(0))
    assert held.size == 12 * RATE_HZ
    levels = levels_db(held)[20:]
    assert levels.max() - levels.min() < 3.0
    assert np.abs(np.diff(held)).max() < 1.15 * np.abs(np.diff(note)).max()
    assert (held[: note.size // 8] == note[: note.size // 8]).all()  # the attack as it was


def test_nothing_comes_back_exactly() -> None:
    held = continued(played(1.2), 12.0, np.random.default_rng(0)).astype(np.float64)
    later = held[6 * RATE_HZ : 7 * RATE_HZ]
    after = held[7 * RATE_HZ :]
    power = np.concatenate([[0.0], np.cumsum(after**2)])
    power = power[later.size :] - power[: -later.size]
    alike = fftconvolve(after, later[::-1], "valid") / np.sqrt(power * (later @ later))
    assert alike.max() < 0.9999


def test_what_is_long_enough_or_has_nothing_steady_stays() -> None:
    random = np.random.default_rng(0)
    for note in (played(3.0), played(0.5)):
        assert continued(note, 2.0 if note.size > RATE_HZ else 12.0, random) is note
