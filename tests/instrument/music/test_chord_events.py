import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrument.music.chord_events import (
    ChordEvent,
    events_of,
    length_ticks,
    named_event,
    nearest_chord,
    nearest_duration,
    notes_of,
)
from instrument.music.note import Note
from instrument.music.vocabulary import START, Vocabulary

_CHORD = st.frozensets(st.integers(0, 127), min_size=1, max_size=4)
_LINES = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 300), _CHORD), max_size=12)


@given(_LINES)
def test_chords_and_rests_on_the_grid_come_back(
    line: list[tuple[int, int, frozenset[int]]],
) -> None:
    notes, now = [], 0
    for gap, length, pitches in line:
        now += gap
        notes += [Note(now / 24, pitch, length / 24) for pitch in sorted(pitches)]
        now += length
    events = events_of(notes)
    assert notes_of(events) == tuple(notes)
    assert length_ticks(events) == (now if line else 0)


def test_a_chord_keeps_its_register() -> None:
    (event,) = events_of([Note(0.0, 36, 1.0), Note(0.0, 76, 1.0)])
    assert event.pitches == (36, 76)
    assert event.chord == "36.76"


def test_rests_keep_their_length_and_long_ones_are_several() -> None:
    events = events_of([Note(20.0, 60, 1.0)])
    assert [(e.chord, e.length_ticks) for e in events[:-1]] == [
        ("rest", 192),
        ("rest", 192),
        ("rest", 96),
    ]


def test_a_held_note_sounds_on_under_the_next() -> None:
    notes = (Note(0.0, 48, 2.0), Note(1.0, 60, 1.0))
    held, moving = events_of(notes)
    assert (held.length_ticks, held.advance_ticks) == (48, 24)
    assert held.duration == "48>24"
    assert notes_of([held, moving]) == notes


@pytest.mark.parametrize(
    ("event", "chord", "duration"),
    [
        (ChordEvent((), 12, 12), "rest", "12"),
        (ChordEvent((60,), 24, 24), "60", "24"),
        (ChordEvent((48, 64), 48, 6), "48.64", "48>6"),
    ],
)
def test_names_say_everything(event: ChordEvent, chord: str, duration: str) -> None:
    assert (event.chord, event.duration) == (chord, duration)
    assert named_event(chord, duration) == event


def test_unknown_chords_are_heard_as_their_highest_note_in_a_known_octave() -> None:
    vocabulary = Vocabulary((START, "60", "62", "rest"))
    known = {
        pitches: nearest_chord(vocabulary, pitches) for pitches in [(62,), (48, 74), (24,), ()]
    }
    assert known == {(62,): 2, (48, 74): 2, (24,): 1, (): 3}
    assert nearest_chord(vocabulary, (61,)) == vocabulary.id_of(START)


def test_unknown_durations_are_heard_as_the_nearest_by_ratio() -> None:
    vocabulary = Vocabulary((START, "6", "24", "48>12"))
    assert nearest_duration(vocabulary, 11, 11) == 1  # 11/6 < 24/11
    assert nearest_duration(vocabulary, 13, 13) == 2
    assert nearest_duration(vocabulary, 48, 12) == 3
