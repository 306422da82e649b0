"""Chorale frames against the definition, and there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from instrument.errors import PhraseError
from instrument.music.chorale_frames import VOICES, frames_of, phrase_of
from instrument.music.note import Note, Phrase, Track
from tests.helpers.music.phrases import tracks


def test_a_cadence_becomes_the_frames_that_one_would_write_down() -> None:
    soprano = Track((Note(0, 72, 0.5), Note(0.5, 71, 0.5), Note(1, 72, 1)))
    alto = Track((Note(0, 67, 1), Note(1, 67, 1)))  # the same pitch again: one long note to frames
    tenor = Track((Note(1, 64, 0.5),))
    frames = frames_of(Phrase((soprano, alto, tenor), 2), steps_per_beat=2)
    assert frames.tolist() == [
        [72, 67, -1, -1],
        [71, 67, -1, -1],
        [72, 67, 64, -1],
        [72, 67, -1, -1],
    ]
    assert frames.dtype == np.int16
    back = phrase_of(frames, steps_per_beat=2)
    assert back.tracks[1].notes == (Note(0, 67, 2),)
    assert [track.name for track in back.tracks] == list(VOICES)
    assert back.length_beats == 2


def test_a_fifth_voice_is_refused() -> None:
    with pytest.raises(PhraseError, match="at most 4 tracks, got 5"):
        frames_of(Phrase((Track(()),) * 5, 1))


@settings(max_examples=100, derandomize=True)
@given(
    arrays.arrays(
        np.int16, st.tuples(st.integers(0, 30), st.just(4)), elements=st.integers(-1, 127)
    )
)
def test_frames_come_back_equal(frames: np.ndarray) -> None:
    for steps_per_beat in (1, 3, 4, 24):
        assert np.array_equal(frames_of(phrase_of(frames, steps_per_beat), steps_per_beat), frames)


@settings(max_examples=60, derandomize=True)
@given(st.lists(tracks(48, 480), max_size=4))
def test_a_frame_holds_the_highest_note_that_sounds_when_it_begins(some: list[Track]) -> None:
    frames = frames_of(Phrase(tuple(some), 10))
    assert frames.shape == (40, 4)
    for step, frame in enumerate(frames):
        now = step / 4
        for voice, track in enumerate(some):
            sounding = [n.pitch for n in track.notes if n.start_beats <= now < n.end_beats - 1e-9]
            assert frame[voice] == max(sounding, default=-1)


@settings(max_examples=60, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 8), st.integers(-1, 127)), max_size=20))
def test_a_melody_without_repeated_pitches_comes_back_equal(line: list[tuple[int, int]]) -> None:
    notes, now, before = [], 0, -1
    for steps, pitch in line:
        if pitch not in (-1, before):
            notes.append(Note(now / 4, pitch, steps / 4))
            before = pitch
        else:
            before = -1
        now += steps
    phrase = Phrase((Track(tuple(notes)),), now / 4)
    assert phrase_of(frames_of(phrase)).tracks[0].notes == phrase.notes
