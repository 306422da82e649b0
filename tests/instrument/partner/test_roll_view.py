"""What the player sees, and what single keys do."""

from __future__ import annotations

import pytest

from instrument.midi.messages import note_on
from instrument.partner.commands import COMMANDS, Accept, Keep, Lock, Silence, ThinkAgain
from instrument.partner.messages import PLAYER, RollNote, View
from instrument.partner.modes.duet import Duet
from instrument.partner.roll_view import draw_roll
from instrument.partner.views import view_of
from instrument.processes.json_lines import encode
from instrument.session.terminal.terminal_keys import KEYS, TerminalKeys
from tests.helpers.music.partner_stage import BEAT, TUNE, make_partner, run, strikes, stuck, tune

VIEW = View(
    beats=4.0,
    bpm=120.0,
    bar_beats=4.0,
    is_running=True,
    clock="own tempo",
    mode="duet",
    situation="playing",
    is_locked=False,
    notes=(RollNote(4.5, 1.0, 60, 0), RollNote(5.5, 0.5, 64, 0), RollNote(3.0, 0.5, 62, -1)),
)


def test_the_roll_shows_time_to_the_right_and_pitch_upwards() -> None:
    rows = draw_roll(VIEW, 40).plain.splitlines()
    assert len(rows) == 5
    assert rows[4].index("█") == 10 and rows[4][11:14] == "▬▬▬"
    assert rows[0].index("█") == 14
    assert rows[2].index("█") == 4
    assert all(row[8] == "│" for row in rows)
    assert "┊" in rows[1][20:]


@pytest.mark.parametrize("width", [10, 33, 200])
def test_the_roll_keeps_to_its_width_and_to_twelve_rows(width: int) -> None:
    wild = replace_notes(tuple(RollNote(0.3 * n, 9.0, (n * 37) % 128, n % 4) for n in range(60)))
    rows = draw_roll(wild, width).plain.splitlines()
    assert len(rows) <= 12
    assert max(len(row) for row in rows) <= max(width, 16)


def test_an_empty_plan_is_drawn_too() -> None:
    assert draw_roll(replace_notes(()), 80).plain.strip()


def replace_notes(notes: tuple[RollNote, ...]) -> View:
    import msgspec

    return msgspec.structs.replace(VIEW, notes=notes)


def test_the_view_tells_what_is_planned_before_it_sounds() -> None:
    partner = make_partner()
    run(partner, 3.95, tune())
    view = view_of(partner, "internal")
    assert view.situation == "answering"
    coming = [note for note in view.notes if note.part != PLAYER]
    assert coming[0].start == pytest.approx(4.0)
    heard = [(note.start, note.pitch) for note in view.notes if note.part == PLAYER]
    assert heard == [(start, pitch) for start, _, pitch in TUNE]


def test_what_has_been_handed_over_is_still_seen() -> None:
    partner = make_partner()
    run(partner, 5.0, tune())
    starts = [note.start for note in view_of(partner, "internal").notes if note.part != PLAYER]
    assert starts[0] == pytest.approx(4.0) and starts == sorted(starts)


def test_thinking_again_gives_other_notes_from_here_on() -> None:
    plain, again = make_partner(Duet()), make_partner(Duet())
    slow = tune([(float(n), 0.5, 60) for n in range(0, 8, 2)])
    before = run(plain, 9.0, slow)
    assert run(again, 9.0, slow) == before
    again.do(ThinkAgain())
    assert strikes(run(plain, 16.0)) != strikes(run(again, 16.0))


def test_what_is_accepted_is_played_even_if_the_player_strikes_a_key() -> None:
    partner = make_partner(Duet())
    run(partner, 9.0, tune([(float(n), 0.5, 60) for n in range(0, 8, 2)]))
    planned = [p.note for p in partner.plan.notes]
    partner.do(Accept())
    assert planned[-1].start_beats < 21.0  # two bars ahead, and the rest after them
    messages = run(partner, 21.0, [(round(9.5 * BEAT), note_on(61))])
    played = [(m.frame, m.data[1]) for m in strikes(messages)]
    assert played[: len(planned)] == [
        (round(note.start_beats * BEAT), note.pitch) for note in planned
    ]
    assert not partner.is_locked
    assert not stuck(messages + partner.end())


def test_a_lock_holds_until_it_is_opened_or_everything_is_silenced() -> None:
    partner = make_partner(Duet())
    run(partner, 9.0, tune([(float(n), 0.5, 60) for n in range(0, 8, 2)]))
    partner.do(Lock())
    assert partner.is_locked
    partner.do(Lock())
    assert not partner.is_locked
    partner.do(Lock())
    partner.do(Silence())
    assert not partner.is_locked and not partner.plan.notes


def test_every_key_of_the_computer_is_a_command_and_without_a_terminal_there_is_none() -> None:
    partner = make_partner()
    for command in KEYS.values():
        assert COMMANDS.decode(encode(command)) == command
        if not isinstance(command, Keep):
            partner.do(command)
    with TerminalKeys() as keys:
        assert keys.read() == ""
