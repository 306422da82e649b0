"""Where a note begins, where it was let go, and at which key it is."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from tests.helpers.sounds.played_notes import RATE_HZ as RECORDED_HZ
from tests.helpers.sounds.played_notes import bow, pluck
from training.audio.format import SAMPLE_RATE_HZ as RATE_HZ
from training.data.audio.recorded.note import from_onset, heard_pitch, let_go, tuned

Samples = NDArray[np.float32]


def recorded(note: Samples) -> Samples:
    return np.asarray(soxr.resample(note, RECORDED_HZ, RATE_HZ, "VHQ"), np.float32)


@pytest.mark.parametrize("room", [0.0, 1e-3, 6e-3])
@pytest.mark.parametrize("make", [pluck, bow])
def test_a_note_begins_after_the_room_and_before_its_attack(make: object, room: float) -> None:
    note = recorded(make(57))  # type: ignore[operator]
    random = np.random.default_rng(0)
    wait = 20_000
    audio = np.concatenate([np.zeros(9_000), np.zeros(wait), note]).astype(np.float32)
    audio[9_000:] += room * random.standard_normal(audio.size - 9_000).astype(np.float32)
    begins = audio.size - from_onset(audio).size
    loud = 9_000 + wait + int(np.argmax(np.abs(note) > 0.1 * np.abs(note).max()))
    assert loud - round(0.06 * RATE_HZ) <= begins <= loud


def test_a_held_note_ends_where_its_player_let_go() -> None:
    note = recorded(bow(57, 2.0))
    assert let_go(note) == pytest.approx(1.5 * RATE_HZ, abs=0.06 * RATE_HZ)


def test_a_string_that_rings_on_without_its_treble_was_let_go() -> None:
    time = np.arange(3 * RATE_HZ) / RATE_HZ
    after = np.maximum(time - 1.2, 0.0)
    partials = [
        np.sin(2 * np.pi * 196.0 * k * time) / k * np.exp(-after * (0.3 + 6.0 * (k > 2)))
        for k in range(1, 16)
    ]
    note = np.asarray(0.1 * np.sum(partials, axis=0), np.float32)
    assert let_go(note) == pytest.approx(1.35 * RATE_HZ, abs=0.2 * RATE_HZ)


@pytest.mark.parametrize("cents", [-170, -60, 0, 20, 147])
@pytest.mark.parametrize("pitch", [40, 57, 76])
def test_a_recording_comes_to_its_key(pitch: int, cents: int) -> None:
    audio, off = tuned(recorded(bow(pitch + cents / 100)), pitch)
    heard = heard_pitch(audio)
    assert off == pytest.approx(cents / 100, abs=0.05)
    assert heard is not None
    assert heard == pytest.approx(pitch + (cents / 100 if abs(cents) <= 30 else 0.0), abs=0.05)


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(ValueError, match="its name 66"):
        tuned(recorded(bow(60)), 66)


def test_a_note_named_an_octave_off_is_no_matter_of_tuning() -> None:
    audio, off = tuned(recorded(pluck(48.02)), 60)
    assert off == pytest.approx(0.02, abs=0.05) and audio.size
