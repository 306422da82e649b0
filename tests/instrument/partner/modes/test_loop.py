"""A loop that is new each time, in virtual time."""

from __future__ import annotations

import pytest

from instrument.midi.messages import control_change
from instrument.partner.modes.loop import Loop
from tests.helpers.music.partner_stage import BEAT, Played, make_partner, run, strikes, stuck, tune

TWO_BARS: list[Played] = [(0.5 * n, 0.4, 60 + (n * 5) % 12) for n in range(16)]


def bar_of(frame: int) -> int:
    return frame // (4 * BEAT)


def pitches(messages: list, bar: int) -> list[tuple[int, int]]:  # type: ignore[type-arg]
    """What a bar plays: frame in the bar and pitch."""
    return [
        (m.frame - bar * 4 * BEAT, m.data[1]) for m in strikes(messages) if bar_of(m.frame) == bar
    ]


def test_the_first_pass_is_what_was_played_and_then_one_bar_is_new_each_time() -> None:
    messages = run(make_partner(Loop(), loop_bars=2), 33.0, tune(TWO_BARS))
    played = [
        [
            (round(s * BEAT) - bar * 4 * BEAT, p)
            for s, _, p in TWO_BARS
            if bar * 4 <= s < bar * 4 + 4
        ]
        for bar in (0, 1)
    ]
    assert [pitches(messages, bar) for bar in (2, 3)] == played
    assert pitches(messages, 4) != played[0]  # new
    assert pitches(messages, 5) == played[1]
    assert pitches(messages, 6) == played[0]  # what was looped comes back
    assert pitches(messages, 7) != played[1]
    assert all(pitches(messages, bar) for bar in range(2, 8))


def test_capturing_begins_with_the_bar_of_the_first_note() -> None:
    partner = make_partner(Loop(), loop_bars=1)
    messages = run(partner, 17.0, tune([(0.0, 0.5, 60), (1.5, 0.5, 64)], at_beats=5.0))
    first, second = strikes(messages)[:2]
    assert (first.frame / BEAT, second.frame / BEAT) == pytest.approx((9.0, 10.5))
    assert (first.data[1], second.data[1]) == (60, 64)


def test_nothing_sticks_and_a_held_note_ends_with_the_loop() -> None:
    partner = make_partner(Loop(), loop_bars=1)
    messages = run(partner, 20.0, tune([(0.0, 7.0, 60), (1.0, 0.5, 64)]))
    messages += partner.end()
    assert not stuck(messages)
    assert partner.mode.situation() == "looping"


def test_the_controller_lets_it_begin_anew() -> None:
    partner = make_partner(Loop(), loop_bars=1, end_control=67)
    run(partner, 9.5, tune([(0.0, 0.5, 60)]))
    again = round(9.5 * BEAT)
    messages = run(
        partner, 20.0, [(again, control_change(67, 127)), *tune([(0.0, 0.5, 72)], at_beats=12.0)]
    )
    assert {m.data[1] for m in strikes(messages) if m.frame >= 16 * BEAT} >= {72}
    assert not [m for m in strikes(messages) if 9.6 * BEAT < m.frame < 15.9 * BEAT]


def test_a_knob_turned_in_a_pass_leaves_the_captured_notes() -> None:
    partner = make_partner(Loop(), loop_bars=2)
    messages = run(partner, 17.0, tune(TWO_BARS))
    messages += run(partner, 33.0, [(round(17.2 * BEAT), control_change(20, 127))])
    assert pitches(messages, 5) == pitches(messages, 3)
    assert not stuck(messages + partner.end())
