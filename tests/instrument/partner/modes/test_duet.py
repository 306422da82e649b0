"""A second voice that yields, in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import note_off, note_on
from instrument.music.note import Note
from instrument.partner.modes.duet import Duet
from tests.helpers.music.partner_stage import BEAT, MS, make_partner, run, strikes, stuck, tune

SLOW = [(0.0, 1.8, 60), (2.0, 1.8, 64), (4.0, 1.8, 67), (6.0, 1.8, 65)]


def test_it_joins_on_the_next_beat_and_goes_on() -> None:
    partner = make_partner(Duet())
    messages = run(partner, 16.0, tune(SLOW))
    starts = [message.frame / BEAT for message in strikes(messages)]
    assert starts[0] >= 1.0
    assert all(any(bar <= start < bar + 4 for start in starts) for bar in (4, 8, 12))
    assert not stuck(messages + partner.end())


def test_it_is_planned_two_bars_ahead() -> None:
    partner = make_partner(Duet())
    run(partner, 10.0, tune(SLOW))
    assert partner.plan.end_beats is not None
    assert partner.plan.end_beats >= partner.beats + 7.0


def test_it_falls_silent_while_the_player_is_busy_and_comes_back() -> None:
    partner = make_partner(Duet(), busy_strikes=3)
    run_up = run(partner, 8.0, tune(SLOW))
    busy = [(8.0 + 0.25 * n, 0.2, 60 + n % 5) for n in range(16)]  # until 12
    during = run(partner, 12.0, tune(busy))
    silent = [m.frame / BEAT for m in strikes(during) if m.frame > 8.6 * BEAT]
    assert silent == []
    assert partner.mode.situation() == "yielding"
    after = run(partner, 20.0)
    assert strikes(after)
    assert not stuck([*run_up, *during, *after, *partner.end()])


def test_chords_leave_it_room_and_fast_notes_do_not() -> None:
    chords = [(2.0 * n, 1.8, pitch) for n in range(4) for pitch in (48, 55, 60, 64)]
    partner = make_partner(Duet(), busy_strikes=3)
    messages = run(partner, 8.0, tune(chords))
    assert [m for m in strikes(messages) if m.frame > 2 * BEAT]
    assert partner.mode.situation() == "playing"


def test_a_single_strike_changes_what_follows_but_not_what_is_about_to_sound() -> None:
    plain = strikes(run(make_partner(Duet()), 14.0, tune(SLOW)))
    touched = strikes(
        run(
            make_partner(Duet()),
            14.0,
            [*tune(SLOW), (10 * BEAT, note_on(90)), (10 * BEAT + 2_000, note_off(90))],
        )
    )
    commit = 10 * BEAT + 31 * MS
    assert [m for m in plain if m.frame < commit] == [m for m in touched if m.frame < commit]
    assert plain != touched


@pytest.mark.parametrize("blend", [0.0, 0.5, 1.0])
def test_without_a_network_the_counts_play_whatever_the_blend(blend: float) -> None:
    messages = run(make_partner(Duet(), blend=blend), 12.0, tune(SLOW))
    assert len(strikes(messages)) > 5


class StandsStill:
    """A network that never moves on in time."""

    def begin(self, bar_beats: float, pickup_beats: float) -> object:
        return (bar_beats, pickup_beats)

    def feed(self, state: object, note: object) -> object:
        return state

    def draw(self, state: object, controls: object, random: object) -> tuple[object, object]:
        return Note(0.0, 60, 0.25), state


def test_a_network_that_stands_still_is_moved_on() -> None:
    partner = make_partner(Duet(), network=StandsStill())  # type: ignore[arg-type]
    messages = run(partner, 12.0, tune(SLOW))
    starts = np.array([m.frame for m in strikes(messages)]) / BEAT
    assert len(starts) <= 16 * 11
    assert max(np.sum((starts >= at) & (starts < at + 1.0)) for at in starts) <= 20
    assert not stuck(messages + partner.end())


class Broken:
    """A network that fails at its third note."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason

    def begin(self, bar_beats: float, pickup_beats: float) -> object:
        return (bar_beats, pickup_beats)

    def feed(self, state: object, note: object) -> object:
        return (state, note)

    def draw(self, state: object, controls: object, random: object) -> tuple[object, object]:
        raise self.reason


@pytest.mark.parametrize(
    ("reason", "words"),
    [(RuntimeError("no memory left"), "no memory left"), (AssertionError(), "AssertionError")],
)
def test_a_network_that_fails_is_replaced_by_the_counts_in_the_same_step(
    reason: Exception, words: str
) -> None:
    partner = make_partner(Duet(), network=Broken(reason))  # type: ignore[arg-type]
    messages = run(partner, 12.0, tune(SLOW))
    assert len(strikes(messages)) > 5
    assert partner.pen.composer.problem == f"network has failed ({words})"
