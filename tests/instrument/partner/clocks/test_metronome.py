"""Clicks and ticks are of the present: no position makes up for the past, none is told twice."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise

import pytest

from instrument.midi.messages import note_on
from instrument.music.transport import Transport
from instrument.partner.clocks.metronome import CLICK_CHANNEL, BeatKeeper
from instrument.partner.clocks.midi_clock import ClockFollower
from instrument.partner.commands import FollowLink, Silence
from instrument.partner.partner import Partner
from instrument.partner.sounding_notes import Message
from instrument.realtime.memory.constants import TO_OUT
from tests.helpers.music.partner_stage import BEAT, MS, RATE, make_partner, run

TICK, START, STOP, CONTINUE = b"\xf8", b"\xfa", b"\xfc", b"\xfb"


def clicks(messages: list[Message]) -> list[int]:
    return [m.frame for m in messages if m.data[0] == 0x90 | CLICK_CHANNEL]


def ticks(messages: list[Message]) -> list[int]:
    return [m.frame for m in messages if m.data == TICK]


def heard_by(follower: ClockFollower, messages: list[Message]) -> None:
    for message in messages:
        if message.to == TO_OUT and message.data[0] >= 0xF0:
            follower.hear(message.frame, message.data)


@pytest.mark.parametrize("beats", [-1e9, -100.0, 0.0, 1e9])
def test_a_position_from_nowhere_is_neither_clicked_nor_counted(beats: float) -> None:
    keeper = BeatKeeper(clicks=True, sends_clock=True)
    music = Transport.at_tempo(120.0, RATE)
    keeper.go_to(beats, 0)
    begun = time.perf_counter()
    first = keeper.until(500.02, music.at(500.0, 0), 0)
    assert len(first) <= 5 and time.perf_counter() - begun < 0.1
    unannounced = BeatKeeper(clicks=True, sends_clock=True)
    unannounced.go_to(beats, 0)
    assert len(unannounced.until(0.02, music, 0)) <= 5


def test_link_says_nothing_to_whoever_follows_a_midi_clock() -> None:
    partner = make_partner(follows_clock=True, metronome=True)
    events = [(0, START), *((1_000 * n, TICK) for n in range(400))]
    sent = run(partner, 1.0, events[:20])
    partner.do(FollowLink(-500.0, 33.0))
    assert 0.0 <= partner.beats <= 1.1
    sent += run(partner, 4.0, events[20:])
    assert partner.transport.bpm == pytest.approx(120.0, rel=1e-3)
    assert len(clicks(sent)) <= 6


def test_link_says_nothing_to_whoever_follows_the_player() -> None:
    partner = make_partner(follows_player=True)
    run(partner, 1.0, [(MS, note_on(60))])
    partner.do(FollowLink(1e6, 33.0))
    assert partner.beats < 2.0


def strike_six(partner: Partner) -> list[Message]:
    partner.begin_at(0)
    return run(partner, 10.0, [(BEAT * (1 + n), note_on(60 + n)) for n in range(6)])


def test_what_was_missed_before_the_players_tempo_was_known_is_not_clicked_at_once() -> None:
    found = clicks(strike_six(make_partner(follows_player=True, metronome=True)))
    assert len(found) >= 2
    assert max(Counter(found).values()) == 1
    assert min(b - a for a, b in pairwise(found)) > BEAT / 2


def test_others_are_told_where_the_players_beat_is_and_get_no_burst() -> None:
    partner = make_partner(follows_player=True, sends_clock=True)
    sent = strike_six(partner)
    assert START not in [m.data for m in sent]
    assert max(Counter(ticks(sent)).values()) == 1
    follower = ClockFollower(Transport.at_tempo(90.0, RATE))
    heard_by(follower, sent)
    assert follower.transport.beats_at(partner.frame) == pytest.approx(partner.beats, abs=0.03)


def test_a_jump_stops_the_clock_of_others_and_tells_them_the_new_place() -> None:
    partner = make_partner(sends_clock=True)
    sent = run(partner, 2.0)
    partner.do(FollowLink(41.3, 100.0))
    sent += run(partner, 8.0)
    system = [m.data for m in sent if m.data[0] >= 0xF0 and m.data != TICK]
    assert system == [START, STOP, bytes((0xF2, 38, 1)), CONTINUE]  # the sixteenth after 41.3
    follower = ClockFollower(Transport.at_tempo(90.0, RATE))
    heard_by(follower, sent)
    assert follower.transport.beats_at(partner.frame) == pytest.approx(partner.beats, abs=0.01)


def test_a_silence_that_is_asked_for_doubles_neither_clicks_nor_ticks() -> None:
    partner = make_partner(sends_clock=True, metronome=True, out_early_milliseconds=400.0)
    sent = run(partner, 1.9)
    partner.do(Silence())
    sent += run(partner, 6.0)
    assert len(set(ticks(sent)[20:])) == len(ticks(sent)[20:])
    assert len(set(clicks(sent))) == len(clicks(sent))
    assert STOP not in [m.data for m in sent]
