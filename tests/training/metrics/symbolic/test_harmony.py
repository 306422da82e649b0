"""Clashes, named chords, and whether an answer belongs to its prompt."""

import math

import pytest

from instrument.music.likeness import rhythm_likeness, turns_likeness
from instrument.music.note import Note, Phrase, Track
from training.metrics.partner.belonging import own_auc
from training.metrics.symbolic.harmony import harmony_of, on_beats


def chords(*pitches: tuple[int, ...]) -> Phrase:
    """A chord on every beat."""
    notes = [Note(float(beat), p, 1.0) for beat, chord in enumerate(pitches) for p in chord]
    return Phrase.of(notes, float(len(pitches)))


def test_semitones_clash_in_any_octave() -> None:
    found = harmony_of([chords((60, 64, 67), (60, 61), (60, 73), (60, 71), (60, 62), (60,))])
    assert found.beats == 5
    assert found.clashes == pytest.approx(3 / 5)


def test_chords_are_named_by_their_pitch_classes() -> None:
    found = harmony_of(
        [chords((60, 64, 67), (48, 67, 76), (62, 65, 69, 72), (60, 62, 64), (60, 64))]
    )
    assert found.chords == 4
    assert found.named == pytest.approx(3 / 4)
    assert math.isnan(harmony_of([chords((60, 64))]).named)


def test_beats_are_counted_from_the_bar_line_and_drums_are_left_out() -> None:
    notes = (Note(0.5, 60, 1.0), Note(1.5, 62, 0.5))
    phrase = Phrase(
        (Track(notes), Track((Note(0.5, 36, 4.0),), is_drum=True)), 2.5, pickup_beats=0.5
    )
    assert list(on_beats(phrase)) == [frozenset({60}), frozenset({62})]


def test_fifths_that_follow_each_other_are_counted_and_so_are_chords_that_stand_still() -> None:
    def voice(*pitches: int) -> Track:
        return Track(tuple(Note(float(beat), pitch, 1.0) for beat, pitch in enumerate(pitches)))

    parallel = Phrase((voice(67, 69, 71, 71), voice(60, 62, 65, 64)), 4.0)
    assert harmony_of([parallel]).fifths == pytest.approx(1 / 2)  # 71 over 64 comes from a tritone
    assert harmony_of([parallel]).frozen == 0.0
    crossed = Phrase((voice(60, 62), voice(79, 81)), 2.0)
    assert harmony_of([crossed]).fifths == 1.0
    still = Phrase((Track((Note(0.0, 60, 8.0), Note(0.0, 64, 8.0))),), 12.0)
    assert harmony_of([still, parallel]).frozen == 0.5


def line(pitches: tuple[int, ...], lengths: tuple[float, ...]) -> Phrase:
    notes, now = [], 0.0
    for pitch, length in zip(pitches, lengths, strict=True):
        notes.append(Note(now, pitch, length))
        now += length
    return Phrase.of(notes, 8.0)


def test_answers_in_their_prompts_rhythm_and_turns_are_told_from_others() -> None:
    slow, fast = (1.0,) * 8, (0.5, 0.5, 1.0, 0.5, 0.5, 1.0, 2.0, 2.0)
    first = line((60, 62, 64, 65, 67, 65, 64, 62), slow)
    second = line((72, 71, 69, 67, 69, 71, 72, 74), fast)
    own, others = [(first, first), (second, second)], [(first, second), (second, first)]
    for like in (rhythm_likeness, turns_likeness):
        assert own_auc(own, like) == 1.0
        assert own_auc(others, like) == 0.0
    assert (
        own_auc([(first, Phrase.of((), 4.0)), (second, Phrase.of((), 4.0))], turns_likeness) == 0.5
    )
