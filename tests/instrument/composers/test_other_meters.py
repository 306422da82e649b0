"""Bars of any meter are heard and answered in bars of four beats, each at its own beginning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instrument.composers.continuer import continuation
from instrument.composers.other_meters import OtherMeters
from instrument.music.constraints import Constraints
from instrument.music.note import Meter, Note, Phrase, Tempo, Track

ASKED = Constraints()


class Shadow:
    """Plays what it hears an octave lower, and a quarter on every beat of what follows."""

    def __init__(self) -> None:
        self.heard = Phrase((), 0.0)

    def continue_phrase(
        self,
        phrase: Phrase,
        length_beats: float,
        controls: Constraints,
        seed: int,
    ) -> Phrase:
        self.heard = phrase
        beats = tuple(Note(float(beat), 60, 1.0) for beat in range(round(length_beats)))
        return continuation(phrase, (Track(beats),), length_beats)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        assert condition is not None and previous is None
        assert bars * 4.0 >= condition.length_beats
        self.heard = condition
        return replace(condition.transposed(-12), tempos=(Tempo(0.0, 60.0),))


def waltz(beats: int, unit: int, *notes: tuple[float, float], pickup: float = 0.0) -> Phrase:
    meter = Meter(0.0, beats, unit)
    length = pickup + 2 * meter.bar_beats
    track = Track(tuple(Note(at, 72, long) for at, long in notes), name="tune")
    return Phrase((track,), length, (Tempo(0.0, 90.0),), (meter,), pickup)


def spans(phrase: Phrase) -> list[tuple[float, float]]:
    return [(note.start_beats, note.end_beats) for note in phrase.tracks[0].notes]


@pytest.mark.parametrize(
    ("phrase", "heard"),
    [
        (waltz(3, 4, (0, 1), (2, 1), (3, 3)), [(0, 1), (2, 4), (4, 8)]),
        (waltz(6, 8, (0, 1.5), (1.5, 2.5)), [(0, 1.5), (1.5, 5)]),
        (waltz(2, 4, (1, 1), (2, 0.5)), [(1, 4), (4, 4.5)]),
        (waltz(12, 8, (0, 3), (3, 1), (6, 3)), [(0, 4), (4, 5), (8, 12)]),
        (waltz(3, 4, (0, 1), (1, 2), (4, 3), pickup=1.0), [(0, 2), (2, 4), (6, 10)]),
    ],
)
def test_each_bar_begins_one_of_four_beats_and_comes_back_as_it_was(
    phrase: Phrase, heard: list[tuple[float, float]]
) -> None:
    shadow = Shadow()
    made = OtherMeters(shadow, 4.0).generate(2, 0, ASKED, phrase)
    assert spans(shadow.heard) == heard
    assert [meter.bar_beats for meter in shadow.heard.meters] == [4.0]
    assert made.tracks == phrase.transposed(-12).tracks
    assert (made.meters, made.tempos) == (phrase.meters, phrase.tempos)


def test_a_change_of_meter_begins_a_bar() -> None:
    phrase = replace(
        waltz(4, 4, (0, 4), (4, 3), (7, 1)),
        meters=(Meter(0.0, 4, 4), Meter(4.0, 3, 4)),
        length_beats=10.0,
    )
    shadow = Shadow()
    made = OtherMeters(shadow, 4.0).generate(3, 0, ASKED, phrase)
    assert spans(shadow.heard) == [(0, 4), (4, 8), (8, 9)]
    assert made.tracks == phrase.transposed(-12).tracks


def test_what_comes_behind_the_bars_end_is_left_out() -> None:
    made = OtherMeters(Shadow(), 4.0).continue_phrase(waltz(3, 4, (0, 6)), 6.0, ASKED, 0)
    assert spans(made) == [(beat, beat + 1) for beat in range(6)]
    assert made.length_beats == 6.0
    half = OtherMeters(Shadow(), 4.0).continue_phrase(waltz(7, 8, (0, 7)), 3.5, ASKED, 0)
    assert spans(half) == [(0, 1), (1, 2), (2, 3), (3, 3.5)]


def test_its_own_bars_reach_the_composer_as_they_are() -> None:
    shadow, phrase = Shadow(), waltz(4, 4, (0, 1), (3.5, 2))
    made = OtherMeters(shadow, 4.0).generate(2, 0, ASKED, phrase)
    assert shadow.heard is phrase
    assert made.tracks == phrase.transposed(-12).tracks
