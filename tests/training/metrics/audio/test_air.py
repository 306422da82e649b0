"""The air of recordings whose air is known."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from numpy.typing import NDArray

from instrument.rendering.air_band import AIR_EDGES_HZ, RATE_HZ
from training.data.audio.recorded.mapping import find_instruments
from training.metrics.audio.air import air_of, main, off_db


def recording(db_per_octave: float, seed: int, hiss: float = 0.0) -> NDArray[np.float32]:
    """Two seconds of noise that falls above 7.1 kHz, then a second of the room alone."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(2 * RATE_HZ))
    hz = np.fft.rfftfreq(2 * RATE_HZ, 1.0 / RATE_HZ)
    octaves = np.log2(np.maximum(hz, 7100.0) / 7100.0)
    note = np.fft.irfft(spectrum * 10.0 ** (-db_per_octave * octaves / 20.0))
    sound = np.concatenate([note, np.zeros(RATE_HZ)])
    return np.asarray(0.1 * sound + hiss * random.standard_normal(sound.size), np.float32)


def wanted_db(db_per_octave: float) -> NDArray[np.float64]:
    edges = np.array(AIR_EDGES_HZ)
    middle, width = np.sqrt(edges[1:] * edges[:-1]), np.diff(edges)
    return np.asarray(10.0 * np.log10(width / 750.0) - db_per_octave * np.log2(middle / 7100.0))


def folder_of(path: Path, *slopes: float, hiss: float = 0.0) -> Path:
    for number, slope in enumerate(slopes):
        folder = path / f"instrument{number}"
        folder.mkdir()
        for key, name in enumerate(["C4", "E4", "G4"]):
            sound = recording(slope, 10 * number + key, hiss)
            soundfile.write(folder / f"{name}.wav", sound, RATE_HZ, "FLOAT")
    return path


@pytest.mark.parametrize("hiss", [0.0, 1e-3])
def test_the_air_of_a_recording_is_found_beside_its_hiss(tmp_path: Path, hiss: float) -> None:
    (instrument,) = find_instruments(folder_of(tmp_path, 20.0, hiss=hiss))
    levels = air_of(instrument)
    assert levels
    known, air = levels
    found = (air - known).mean(axis=0)
    # The resampler takes a decibel of the highest band that a model knows.
    assert np.abs(found - wanted_db(20.0) - (found - wanted_db(20.0)).mean()).max() < 1.0
    assert abs((found - wanted_db(20.0)).mean()) < 1.5


def test_the_distance_is_that_of_the_offsets() -> None:
    known = np.random.default_rng(0).normal(-40.0, 6.0, (500, 1))
    offsets = np.linspace(-4.0, -16.0, 11)
    assert off_db(known, known + offsets, offsets) == pytest.approx((0.0, 0.0))
    assert off_db(known, known + offsets - 3.0, offsets) == pytest.approx((3.0, 3.0))


def test_the_command_says_how_far_each_instrument_is_from_the_others(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(main, [str(folder_of(tmp_path, 10.0, 20.0, 30.0))])
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.output.splitlines()
    # The one in the middle is what the two others are in the mean.
    middle = next(line for line in lines if line.startswith("instrument1"))
    assert float(middle.split("the whole ")[1].split()[0]) < 1.0
    outer = next(line for line in lines if line.startswith("instrument2"))
    assert float(outer.split("the whole ")[1].split()[0]) > 8.0
    assert lines[-1].startswith("AIR_DB = (")
