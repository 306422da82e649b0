"""Variation: strikes differ, renders do not."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import control_change, note_on
from instrument.realtime.offline_engine import OfflineEngine
from instrument.realtime.state import ALL_CHANNELS, USE_BANK
from tests.helpers.held import RATE_HZ
from tests.helpers.tones import cents, fill_bank, heard_hz, largest_step

SPACING = RATE_HZ // 4
MOST = {"detune": 0.02, "gain": 0.4, "cutoff_octaves": 0.1}  # semitones, dB, octaves


def make_engine(variation: float, block_frames: int = 128) -> OfflineEngine:
    engine = OfflineEngine(RATE_HZ, block_frames, note_seconds=1.0)
    fill_bank(engine.state, 1, frames=RATE_HZ)
    engine.state.banks[1]["variation"] = variation
    engine.state.banks[1]["cutoff_hz"] = 3_000.0
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    return engine


def strikes(variation: float, count: int, block_frames: int = 128) -> np.ndarray:
    """Return one sound per strike of the same key: float32, shape (count, frames)."""
    engine = make_engine(variation, block_frames)
    for number in range(count):
        at = 4_800 + number * SPACING
        engine.send(at, note_on(69, 100))
        engine.send(at + SPACING - 2_400, control_change(120, 0))
    sound = engine.render(4_800 + count * SPACING)[4_800:, 0]
    return sound.reshape(count, SPACING)


def test_strikes_are_alike_without_variation_and_never_with_it() -> None:
    same, varied = strikes(0.0, 4), strikes(1.0, 12)
    assert all(np.array_equal(sound, same[0]) for sound in same)
    assert len({sound.tobytes() for sound in varied}) == len(varied)


@pytest.mark.parametrize("block_frames", [33, 256])
def test_the_same_notes_give_the_same_bits_again(block_frames: int) -> None:
    assert np.array_equal(strikes(1.0, 5, block_frames), strikes(1.0, 5))


def drawn(variation: float, count: int = 600) -> dict[str, np.ndarray]:
    """Return what strikes have drawn, in the unit of `MOST`."""
    plain = make_engine(0.0)
    plain.send(-1, note_on(69, 100))
    plain.render(128)
    rest = plain.state.voices[0].copy()
    engine = make_engine(variation)
    found: dict[str, list[float]] = {name: [] for name in (*MOST, "start")}
    for _ in range(count):
        engine.send(-1, note_on(69, 100))
        engine.render(32)
        voices = engine.state.voices
        voice = voices[(voices["stage"] > 0) & (voices["is_fading"] == 0)][0]
        found["detune"].append(float(voice["detune"]))
        found["gain"].append(20 * np.log10(voice["gain"] / rest["gain"]))
        found["cutoff_octaves"].append(float(voice["cutoff_octaves"] - rest["cutoff_octaves"]))
        found["start"].append(float(voice["position"] / 2**32 - 32 * voice["increment"] / 2**32))
        engine.send(-1, control_change(120, 0))
        engine.render(320)
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.parametrize("variation", [0.5, 1.0])
def test_draws_fill_their_range_evenly_and_know_nothing_of_each_other(variation: float) -> None:
    found = drawn(variation)
    for name, most in MOST.items():
        values = found[name] / (most * variation)
        assert np.abs(values).max() <= 1.001
        assert values.max() > 0.98 and values.min() < -0.98
        assert abs(values.mean()) < 4 * np.sqrt(1 / 3 / len(values))  # four standard errors
        assert values.std() == pytest.approx(np.sqrt(1 / 3), rel=0.08)
        assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 4 / np.sqrt(len(values))
    pairs = np.corrcoef([found[name] for name in (*MOST, "start")])
    assert np.abs(pairs - np.eye(len(pairs))).max() < 4 / np.sqrt(len(found["gain"]))
    assert found["start"].min() >= 0.0 and found["start"].max() <= 0.0005 * variation * RATE_HZ


def test_what_is_heard_stays_within_two_cents_and_does_not_click() -> None:
    plain, varied = strikes(0.0, 1)[0], strikes(1.0, 12)
    heard = [cents(heard_hz(sound[2_048:9_000]), 69) for sound in varied]
    assert np.abs(heard).max() < 2.3 and np.ptp(heard) > 1.5
    for sound in varied:
        assert largest_step(sound[:480]) < 1.1 * largest_step(plain[:480])
