"""Keys are equally loud to the ear, whatever the model gives."""

import numpy as np
import pytest

from instrument.rendering.k_weighting import strongest_lufs
from instrument.rendering.sustained_tones import LOUDNESS_LUFS, MOST_DB, even_gain

RATE_HZ = 48_000


@pytest.mark.parametrize("hz", [60.0, 440.0, 4000.0])
@pytest.mark.parametrize("level", [0.05, 0.3])
def test_a_tone_comes_out_at_the_common_loudness(hz: float, level: float) -> None:
    times = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = (level * np.sin(2 * np.pi * hz * times)).astype(np.float32)
    even = tone * np.float32(even_gain(tone, RATE_HZ))
    assert strongest_lufs(even[:, None], RATE_HZ) == pytest.approx(LOUDNESS_LUFS, abs=0.1)


def test_an_attack_has_the_gain_of_its_tone_within_a_decibel() -> None:
    times = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = (0.2 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    attack = tone[: round(0.32 * RATE_HZ)]
    ratio_db = 20 * np.log10(even_gain(attack, RATE_HZ) / even_gain(tone, RATE_HZ))
    assert 0.0 <= ratio_db < 1.1


def test_what_is_nearly_silent_is_lifted_by_no_more_than_may_be() -> None:
    gain = even_gain(np.full(RATE_HZ, 1e-6, np.float32), RATE_HZ)
    assert 20 * np.log10(gain) == pytest.approx(MOST_DB)
