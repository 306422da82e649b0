"""Piano rolls against rolls written by hand, and there and back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from instrument.music.note import Meter, Note, Phrase, Track
from instrument.music.piano_rolls import (
    FIRST_PITCH,
    HOLD,
    REST,
    phrase_of_pitch_rolls,
    phrase_of_rolls,
    pitch_rolls_of,
    rolls_of,
)
from tests.helpers.music.phrases import notes


def test_a_bar_of_two_voices_becomes_the_classes_that_one_would_write_down() -> None:
    melody = Track((Note(0, 62, 0.5), Note(0.5, 60, 0.25), Note(1, 60, 1)))
    bass = Track((Note(0.25, 48, 9),))  # sounds on after the end
    phrase = Phrase((melody, bass), 2, meters=(Meter(0, 2, 4),))
    rolls = rolls_of(phrase, lowest_pitch=48, pitches=24)
    assert rolls.shape == (1, 2, 8)
    assert rolls[0, 0].tolist() == [16, HOLD, 14, REST, 14, HOLD, HOLD, HOLD]
    assert rolls[0, 1].tolist() == [REST, FIRST_PITCH, *[HOLD] * 6]


def test_a_pickup_fills_the_end_of_its_bar() -> None:
    phrase = Phrase.of([Note(0, 60, 1), Note(1, 62, 3)], meter=(3, 4), pickup_beats=1.0)
    rolls = rolls_of(phrase, steps_per_beat=1, lowest_pitch=60)
    assert rolls[:, 0].tolist() == [[REST, REST, 2], [4, HOLD, HOLD]]


def test_a_voice_sings_one_note_at_a_time() -> None:
    chord = [Note(0, 60, 4), Note(0, 67, 2), Note(0, 64, 3)]
    rolls = rolls_of(Phrase.of([*chord, Note(1, 50, 1)], 4), steps_per_beat=1, lowest_pitch=50)
    assert rolls[0, 0].tolist() == [19, 2, REST, REST]


def test_pitches_out_of_range_are_left_out() -> None:
    phrase = Phrase.of([Note(0, 23, 1), Note(1, 24, 1), Note(2, 107, 1), Note(3, 108, 1)])
    assert rolls_of(phrase, steps_per_beat=1)[0, 0].tolist() == [REST, 2, 85, REST]
    assert pitch_rolls_of(phrase, steps_per_beat=1)[0].sum(axis=(0, 2)).tolist() == [0, 1, 1, 0]


def test_a_hold_after_a_rest_is_silent() -> None:
    rolls = np.array([[[HOLD, HOLD, 2, HOLD, REST, HOLD, 3, 3]]])
    assert phrase_of_rolls(rolls, lowest_pitch=60).notes == (
        Note(0.5, 60, 0.5),
        Note(1.5, 61, 0.25),
        Note(1.75, 61, 0.25),
    )


@settings(max_examples=80, derandomize=True)
@given(
    arrays.arrays(
        np.int64,
        st.tuples(st.integers(1, 4), st.integers(1, 3), st.just(12)),
        elements=st.sampled_from([REST, HOLD, HOLD, 2, 30, 85]),
    )
)
def test_rolls_come_back_equal_once_their_idle_holds_are_rests(rolls: np.ndarray) -> None:
    lines = rolls.transpose(1, 0, 2).reshape(rolls.shape[1], -1)
    for line in lines:
        for step in range(len(line)):
            if line[step] == HOLD and (step == 0 or line[step - 1] == REST):
                line[step] = REST
    tidy = lines.reshape(rolls.shape[1], len(rolls), 12).transpose(1, 0, 2)
    back = rolls_of(phrase_of_rolls(tidy, meter=(3, 4)))
    assert np.array_equal(back, tidy)


@st.composite
def melodies(draw: st.DrawFn) -> Track:
    some, now = [], 0
    for _ in range(draw(st.integers(0, 12))):
        now += draw(st.integers(0, 5))
        length = draw(st.integers(1, 9))
        some.append(Note(now / 4, draw(st.integers(24, 107)), length / 4))
        now += length
    return Track(tuple(some))


@settings(max_examples=80, derandomize=True)
@given(st.lists(melodies(), min_size=1, max_size=3))
def test_melodies_on_the_grid_come_back_equal(tracks: list[Track]) -> None:
    end = max((note.end_beats for track in tracks for note in track.notes), default=0.0)
    back = phrase_of_rolls(rolls_of(Phrase(tuple(tracks), end)))
    assert back.tracks == tuple(tracks)
    assert back.length_beats == max(4, -(-end // 4) * 4)


def without_overlaps(some: list[Note]) -> tuple[Note, ...]:
    kept: list[Note] = []
    for note in sorted(some):
        if all(n.pitch != note.pitch or n.end_beats <= note.start_beats for n in kept):
            kept.append(Note(note.start_beats, note.pitch, note.length_beats))
    return tuple(kept)


@settings(max_examples=80, derandomize=True)
@given(st.lists(st.lists(notes(8, 64, longest=12), max_size=15), min_size=1, max_size=3))
def test_chords_on_the_grid_come_back_equal(tracks: list[list[Note]]) -> None:
    phrase = Phrase(tuple(Track(without_overlaps(some)) for some in tracks), 10)
    rolls = pitch_rolls_of(phrase, 8, lowest_pitch=0, pitches=128)
    assert phrase_of_pitch_rolls(*rolls, 8, lowest_pitch=0).tracks == phrase.tracks


def test_without_onsets_neighbours_are_one_note() -> None:
    sounding = np.zeros((1, 8, 128), dtype=np.bool_)
    sounding[0, 2:6, 60] = True
    phrase = phrase_of_pitch_rolls(sounding, lowest_pitch=0, programs=(5,), are_drums=(True,))
    assert phrase.tracks == (Track((Note(0.5, 60, 1),), program=5, is_drum=True),)
