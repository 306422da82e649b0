"""What was meant by what was played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from instrument.music.constraints import DENSITIES, Constraints
from instrument.music.meant import (
    NOTE_VALUES,
    STRAIGHT,
    Ear,
    Feel,
    given_back,
    hear_phrase,
    is_score,
    meant_length,
    meant_start,
)
from instrument.music.note import Note, Phrase

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


@pytest.mark.parametrize(
    ("played", "written"),
    [
        (0.02, 0.0),
        (0.27, 0.25),
        (0.30, 0.25),  # nearer to the triplet, but not by enough
        (0.33, 1 / 3),
        (0.65, 2 / 3),
        (0.73, 0.75),
        (3.98, 4.0),
    ],
)
def test_a_strike_goes_to_the_nearest_sixteenth_or_triplet(played: float, written: float) -> None:
    assert meant_start(played) == pytest.approx(written)


@pytest.mark.parametrize("value", NOTE_VALUES)
def test_a_key_held_for_88_percent_means_the_whole_note_value(value: float) -> None:
    assert meant_length(0.88 * value) == value
    assert meant_length(0.95 * value) == value


def played(notes: list[Note], swing: float, seed: int, jitter: float = 0.024) -> list[Note]:
    random = np.random.default_rng(seed)
    feel = Feel(swing)
    return [
        replace(
            note,
            start_beats=max(0.0, feel.played(note.start_beats) + random.uniform(-jitter, jitter)),
            length_beats=0.88 * note.length_beats,
        )
        for note in notes
    ]


@pytest.mark.parametrize("seed", range(5))
def test_swing_is_a_property_of_the_player_and_not_a_triplet(seed: int) -> None:
    written = [Note(0.5 * n, SCALE[n % 8], 0.5) for n in range(24)]
    ear = Ear()
    heard = [ear.hear(note) for note in played(written, 0.63, seed)]
    assert ear.feel.swing == pytest.approx(0.63, abs=0.02)
    assert [note.start_beats for note in heard[6:]] == [note.start_beats for note in written[6:]]


@pytest.mark.parametrize("seed", range(5))
def test_straight_eighths_and_triplets_do_not_swing(seed: int) -> None:
    eighths = [Note(0.5 * n, 60, 0.5) for n in range(24)]
    triplets = [Note(n / 3, 60, 1 / 3) for n in range(24)]
    for written in (eighths, triplets):
        ear = Ear()
        heard = [ear.hear(note) for note in played(written, 0.5, seed)]
        assert ear.feel.swing == 0.5
        assert [n.start_beats for n in heard] == pytest.approx([n.start_beats for n in written])
        assert {n.length_beats for n in heard} == {written[0].length_beats}


def test_who_plays_behind_the_beat_is_answered_behind_it() -> None:
    ear = Ear()
    for n in range(16):
        ear.hear(Note(n + 0.04, 60, 0.9))
    assert ear.feel.push_beats == pytest.approx(0.03, abs=0.012)
    assert ear.feel.played(20.0) == pytest.approx(20.03, abs=0.012)


def test_keys_of_a_chord_belong_together() -> None:
    ear = Ear()
    starts = [ear.hear(Note(beats, pitch, 0.9)).start_beats for beats, pitch in
              [(0.98, 60), (1.0, 64), (1.05, 67)]]  # fmt: skip
    assert starts == [1.0, 1.0, 1.0]
    assert ear.voices() == 3


def test_a_feel_is_undone_exactly() -> None:
    feel = Feel(0.64, 0.02)
    for beats in np.arange(0.0, 4.0, 1 / 24):
        assert feel.written(feel.played(beats)) == pytest.approx(beats)


def test_a_score_means_itself() -> None:
    score = Phrase.of([Note(n / 3, 60 + n, 1 / 3) for n in range(12)])
    assert is_score(score)
    assert hear_phrase(score) == (score, STRAIGHT)
    assert given_back(score, STRAIGHT) is score


def test_a_played_phrase_is_heard_as_it_was_written() -> None:
    written = [Note(n / 2, 60 + n, 1 / 2) for n in range(12)]
    phrase = Phrase.of(played(written, 0.5, 1), 8.0)
    heard, feel = hear_phrase(phrase)
    assert [(n.start_beats, n.length_beats) for n in heard.notes] == [
        (n.start_beats, n.length_beats) for n in written
    ]
    assert feel.swing == 0.5


def test_a_density_is_never_more_than_can_be_asked_for() -> None:
    ear = Ear.of(Phrase.of([Note(n / 200, 60, 0.01) for n in range(200)]))
    assert Constraints(density=ear.density()).density == DENSITIES[1]


def test_the_dynamics_of_a_phrase_are_known_along_its_length() -> None:
    ear = Ear()
    for n in range(16):
        ear.hear(Note(float(n), 60, 0.9, 40 + 4 * n))
    assert ear.velocity_at(0.0) < -20 < 0 < 20 < ear.velocity_at(1.0)
