"""A tone set made from formulas: three instruments whose every partial is known.

For tests, and for trying the whole way from data to a playable bundle in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.music.pitch import pitch_to_hz
from training.audio.format import SAMPLE_RATE_HZ
from training.data.audio.stiff_string import partial_hz
from training.data.audio.tone_set import (
    HELD,
    TEST,
    TRAIN,
    AnalysedTone,
    Instrument,
    ToneSet,
    TuningTables,
    write_notes,
)

INSTRUMENTS = (
    Instrument("organ tone", 16, is_struck=False, is_held_out=False, velocity_tilt=3.0),
    Instrument("plucked tone", 24, is_struck=True, is_held_out=False, velocity_tilt=5.0),
    Instrument("reed tone", 71, is_struck=False, is_held_out=False, velocity_tilt=6.0),
)
PITCHES = tuple(range(45, 82, 4))
TEST_PITCHES = (57,)

_HELD_SECONDS, _HOLD_SECONDS, _RELEASE_SECONDS = 1.2, 0.4, 0.4


def make_tone(
    instrument: int, pitch: int, hold_seconds: float, release_seconds: float
) -> NDArray[np.float32]:
    """Return one tone.

    Parameters
    ----------
    instrument
        0: eight steady harmonics. 1: harmonics that die away, the higher the sooner. 2: odd
        harmonics and breath.
    pitch
        MIDI number; the tuning is tempered.
    hold_seconds, release_seconds
        Time before and after note-off.

    Returns
    -------
    NDArray
        float32, shape (frames,), at 48 kHz.
    """
    frames = int((hold_seconds + release_seconds) * SAMPLE_RATE_HZ)
    time = np.arange(frames) / SAMPLE_RATE_HZ
    frequency = partial_hz(pitch_to_hz(pitch), 0.0, 8)
    number = np.arange(1, 9)
    level = [1.0 / number, 1.0 / number, (number % 2) / number][instrument]
    decay = 2.0 + 1.5 * number if instrument == 1 else np.zeros(8)
    waves = np.sin(2 * np.pi * frequency[:, None] * time) * np.exp(-decay[:, None] * time)
    audio = (level * (frequency < 20000.0)) @ waves
    if instrument == 2:
        audio += 0.02 * np.random.default_rng(pitch).standard_normal(frames)
    attack = np.minimum(time / (0.002 if instrument == 1 else 0.03), 1.0)
    release = np.exp(-np.maximum(time - hold_seconds, 0.0) / 0.05)
    return np.asarray(0.2 * audio * attack * release, np.float32)


def write_tones(folder: Path) -> ToneSet:
    """Write the tone set: three instruments, ten pitches, held and released tones."""
    return write_notes(
        folder,
        INSTRUMENTS,
        _tones(),
        TuningTables.harmonic(len(INSTRUMENTS)),
        source="formulas",
        notice="Made from formulas; no rights reserved.",
    )


def _tones() -> Iterator[AnalysedTone]:
    for index in range(len(INSTRUMENTS)):
        for pitch in PITCHES:
            split = TEST if pitch in TEST_PITCHES else TRAIN
            held = make_tone(index, pitch, _HELD_SECONDS, 0.0)
            yield AnalysedTone(held, index, pitch, HELD, cents=0.0, split=split)
            if split == TRAIN:
                released = make_tone(index, pitch, _HOLD_SECONDS, _RELEASE_SECONDS)
                hold = int(_HOLD_SECONDS * SAMPLE_RATE_HZ)
                yield AnalysedTone(released, index, pitch, hold, cents=0.0, split=split)
