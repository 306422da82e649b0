"""Note tuples against tuples written by hand, and there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrument.music.note import Note
from instrument.music.note_tuples import (
    GRID,
    MAX_DURATION,
    MAX_SHIFT,
    REST,
    notes_of,
    tuples_of,
)
from tests.helpers.music.phrases import notes


def test_shifts_count_from_the_note_before_and_chords_come_from_the_top() -> None:
    chord = [Note(1, 60, 0.5, 127), Note(1, 67, 0.5, 1), Note(1, 64, 2, 80)]
    tuples = tuples_of([*chord, Note(1.25, 72, 1 / 3, 16)])
    assert tuples.shift.tolist() == [24, 0, 0, 6]
    assert tuples.pitch.tolist() == [67, 64, 60, 72]
    assert tuples.duration.tolist() == [12, 48, 12, 8]
    assert tuples.velocity.tolist() == [0, 5, 7, 1]
    assert tuples.start_ticks.tolist() == [24, 24, 24, 30]
    assert not tuples.offset.any()


def test_notes_nearly_together_are_a_chord_with_microtiming() -> None:
    early, late = Note(1 - 0.25 / 24, 60, 1), Note(1 + 0.25 / 24, 64, 1)
    tuples = tuples_of([early, late])
    assert tuples.pitch.tolist() == [64, 60]
    assert tuples.offset == pytest.approx([0.25, -0.25], abs=1e-9)


def test_a_long_gap_is_filled_with_rests() -> None:
    tuples = tuples_of([Note(8, 60, 1), Note(8 + 16 + 1 / 24, 62, 9)])
    assert tuples.shift.tolist() == [192, 192, 192, 1]
    assert tuples.pitch.tolist() == [60, REST, REST, 62]
    assert (tuples.duration[3], tuples.length_offset[3]) == (MAX_DURATION, GRID)


def test_no_notes_are_no_tuples() -> None:
    assert len(tuples_of([])) == 0
    assert notes_of(tuples_of([])) == ()
    assert tuples_of([]).pitch.dtype == np.int64


@settings(max_examples=100, derandomize=True)
@given(st.lists(notes(GRID, 1000), max_size=20))
def test_notes_on_the_grid_come_back_equal(some: list[Note]) -> None:
    assert notes_of(tuples_of(some)) == tuple(sorted(some))


finely_timed = st.builds(
    Note,
    st.floats(0, 1e4),
    st.integers(0, 127),
    st.floats(1e-3, 1e3),
    st.integers(1, 127),
)


@settings(max_examples=100, derandomize=True)
@given(st.lists(finely_timed, max_size=20))
def test_microtiming_comes_back_within_rounding(some: list[Note]) -> None:
    tuples = tuples_of(some)
    assert ((tuples.shift >= 0) & (tuples.shift <= MAX_SHIFT)).all()
    assert ((tuples.duration >= 1) & (tuples.duration <= MAX_DURATION)).all()
    assert (np.abs(tuples.offset) <= 0.5 + 1e-9).all()
    back = notes_of(tuples)
    assert len(back) == len(some)
    for ours, theirs in zip(sorted(some), back, strict=True):
        assert theirs.start_beats == pytest.approx(ours.start_beats, abs=1e-12, rel=1e-12)
    by_value = sorted((n.pitch, n.velocity, n.length_beats) for n in some)
    for expected, note in zip(
        by_value, sorted((n.pitch, n.velocity, n.length_beats) for n in back), strict=True
    ):
        assert note == pytest.approx(expected, abs=1e-12, rel=1e-12)
