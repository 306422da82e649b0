"""Whether answers have to do with what a person played."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from instrument.music.likeness import overlap, rhythm
from training.metrics.partner.listening import continuations, live_answers
from training.metrics.partner.performer import MACHINE, Performer
from training.metrics.partner.phrases import read_phrases
from training.metrics.partner.rhythm import relation

PHRASES = list(read_phrases().values())


def quiet(_: str) -> None:
    pass


def test_there_are_fourteen_phrases_in_whole_bars() -> None:
    assert len(PHRASES) == 14
    for phrase in PHRASES:
        bars = (phrase.length_beats - phrase.pickup_beats) / phrase.bar_beats
        assert bars == pytest.approx(round(bars)) or phrase.pickup_beats
    assert max(len({n.start_beats for n in p.notes}) for p in PHRASES) < 40


def test_an_echo_has_everything_to_do_with_its_phrase() -> None:
    echoes = [
        [
            tuple(
                replace(n, start_beats=n.start_beats + (p.bar_beats - p.pickup_beats) % p.bar_beats)
                for n in p.notes
            )
        ]
        for p in PHRASES
    ]
    found = relation(PHRASES, echoes)
    assert found.own == pytest.approx(1.0)
    assert found.others < 0.5
    assert found.p < 0.001
    assert found.in_key > 0.9  # tunes have notes outside their scale


def test_answers_to_other_phrases_are_found_out() -> None:
    turned = [[p.notes] for p in PHRASES[1:] + PHRASES[:1]]
    found = relation(PHRASES, turned)
    assert found.own < 0.5
    assert found.p > 0.05


def test_rhythms_have_places_and_distances() -> None:
    phrase = PHRASES[0]
    shares = rhythm(phrase.notes, phrase.bar_beats)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert overlap(shares, shares) == pytest.approx(1.0)
    assert overlap(shares, {}) == 0.0


def test_a_player_is_off_by_no_more_than_was_said() -> None:
    phrase = PHRASES[3]
    played = Performer().play(phrase, 1)
    for written, note in zip(phrase.notes, played.notes, strict=True):
        assert abs(note.start_beats - written.start_beats) <= 0.024 + 1e-9
        assert math.isclose(note.length_beats, 0.88 * written.length_beats)
    assert played != Performer().play(phrase, 2)
    assert MACHINE.play(phrase, 1).notes == phrase.notes


@pytest.mark.slow
@pytest.mark.parametrize("make", [live_answers, continuations])
def test_the_counts_answer_a_person_in_his_own_rhythm(make) -> None:  # type: ignore[no-untyped-def]
    phrases = [PHRASES[number] for number in (0, 4, 6, 11, 13)]
    found = relation(phrases, make(phrases, "ngram", 1, Performer(), quiet))
    assert found.own - found.others > 0.2
    assert 0.7 < found.density < 1.4
    assert found.in_key > 0.9
