"""What was planned stands until it is written anew; what is near is written first."""

from __future__ import annotations

import itertools

import pytest

from instrument.midi.messages import note_off, note_on
from instrument.music.note import Note
from instrument.partner.modes.duet import Duet
from instrument.partner.partner import Partner
from instrument.partner.planning.plan import Plan, Planned
from tests.helpers.music.partner_stage import BEAT, make_partner, run, strikes, tune

BAR = 4.0
SLOW = [(float(n), 0.5, 60 + n) for n in range(0, 8, 2)]


def planned(*starts: float) -> list[Planned]:
    return [Planned(Note(start, 60, 0.5)) for start in starts]


def starts_of(notes: list[Planned]) -> list[float]:
    return [one.note.start_beats for one in notes]


def plan_of(*starts: float) -> Plan:
    plan = Plan()
    for one in planned(*starts):
        plan.add(one)
    return plan


def test_what_is_set_aside_is_to_come_until_something_is_written_over_it() -> None:
    plan = plan_of(1.0, 2.0, 3.0, 4.0)
    first = plan.set_aside(2.0)
    assert first is not None and first.note.start_beats == 2.0
    assert (plan.written_beats, plan.end_beats) == (1.0, 4.0)
    plan.add(Planned(Note(3.0, 61, 0.5)))
    assert starts_of(plan.coming) == [1.0, 3.0, 4.0]
    assert plan.notes[-1].note.pitch == 61
    plan.clear_until(8.0)
    assert starts_of(plan.coming) == [1.0, 3.0]


def test_what_stands_is_played_if_nothing_is_written_in_time() -> None:
    plan = plan_of(1.0, 2.0, 3.0)
    plan.set_aside(1.5)
    assert starts_of(plan.take_until(2.5)) == [1.0, 2.0]
    assert starts_of(plan.coming) == [3.0]


def test_what_is_set_aside_twice_is_dropped_as_a_whole_by_a_cut() -> None:
    plan = plan_of(1.0, 2.0, 3.0)
    plan.set_aside(2.0)
    plan.add(Planned(Note(1.5, 61, 0.5)))
    plan.set_aside(1.25)
    assert starts_of(plan.coming) == [1.0, 1.5, 2.0, 3.0]
    plan.cut(1.25)
    assert starts_of(plan.coming) == [1.0]


def struck(partner: Partner, pitch: int = 61) -> None:
    partner.hear(partner.frame, note_on(pitch))
    partner.hear(partner.frame, note_off(pitch))


@pytest.mark.parametrize("seed", range(4))
def test_a_bar_is_ahead_in_every_step_after_a_strike(seed: int) -> None:
    partner = make_partner(Duet(), seed=seed)
    run(partner, 12.0, tune(SLOW))
    for _ in range(6):
        struck(partner)
        written = []
        for _ in range(200):
            partner.step()
            assert (partner.plan.end_beats or 0.0) >= partner.beats + BAR
            written.append((partner.plan.written_beats or 0.0) - partner.beats)
        assert written[0] < BAR, "nothing was thought anew"
        assert written[-1] >= 2 * BAR - 1e-2, "two bars ahead, as always"
        run(partner, partner.beats + 4.0)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_was_to_be_written_anew_is_heard(seed: int) -> None:
    """In virtual time the pen is always there first, so chance alone tells two partners apart."""
    partner, heard = make_partner(Duet(), seed=seed), []
    events = tune([(0.5 * n, 0.4, 60 + n % 7) for n in range(0, 60, 5)])
    while partner.frame < 32 * BEAT:
        while events and events[0][0] <= partner.frame:
            partner.hear(*events.pop(0))
        stands = {id(one) for one in partner.plan.standing}
        heard += strikes(partner.step())
        assert not stands & {id(one) for one in partner.output.lately}
    assert len(heard) > 20


def test_what_is_near_is_written_in_every_step_and_the_rest_at_leisure() -> None:
    partner = make_partner(Duet(), seed=1)
    run(partner, 12.0, tune(SLOW))
    struck(partner)
    near: list[bool] = []
    far: list[bool] = []
    was = partner.plan.written_beats
    for _ in range(60):
        partner.step()
        (near if was is None or was < partner.beats + 1.0 else far).append(
            partner.plan.written_beats != was
        )
        was = partner.plan.written_beats
    assert all(near) and len(near) > 1
    assert not any(a and b for a, b in itertools.pairwise(far))
