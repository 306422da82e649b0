"""A wave set of harmonic tones, made in a moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.audio.format import WAVE_FRAMES
from training.data.audio.waves import WaveSet

TIME = np.arange(WAVE_FRAMES) / 16000


def tone(pitch: float, levels: Sequence[float]) -> NDArray[np.float32]:
    """Return a tone whose partials have these amplitudes, as loud as 0.6 at its peak."""
    hz = 440.0 * 2.0 ** ((float(pitch) - 69.0) / 12.0)
    wave = np.zeros(WAVE_FRAMES)
    for number, level in enumerate(levels, 1):
        if number * hz < 7900.0:
            wave += level * np.sin(2.0 * np.pi * hz * number * TIME)
    return np.asarray(0.6 * wave / np.abs(wave).max(), np.float32)


def tone_waves(pitches: Sequence[int], splits: Sequence[int], seed: int = 1) -> WaveSet:
    """Return a set with an instrument of a random timbre for each entry of `splits`."""
    random = np.random.default_rng(seed)
    timbres = random.uniform(0.1, 1.0, (len(splits), 6))
    waves = [20000 * tone(pitch, levels) for levels in timbres for pitch in pitches]
    count = len(waves)
    return WaveSet(
        name="tones",
        source="formulas",
        notice="free",
        sha256="0" * 64,
        rate_hz=16000,
        waves=np.stack(waves).astype(np.int16),
        pitches=np.tile(np.asarray(pitches, np.uint8), len(splits)),
        velocities=np.full(count, 100, np.uint8),
        labels=np.repeat(np.arange(len(splits), dtype=np.int16), len(pitches)),
        label_names=tuple(f"tone-{number}" for number in range(len(splits))),
        splits=np.repeat(np.asarray(splits, np.uint8), len(pitches)),
    )
