"""Chords are told to composers from the highest note down, in whatever order keys were struck."""

from __future__ import annotations

from itertools import permutations

import pytest

from instrument.composers.ngram.ngram import NgramModel, NgramState
from instrument.midi.messages import note_off, note_on
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.partner.modes.answer import Answer
from instrument.partner.modes.duet import Duet
from instrument.partner.partner import Partner
from instrument.partner.planning.rules import PlayRules
from tests.helpers.music.partner_stage import BEAT, MS, make_partner, run

CHORD = (72, 64, 55, 48)
Told = tuple[int, ...]


class Scribe:
    """A network whose state is what it was told of the player; it repeats a note on every beat."""

    def begin(self, bar_beats: float, pickup_beats: float) -> Told:
        return ()

    def feed(self, state: Told, note: Note) -> Told:
        return (*state, note.pitch)

    def follow(self, state: Told, note: Note) -> Told:
        return state

    def draw(self, state: Told, controls: Constraints, random: object) -> tuple[Note, Told]:
        return Note(float(int(controls.earliest_beats) + 1), 100, 0.5), state


def chord(order: tuple[int, ...], at_beats: float, apart: int) -> list[tuple[int, bytes]]:
    """Strike keys one after the other; the first that was struck is let go first."""
    begin = round(at_beats * BEAT)
    struck = [(begin + apart * n, note_on(pitch)) for n, pitch in enumerate(order)]
    return struck + [(begin + 20_000 + 300 * n, note_off(pitch)) for n, pitch in enumerate(order)]


def told_to(partner: Partner) -> Told:
    network = partner.pen.moment.network
    assert isinstance(network, tuple)
    return network


@pytest.mark.parametrize("mode", [Answer, Duet])
@pytest.mark.parametrize("order", list(permutations(CHORD))[::5], ids=str)
def test_a_chord_is_told_from_the_highest_note_down(
    mode: type[Answer | Duet], order: tuple[int, ...]
) -> None:
    partner = make_partner(mode(), network=Scribe(), busy_strikes=64)  # type: ignore[arg-type]
    run(partner, 7.0, [*chord(order, 1.0, 8 * MS), *chord(order[::-1], 3.0, 8 * MS)])
    assert told_to(partner) == CHORD * 2


def test_notes_that_follow_each_other_are_told_as_they_came() -> None:
    for mode in (Answer(), Duet()):
        partner = make_partner(mode, network=Scribe(), busy_strikes=64)  # type: ignore[arg-type]
        run(partner, 5.0, chord((48, 55, 64, 72), 1.0, 6_000))
        assert told_to(partner) == (48, 55, 64, 72)


def test_by_the_rules_of_old_takes_a_chord_is_told_as_it_was_struck() -> None:
    partner = make_partner(network=Scribe(), rules=PlayRules(4))  # type: ignore[arg-type]
    run(partner, 5.0, chord((55, 72, 48, 64), 1.0, 8 * MS))
    assert told_to(partner) == (55, 72, 48, 64)


@pytest.mark.parametrize("mode", [Answer, Duet])
def test_the_counts_learn_each_chord_once_and_in_that_order(
    mode: type[Answer | Duet], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned, feed = [], NgramModel.feed

    def watched(self: NgramModel, state: NgramState, note: Note) -> NgramState:
        learned.append(note.pitch)
        return feed(self, state, note)

    monkeypatch.setattr(NgramModel, "feed", watched)
    partner = make_partner(mode(), network=Scribe(), busy_strikes=64)  # type: ignore[arg-type]
    orders = list(permutations(CHORD))[::7]
    played = (event for n, order in enumerate(orders) for event in chord(order, 2.0 * n, 8 * MS))
    run(partner, 2.0 * len(orders) + 1.0, [*played, (2 * len(orders) * BEAT, note_on(60))])
    assert tuple(learned[: 4 * len(orders)]) == CHORD * len(orders)
