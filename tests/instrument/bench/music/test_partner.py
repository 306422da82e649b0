"""The partner's bench compares with where the player's feel says, and counts what was left out."""

from __future__ import annotations

import math

import pytest

from instrument.bench.music.partner import lateness
from instrument.bench.music.partner_thinking import due_frame, percentile
from instrument.midi.messages import control_change, is_note_on, note_on
from instrument.partner.partner import Partner
from instrument.realtime.memory.constants import TO_OUT, TO_VOICES
from tests.helpers.music.partner_stage import BEAT, MS, make_partner, run, strikes, tune

END = 67


def answered(behind: float) -> tuple[Partner, int, int]:
    """Play a phrase so many beats behind; return the partner, when it ended, and the answer."""
    partner = make_partner(end_control=END, silence_beats=16.0)
    phrase = [(0.5 * n + behind, 0.4, 60 + n) for n in range(8)]
    end = 5 * BEAT - 40 * MS
    messages = run(partner, 6.0, [*tune(phrase), (end, control_change(END, 127))])
    return partner, end, strikes(messages)[0].frame


def test_whoever_plays_on_the_beat_is_due_an_answer_on_it() -> None:
    partner, end, first = answered(0.0)
    assert first == due_frame(partner, end) == 5 * BEAT


@pytest.mark.parametrize("behind", [0.02, 0.05])
def test_whoever_plays_behind_is_due_an_answer_as_far_behind_as_was_heard(behind: float) -> None:
    partner, end, first = answered(behind)
    due = due_frame(partner, end)
    assert first == due
    assert 5 * BEAT < due <= (5.0 + behind) * BEAT


def test_an_answer_on_the_beat_itself_is_not_on_time_for_whoever_plays_behind() -> None:
    partner, end, _ = answered(0.05)
    assert due_frame(partner, end) != 5 * BEAT


def test_no_answer_is_due_before_its_beat() -> None:
    partner, end, first = answered(-0.03)
    assert partner.phrasing.ear.feel.push_beats < 0.0
    assert first == due_frame(partner, end) == 5 * BEAT


def test_each_strike_is_compared_with_its_own_and_one_left_out_moves_no_other() -> None:
    plan = [(1_000 * n, note_on(60 + n), TO_VOICES) for n in range(4)]
    done = [plan[0], (1_064, *plan[1][1:]), plan[3], (0, note_on(60), TO_OUT)]
    assert all(is_note_on(data) for _, data, _ in plan)
    found = lateness(plan, done, TO_VOICES)
    assert found.tolist() == [0.0, 64.0, math.inf, 0.0]
    assert percentile(found, 50) == 64.0 and percentile(found, 99) == math.inf
