"""What the networks are told: in range, and the same in every key."""

from typing import Any

import numpy as np
import pytest

from instrument.composers.note_history import History
from instrument.composers.note_lstm import features
from instrument.composers.note_lstm.features import Conditions, HeadInputs

SIZES = {
    "notes": features.NOTE_COLUMNS,
    "pitch": features.PITCH_COLUMNS,
    "duration": features.DURATION_COLUMNS,
    "velocity": features.VELOCITY_COLUMNS,
}


def music(seed: int, key: int = 0) -> list[tuple[int, int, int, int]]:
    """Chords and runs, long gaps and long notes among them."""
    random = np.random.default_rng(seed)
    shifts = random.choice([0, 0, 6, 12, 24, 36, 97, 500], size=80)
    pitches = random.integers(40, 85, size=80) + key
    durations = random.choice([1, 6, 12, 24, 48, 150, 192], size=80)
    velocities = random.integers(0, 8, size=80)
    columns = (shifts, pitches, durations, velocities)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def told(seed: int, bar_beats: float, key: int = 0) -> list[dict[str, Any]]:
    history, rows = History.begin(bar_beats, 1.0), []
    for shift, pitch, duration, velocity in music(seed, key):
        here, onset = history.onset(0), history.onset(shift)
        rows.append(
            {
                "notes": features.note_columns(history, here),
                "shift": features.shift_inputs(history, here),
                "pitch": features.pitch_inputs(history, onset),
                "duration": features.duration_inputs(history, onset, pitch),
                "velocity": features.velocity_columns(history, onset, pitch, duration),
                "heard": features.pitch_classes(history),
            }
        )
        history = history.follow(onset, pitch, duration, velocity)
    return rows


def columns(row: HeadInputs | np.ndarray) -> np.ndarray:
    return row.columns if isinstance(row, HeadInputs) else row


@pytest.mark.parametrize("bar_beats", [1.5, 3.0, 4.0, 4.5, 12.0])
def test_every_row_is_in_its_table(bar_beats: float) -> None:
    for row in told(1, bar_beats):
        for name, sizes in SIZES.items():
            found = columns(row[name])
            assert found.shape == (len(sizes),)
            assert (found >= 0).all()
            assert (found < np.array(sizes)).all(), (name, found)
        for name in ("shift", "duration"):
            position, bar = row[name].anchors
            assert 0 <= position < features.POSITIONS
            assert 1 <= bar <= features.POSITIONS


@pytest.mark.parametrize("key", [-5, 3, 12])
def test_another_key_changes_nothing_but_the_height(key: int) -> None:
    for low, high in zip(told(2, 4.0)[1:], told(2, 4.0, key)[1:], strict=True):
        changed = np.flatnonzero(low["notes"] != high["notes"])
        assert changed.tolist() == [1]
        assert np.array_equal(low["pitch"].columns, high["pitch"].columns)
        assert np.array_equal(low["pitch"].candidates, high["pitch"].candidates)
        assert np.array_equal(low["pitch"].anchors + key, high["pitch"].anchors)
        for name in ("shift", "duration"):
            assert np.array_equal(low[name].columns, high[name].columns)
            assert np.array_equal(low[name].candidates, high[name].candidates)
        assert np.allclose(low["heard"], high["heard"])


def test_a_repeated_bar_offers_its_notes_to_be_copied() -> None:
    bar = [(24, 60, 20, 5), (24, 64, 12, 5), (24, 67, 24, 5), (24, 72, 6, 5)]
    history = History.begin(4.0, 0.0)
    for shift, pitch, duration, velocity in [*bar, *bar[:2]]:
        history = history.follow(history.onset(shift), pitch, duration, velocity)
    onset = history.onset(24)
    copied = features.pitch_inputs(history, onset)
    nothing = features.NOTHING
    assert copied.candidates.tolist() == [3, 3, nothing, nothing, nothing]
    lengths = features.duration_inputs(history, onset, 67)
    assert lengths.candidates[:2].tolist() == [23, 23]
    assert 24 in features.shift_inputs(history, history.onset(0)).candidates


def test_the_first_shift_can_copy_nothing() -> None:
    history = History.begin(4.0, 0.0)
    here = features.shift_inputs(history, history.onset(0))
    assert set(here.candidates.tolist()) == {features.NOTHING}


def test_conditions_that_are_not_given_have_their_own_rows() -> None:
    assert tuple(features.condition_columns(Conditions(), 60)) == features.NO_CONDITIONS
    asked = Conditions(density=2.0, tonic=2, is_minor=True, low=48, high=90)
    density, key, low, high = features.condition_columns(asked, 60)
    assert density == features.density_row(2.0) == 9
    assert key == 12 + 2
    assert (low, high) == (12, 48)


def test_densities_are_half_octaves_with_ends() -> None:
    rows = [features.density_row(value) for value in (0.0, 0.125, 1.0, 2**0.5, 4.0, 5.7, 99.0)]
    assert rows == [1, 1, 7, 8, 11, 12, 12]
