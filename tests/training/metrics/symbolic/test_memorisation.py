"""The longest copy, against a slow and plain search."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from instrument.music.note import Note, Phrase, Track
from training.metrics.symbolic.memorisation import Copy, TrainingMusic, steps_of


def melody(pitches: list[int], length: float = 0.5, start: float = 0.0) -> Phrase:
    return Phrase.of(Note(start + i * length, p, length) for i, p in enumerate(pitches))


def plain_longest(phrase: Phrase, training: list[Phrase]) -> int:
    """Try all pairs of places, as the definition says."""
    best = 1
    mine = steps_of(phrase.tracks[0]).tolist()
    for other in training:
        theirs = steps_of(other.tracks[0]).tolist()
        for i in range(len(mine)):
            for j in range(len(theirs)):
                n = 0
                while i + n < len(mine) and j + n < len(theirs) and mine[i + n] == theirs[j + n]:
                    n += 1
                best = max(best, n + 1)
    return best


def test_a_copy_in_another_key_at_another_time_is_a_copy() -> None:
    training = [melody([60, 62, 64]), melody([70, 60, 61, 65, 66, 60, 72])]
    found = TrainingMusic(training).longest_copy(melody([50, 48, 49, 53, 54, 70], start=7.25))
    assert found == Copy(notes=4, source=1, track=0, first_note=1)


def test_another_rhythm_is_no_copy() -> None:
    training = TrainingMusic([melody([60, 62, 64, 65])])
    assert training.longest_copy(melody([60, 62, 64, 65], length=1.0)).notes == 1


def test_a_run_does_not_reach_from_one_piece_into_the_next() -> None:
    training = TrainingMusic([melody([60, 62, 64]), melody([64, 65, 67])])
    assert training.longest_copy(melody([60, 62, 64, 65, 67])).notes == 3


def test_each_track_is_compared_alone_and_the_longest_counts() -> None:
    upper, lower = melody([72, 74, 76]).tracks[0], melody([48, 55, 50, 57]).tracks[0]
    training = TrainingMusic([Phrase((upper, lower), 4.0)])
    other = Track(melody([40, 41]).tracks[0].notes)
    found = training.longest_copy(Phrase((other, lower), 4.0))
    assert (found.notes, found.track) == (4, 1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(60, 62), max_size=20), max_size=4),
    st.lists(st.integers(60, 62), min_size=1, max_size=20),
)
def test_it_finds_what_the_plain_search_finds(pieces: list[list[int]], asked: list[int]) -> None:
    training = [melody(piece) for piece in pieces]
    assert TrainingMusic(training).longest_copy(melody(asked)).notes == plain_longest(
        melody(asked), training
    )


def test_a_long_copy_is_found_in_much_music() -> None:
    random = np.random.default_rng(0)
    training = [melody(random.integers(55, 80, 200).tolist()) for _ in range(100)]
    stolen = [note.pitch + 5 for note in training[57].notes[40:90]]
    found = TrainingMusic(training).longest_copy(melody([33, *stolen, 34]))
    assert found == Copy(notes=50, source=57, track=0, first_note=1)


def test_silence_copies_nothing() -> None:
    training = TrainingMusic([])
    assert training.longest_copy(Phrase((Track(()),), 4.0)) == Copy(0)
    assert training.longest_copy(melody([60])) == Copy(1, track=0)


def test_the_share_of_a_piece_that_lies_in_long_runs_of_another() -> None:
    scale = list(range(60, 72))
    training = TrainingMusic([melody(scale)])
    assert training.shared(melody(scale[:5], start=3.0), run=5) == 1.0
    assert training.shared(melody([*scale[:5], 40, 80, 41, 81, 42]), run=5) == 0.5
    assert training.shared(melody(scale[:5]), run=6) == 0.0
    assert TrainingMusic([]).shared(melody(scale), run=5) == 0.0
