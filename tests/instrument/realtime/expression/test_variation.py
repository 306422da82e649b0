"""Variation: strikes differ, renders do not."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import control_change, note_on
from instrument.realtime.memory.constants import ALL_CHANNELS, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ
from tests.helpers.sounds.tones import cents, fill_bank, heard_hz, largest_step

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


def held(drift: float, block_frames: int = 128, seconds: int = 6) -> np.ndarray:
    """Return a held note, left side, once its attack is over."""
    engine = make_engine(0.0, block_frames)
    engine.state.banks[1]["drift"] = drift
    engine.send(-1, note_on(69, 100))
    return engine.render(seconds * RATE_HZ)[4_800:, 0]


def test_a_held_note_drifts_slowly_within_its_range_and_not_at_all_without() -> None:
    window = RATE_HZ // 10
    still, drifting = (
        [cents(heard_hz(part), 69) for part in held(drift).reshape(-1, window)[:54]]
        for drift in (0.0, 1.0)
    )
    assert np.ptp(still) < 0.1
    assert 2.0 < np.ptp(drifting) < 8.2 and np.abs(drifting).max() < 4.3
    assert abs(np.mean(drifting)) < 1.5
    assert np.abs(np.diff(drifting)).max() < 4.0  # a tenth of a second: half a line at most
    levels = 20 * np.log10(np.abs(held(1.0).reshape(-1, window)[:54]).max(axis=1))
    assert 0.2 < np.ptp(levels) < 1.1


@pytest.mark.slow
def test_a_drifting_note_never_repeats_and_never_clicks_and_is_the_same_again() -> None:
    sound = held(1.0)
    first = sound[:RATE_HZ]
    for at in range(RATE_HZ // 3, 4 * RATE_HZ, 4_800):
        assert best_likeness(first, sound[at : at + RATE_HZ + 480]) < 0.97
    still = held(0.0)
    assert best_likeness(still[:RATE_HZ], still[RATE_HZ : 2 * RATE_HZ + 480]) > 0.999
    assert largest_step(sound) < 1.07 * largest_step(still)  # it sways by 0.5 dB
    assert np.array_equal(held(1.0, 47), sound)


def best_likeness(first: np.ndarray, other: np.ndarray) -> float:
    """Return the highest correlation of one sound with a part of another."""
    size = len(first)
    products = np.correlate(other.astype(np.float64), first.astype(np.float64), "valid")
    squares = np.cumsum(np.concatenate([[0.0], other.astype(np.float64) ** 2]))
    norms = np.sqrt((squares[size:] - squares[:-size]) * np.sum(first.astype(np.float64) ** 2))
    return float(np.max(products / norms))
