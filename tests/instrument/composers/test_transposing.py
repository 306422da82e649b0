"""Composers of one scale answer in the key that they hear or are asked for."""

import pytest

from instrument.composers.transposing import TransposedComposer, scale_of
from instrument.music.constraints import Constraints, Key
from instrument.music.note import Note, Phrase

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10)


class Parrot:
    """Says again what it hears, or middle C, and remembers it."""

    def __init__(self) -> None:
        self.heard: list[Phrase] = []

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        assert controls.key in (None, Key(0, "major"), Key(9, "minor"))
        assert length_beats > 0 and seed >= 0
        self.heard.append(phrase)
        return phrase

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        assert previous is None and bars > 0
        return self.continue_phrase(condition or melody((60,)), 1.0, controls, seed)


def melody(pitches: tuple[int, ...]) -> Phrase:
    return Phrase.of([Note(float(beat), pitch, 1.0) for beat, pitch in enumerate(pitches)])


def scale(tonic: int, steps: tuple[int, ...] = _MAJOR) -> Phrase:
    return melody(tuple(60 + tonic + step for step in (*steps, 12)))


def classes(phrase: Phrase) -> set[int]:
    return {note.pitch % 12 for note in phrase.notes}


@pytest.mark.parametrize("tonic", range(-5, 7))
def test_major_scales_and_their_relative_minors_are_recognised(tonic: int) -> None:
    assert scale_of(scale(tonic).notes) == tonic
    assert scale_of(scale(tonic - 3, _MINOR).notes) == tonic


@pytest.mark.parametrize("tonic", [-5, -1, 2, 6])
def test_a_track_is_accompanied_in_its_own_key(tonic: int) -> None:
    inner = Parrot()
    given = scale(tonic)
    assert TransposedComposer(inner).generate(2, 1, Constraints(), condition=given) == given
    assert classes(inner.heard[0]) == set(_MAJOR)


def test_what_was_before_is_continued_in_its_own_key() -> None:
    inner = Parrot()
    before = scale(3)
    assert TransposedComposer(inner).generate(2, 1, Constraints(), previous=before) == before
    assert classes(inner.heard[0]) == set(_MAJOR)


@pytest.mark.parametrize(
    ("key", "pitch"), [("D", 62), ("A minor", 60), ("B", 59), ("Bb minor", 61)]
)
def test_music_from_nothing_is_in_the_key_that_is_asked_for(key: str, pitch: int) -> None:
    made = TransposedComposer(Parrot()).generate(2, 1, Constraints(key=Key.named(key)))
    assert [note.pitch for note in made.notes] == [pitch]
