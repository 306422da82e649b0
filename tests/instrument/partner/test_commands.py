"""Bar lines that are marked, an ending when told, a key that is kept."""

import pytest

from instrument.midi.messages import note_on
from instrument.music.constraints import Key
from instrument.partner.commands import BarLine, ComeToEnd, LockKey
from instrument.partner.modes.duet import Duet
from instrument.partner.modes.loop import Loop
from instrument.partner.partner import Partner
from instrument.partner.views import view_of
from tests.helpers.music.partner_stage import BEAT, make_partner, run, strikes, tune

SCALE = [(0.5 * n, 0.45, pitch) for n, pitch in enumerate((62, 64, 66, 67, 69, 71, 73, 74, 69, 62))]


def marked(partner: Partner, at_beats: float) -> None:
    run(partner, at_beats)
    partner.do(BarLine())


def test_two_bar_lines_are_a_meter() -> None:
    partner = make_partner()
    marked(partner, 1.0)
    assert partner.transport.bar_beats == 4.0
    place = partner.beats
    assert place % 4.0 == pytest.approx(0.0, abs=0.01)
    marked(partner, 4.06)
    assert partner.transport.bar_beats == 3.0
    assert partner.beats % 3.0 == pytest.approx(0.0, abs=0.01)


def test_two_marks_that_are_no_whole_beats_apart_leave_the_meter() -> None:
    partner = make_partner()
    marked(partner, 1.0)
    marked(partner, 3.5)
    assert partner.transport.bar_beats == 4.0


@pytest.mark.slow
@pytest.mark.parametrize("mode", [Duet, Loop])
def test_an_ending_is_the_tonics_chord_on_the_bar_line_and_then_silence(
    mode: type[Duet | Loop],
) -> None:
    partner = make_partner(mode(), seed=2, key="D major")
    run(partner, 10.2, tune(SCALE))
    partner.do(ComeToEnd())
    messages = run(partner, 24.0)
    after = [message for message in strikes(messages) if message.frame >= 12 * BEAT]
    assert {message.frame for message in after} == {12 * BEAT}
    assert all(message.data[1] % 12 in Key.named("D").tonic_chord for message in after)
    assert partner.mode.situation() == "waiting"
    assert not partner.output.is_sounding
    again = run(partner, 40.0, [(25 * BEAT, note_on(62)), (26 * BEAT, note_on(64))])
    assert strikes(again)


def test_an_ending_before_anything_has_sounded_is_silence() -> None:
    partner = make_partner(Duet())
    partner.do(ComeToEnd())
    assert not strikes(run(partner, 9.0))


def test_the_key_is_shown_kept_and_let_go() -> None:
    partner = make_partner()
    run(partner, 5.9, tune(SCALE))
    assert view_of(partner, "internal").key == "D major"
    partner.do(LockKey())
    assert partner.options.key == "D major"
    assert view_of(partner, "internal").key == "D major, locked"
    partner.do(LockKey())
    assert partner.options.key is None


def test_a_wish_against_what_is_played_is_said() -> None:
    partner = make_partner(key="Ab major")
    run(partner, 5.9, tune(SCALE))
    assert view_of(partner, "internal").key == "Ab major, locked, but you play in D major"
    near = make_partner(key="B minor")
    run(near, 5.9, tune(SCALE))
    assert view_of(near, "internal").key == "B minor, locked"
