"""With care voices do not rub against each other, move in parallel, or stand still for bars."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.bundle.bundle import Bundle
from instrument.composers.chorale_lstm.chorale_lstm import FREE, ChoraleLSTM
from instrument.composers.chorale_lstm.state import (
    FALL_SILENT,
    HOLD,
    MOVES,
    STAY,
    Past,
    advance,
    begin,
    harshness,
    is_frozen,
)
from instrument.composers.ensemble_lstm.company import Company
from instrument.composers.ensemble_lstm.composer import EnsembleComposer
from instrument.composers.musegan.rolls import MuseShape
from instrument.composers.registry import composer_of
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.music.piano_rolls import FIRST_PITCH, REST
from instrument.music.pitch import clashing
from instrument.music.sampling import NoteRandom
from tests.helpers.models.tiny_composers import tiny_composer

SILENT = -1
CHORD = (72, 67, 64, 48)


def after(*frames: tuple[int, int, int, int]) -> Past:
    past = begin(4.0, 0.0)
    for frame in frames:
        past = advance(past, frame)
    return past


def test_semitones_in_any_octave_clash() -> None:
    found = np.flatnonzero(clashing([60]))
    assert {pitch % 12 for pitch in found.tolist()} == {1, 11}
    assert len(found) == 21
    assert not clashing([]).any()


def test_a_move_to_a_semitone_is_harsh_and_a_suspension_off_the_beat_is_not() -> None:
    placed = (72, SILENT, SILENT, 48)
    on_a_beat, off_it = after(*[(71, 67, 64, 48)] * 4), after(*[(71, 67, 64, 48)] * 5)
    to_b = STAY + 71 - 67
    for past in (on_a_beat, off_it):
        against = harshness(past, 1, placed)
        assert against[to_b] == against[to_b - 10] == 1.0
        assert against[STAY + 2] == against[FALL_SILENT] == 0.0
    held = [harshness(past, 0, (SILENT, 72, SILENT, 48))[HOLD] for past in (on_a_beat, off_it)]
    assert held == [1.0, 0.0]


def test_parallel_fifths_and_octaves_are_harsh_and_fourths_are_not() -> None:
    past = after((72, 67, 60, 48))
    bass_moves = (SILENT, SILENT, SILENT, 50)
    up = STAY + 2
    assert harshness(past, 1, bass_moves)[up] == 3.0  # 67 over 48, then 69 over 50
    assert harshness(past, 0, bass_moves)[up] == 3.0
    assert harshness(past, 1, (74, SILENT, SILENT, SILENT))[up] == 0.0  # a fourth below
    assert harshness(past, 1, (SILENT, SILENT, SILENT, 48))[up] == 0.0  # the bass stays
    assert harshness(past, 3, (SILENT, 69, SILENT, SILENT))[up] == 3.0  # the lower voice, too
    assert harshness(past, 1, bass_moves).shape == (MOVES,)


def test_a_chord_is_frozen_before_it_has_sounded_for_two_bars() -> None:
    assert not is_frozen(after(*[CHORD] * 27), (SILENT,) * 4)
    still = after(*[CHORD] * 28)
    assert is_frozen(still, (72, SILENT, SILENT, SILENT))
    assert not is_frozen(still, (74, SILENT, SILENT, SILENT))
    assert not is_frozen(after(*[(SILENT,) * 4] * 40), (SILENT,) * 4)  # a rest is no chord


def shape(given_track: int) -> MuseShape:
    return MuseShape(("a", "b"), 1, 2, 1, 24, 48, given_track, 0, "categorical")


def test_a_musegan_s_voices_give_way_to_what_sounds() -> None:
    logits = np.zeros((1, 1, 2, FIRST_PITCH + 24), np.float32)
    logits[..., FIRST_PITCH + 13] = 9.0  # a semitone above the octave of what is given
    logits[..., FIRST_PITCH + 16] = 5.0
    given = np.array([[[FIRST_PITCH, REST]], [[REST, REST]]])
    random = np.random.default_rng(0)
    as_it_is = shape(0).choose(logits, Constraints(), random, given)
    assert as_it_is.tolist() == [[[FIRST_PITCH + 13, FIRST_PITCH + 13]]]
    careful = shape(0).choose(logits, Constraints(care=2.0), random, given)
    assert careful.tolist() == [[[FIRST_PITCH + 16, FIRST_PITCH + 13]]]


def test_a_musegan_s_voices_do_not_follow_each_other_in_fifths() -> None:
    logits = np.zeros((2, 1, 2, FIRST_PITCH + 24), np.float32)
    for step, (upper, lower) in enumerate(((7, 0), (9, 2))):
        logits[0, 0, step, FIRST_PITCH + upper] = 9.0
        logits[1, 0, step, FIRST_PITCH + lower] = 9.0
    logits[1, 0, 1, FIRST_PITCH + 5] = 5.0
    random = np.random.default_rng(0)
    made = shape(-1).choose(logits, Constraints(care=2.0), random)
    lines = (made[:, 0] - FIRST_PITCH).tolist()
    assert lines == [[7, 9], [0, 5]]


def test_whoever_accompanies_a_melody_does_not_follow_it_in_fifths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    composer = composer_of(Bundle.load(tiny_composer("tiny_ensemble")))
    assert isinstance(composer, EnsembleComposer)
    melody, model = (Note(0.0, 67, 1.0), Note(1.0, 69, 1.0)), composer.model
    state = model.feed(model.knowing(model.begin(4.0, 0.0), melody), melody[0])
    state = model.follow(state, Note(0.0, 60, 1.0))
    at_once = Constraints(earliest_beats=1.0, density=2.0, register=(61, 62))

    def drawn() -> set[int]:
        notes = [model.draw(state, at_once, np.random.default_rng(n))[0] for n in range(20)]
        assert {note.start_beats for note in notes} == {1.0}
        return {note.pitch for note in notes}

    assert drawn() == {61}
    monkeypatch.setattr(Company, "side_by_side", lambda *_: None)
    assert drawn() == {61, 62}


def test_a_voice_that_can_do_nothing_else_rests_on_in_a_frozen_chord() -> None:
    composer = composer_of(Bundle.load(tiny_composer("tiny_chorale")))
    assert isinstance(composer, ChoraleLSTM)
    sung, random = composer.begin(4.0, 0.0), NoteRandom(0)
    for _ in range(32):
        _, sung = composer.sing(sung, (SILENT, *CHORD[1:]), Constraints(), random)
    far = Constraints(register=(100, 110), care=2.0)  # no leap goes there
    frame, _ = composer.sing(sung, (FREE,) * 4, far, random)
    assert frame[0] == SILENT
