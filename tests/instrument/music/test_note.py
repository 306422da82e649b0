"""Notes and phrases: what cannot be is refused, and cutting, moving and joining lose nothing."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrument.errors import PhraseError
from instrument.music.note import Meter, Note, Phrase, Tempo, Track
from tests.helpers.music.phrases import phrases

GRID = 64
"""A power of two: on this grid sums and differences of float64 are exact."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Note(-0.5, 60, 1), "start_beats must be at least 0, got -0.5"),
        (lambda: Note(math.nan, 60, 1), "start_beats must be at least 0, got nan"),
        (lambda: Note(0, 128, 1), "pitch must be in 0..127, got 128"),
        (lambda: Note(0, 60.5, 1), "pitch must be a whole number, got 60.5"),  # type: ignore[arg-type]
        (lambda: Note(0, "C4", 1), "pitch must be a whole number, got 'C4'"),  # type: ignore[arg-type]
        (lambda: Note(0, 60, 1, 80.0), "velocity must be a whole number"),  # type: ignore[arg-type]
        (lambda: Note(0, 60, 0), "length_beats must be longer than 0, got 0"),
        (lambda: Note(0, 60, math.inf), "length_beats must be longer than 0, got inf"),
        (lambda: Note(0, 60, 1, 0), "velocity must be in 1..127, got 0"),
        (lambda: Track((), program=128), "program must be in 0..127, got 128"),
        (lambda: Track((), channel=16), "channel must be in 0..15, got 16"),
        (lambda: Meter(0, 0, 4), "beats must be in 1..255, got 0"),
        (lambda: Meter(0, 3, 6), "unit must be a power of two up to 128, got 6"),
        (lambda: Tempo(0, 0), "bpm must be more than 0, got 0"),
        (lambda: Phrase.of([Note(2, 60, 1)], 1.5), "at least 2, its last note, got 1.5"),
        (lambda: Phrase((), 1, tempos=()), "tempos must be in order of time from 0 on"),
        (
            lambda: Phrase((), 1, meters=(Meter(1, 4, 4),)),
            "meters must be in order of time from 0 on",
        ),
        (lambda: Phrase((), 1, pickup_beats=-1), "pickup_beats must be at least 0, got -1"),
        (lambda: Phrase((), 1).between(2, 1), "from >= 0 to later, got 2 to 1"),
        (lambda: Phrase((), 1).shifted(-1), "at least 0, got -1"),
        (lambda: Phrase.of([Note(0, 120, 1)]).transposed(8), "pitch must be in 0..127, got 128"),
    ],
)
def test_what_no_music_has_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(PhraseError) as refusal:
        make()
    assert message in str(refusal.value)


def test_a_track_puts_its_notes_in_order() -> None:
    low, high, later = Note(0, 60, 2), Note(0, 64, 1), Note(1, 50, 1)
    assert Track((later, high, low)).notes == (low, high, later)
    both = Phrase((Track((later,)), Track((high, low))), 2)
    assert both.notes == (low, high, later)


def test_a_phrase_of_notes_ends_with_the_last_of_them() -> None:
    assert Phrase.of([Note(0, 60, 3), Note(1, 62, 1)]).length_beats == 3
    assert Phrase.of([]).length_beats == 0


def test_bar_lines_follow_pickup_and_meter_changes() -> None:
    # One beat of pickup, bars of 3/4 from beat 1, 6/8 from beat 7 on.
    phrase = Phrase((), 13, meters=(Meter(0, 3, 4), Meter(7, 6, 8)), pickup_beats=1.0)
    assert phrase.bar_beats == 3
    assert Meter(0, 6, 8).bar_beats == 3
    phases = [phrase.beat_phase(beat) for beat in (0, 0.5, 1, 3.5, 4, 6, 7, 9, 10)]
    assert phases == [2, 2.5, 0, 2.5, 0, 2, 0, 2, 0]
    assert phrase.beat_phase(0.1 + 0.2 + 0.7) == 0  # 1.0 but for the rounding of its sum


def test_the_tempo_and_meter_in_force_are_the_last_that_began() -> None:
    phrase = Phrase((), 8, (Tempo(0, 60), Tempo(4, 90)), (Meter(0, 3, 4), Meter(3, 2, 2)))
    assert [phrase.tempo_at(beat).bpm for beat in (0, 3.9, 4, 99)] == [60, 60, 90, 90]
    assert [phrase.meter_at(beat).beats for beat in (0, 2.9, 3, 99)] == [3, 3, 2, 2]


def test_transposing_leaves_drums_where_they_are() -> None:
    phrase = Phrase((Track((Note(0, 60, 1),)), Track((Note(0, 36, 1),), is_drum=True)), 1)
    assert [note.pitch for note in phrase.transposed(-5).notes] == [36, 55]
    assert phrase.transposed(7).transposed(-7) == phrase


def test_joining_goes_track_by_track() -> None:
    first = Phrase((Track((Note(0, 60, 1),), "lead"),), 4, (Tempo(0, 90),))
    second = Phrase((Track((Note(1, 62, 1),), "tune"), Track((Note(0, 40, 2),), "bass")), 2)
    joined = first.followed_by(second)
    assert [track.name for track in joined.tracks] == ["lead", "bass"]
    assert joined.tracks[0].notes == (Note(0, 60, 1), Note(5, 62, 1))
    assert joined.tracks[1].notes == (Note(4, 40, 2),)
    assert (joined.length_beats, joined.tempos) == (6, (Tempo(0, 90),))


@settings(max_examples=100, derandomize=True)
@given(phrase=phrases(GRID), cut=st.integers(0, 64 * GRID))
def test_two_halves_make_the_whole(phrase: Phrase, cut: int) -> None:
    middle = min(cut / GRID, phrase.length_beats)
    halves = phrase.between(0, middle).followed_by(phrase.between(middle, phrase.length_beats))
    assert halves.tracks == phrase.tracks
    assert halves.length_beats == phrase.length_beats


@settings(max_examples=100, derandomize=True)
@given(phrase=phrases(GRID), beats=st.integers(0, 64 * GRID), probe=st.integers(0, 80 * GRID))
def test_bar_lines_and_tempos_stay_with_the_notes(phrase: Phrase, beats: int, probe: int) -> None:
    start, later = beats / GRID, (beats + probe) / GRID
    part, moved = phrase.between(start, 200), phrase.shifted(start)
    assert part.beat_phase(later - start) == phrase.beat_phase(later)
    assert part.tempo_at(later - start).bpm == phrase.tempo_at(later).bpm
    assert moved.beat_phase(later) == phrase.beat_phase(later - start)
    assert moved.tempo_at(later).bpm == phrase.tempo_at(later - start).bpm


@settings(max_examples=100, derandomize=True)
@given(phrase=phrases(GRID), beats=st.integers(0, 64 * GRID))
def test_silence_put_before_a_phrase_can_be_cut_off_again(phrase: Phrase, beats: int) -> None:
    silence = beats / GRID
    back = phrase.shifted(silence).between(silence, silence + phrase.length_beats)
    assert back.tracks == phrase.tracks
    assert back.length_beats == phrase.length_beats
    assert back.pickup_beats == phrase.pickup_beats % phrase.bar_beats
