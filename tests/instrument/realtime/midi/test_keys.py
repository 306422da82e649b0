"""One key, several hands: every note-off takes back one note-on, the oldest."""

from __future__ import annotations

import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_off, note_on
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import held_keys, made_engine

ON, OFF = note_on(60), note_off(60)
MONO, POLY, PEDAL, NO_PEDAL = cc(126, 1), cc(127, 0), cc(64, 127), cc(64, 0)
SIXTY = [(0, 60)]
ONE_FRAME = {
    "the next note begins before the last one ends": ([ON], [ON, OFF], SIXTY),
    "the last note ends before the next one begins": ([ON], [OFF, ON], SIXTY),
    "two notes of one frame, one of them ends": ([], [ON, ON, OFF], SIXTY),
    "two notes of one frame, both end in it": ([], [ON, ON, OFF, OFF], []),
    "velocity 0 takes back as well": ([ON], [ON, note_on(60, 0)], SIXTY),
    "a third part goes on": ([ON, ON], [ON, OFF, OFF], SIXTY),
    "a note-off too many takes nothing back in advance": ([OFF, OFF], [ON], SIXTY),
    "under the pedal": ([PEDAL, ON], [ON, OFF], SIXTY),
    "all notes off forgets what was owed": ([ON, ON, cc(123, 0)], [ON, OFF], []),
    "so does all sound off": ([ON, ON, cc(120, 0)], [ON, OFF], []),
}


@pytest.mark.parametrize("name", ONE_FRAME)
def test_overlaps_of_one_key(name: str) -> None:
    before, together, expected = ONE_FRAME[name]
    engine = made_engine()
    for message in before:
        engine.send(-1, message)
        engine.render(4_800)
    for message in together:
        engine.send(engine.state.clock + 100, message)
    engine.render(4_800)
    assert held_keys(engine.state) == expected


def play(*messages: bytes, source: int = 0) -> OfflineEngine:
    engine = made_engine()
    for message in messages:
        engine.send(-1, message, source=source)
        engine.render(4_800)
    return engine


def test_two_keyboards_on_one_key_are_two_hands() -> None:
    engine = play(ON, source=1)
    engine.send(-1, ON, source=2)
    engine.render(4_800)
    engine.send(-1, OFF, source=1)
    engine.send(-1, OFF, source=1)  # and once too often
    engine.render(4_800)
    assert held_keys(engine.state) == SIXTY
    engine.send(-1, OFF, source=2)
    engine.render(4_800)
    assert held_keys(engine.state) == []


MONO_LINES = {
    "the newest note sounds alone": ([MONO, ON, note_on(64)], [(0, 64)]),
    "the last key that is still down comes back": (
        [MONO, ON, note_on(64), note_on(67), note_off(67)],
        [(0, 64)],
    ),
    "and not one that was let go meanwhile": (
        [MONO, ON, note_on(64), note_on(67), note_off(64), note_off(67)],
        SIXTY,
    ),
    "letting go of a silent key changes nothing": ([MONO, ON, note_on(64), OFF], [(0, 64)]),
    "the last one ends it": ([MONO, ON, note_on(64), OFF, note_off(64)], []),
    "under the pedal the last note stays": (
        [MONO, PEDAL, ON, note_on(64), note_off(64)],
        [(0, 64)],
    ),
    "another channel goes on in chords": (
        [MONO, note_on(60, 90, 1), note_on(64, 90, 1)],
        [(1, 60), (1, 64)],
    ),
    "poly mode plays chords again": ([MONO, POLY, ON, note_on(64)], [(0, 60), (0, 64)]),
    "a mode message ends what sounds": ([ON, MONO], []),
    "four strings of a guitar": (
        [cc(126, 4, 2), *(note_on(p, 90, c) for c in (2, 5, 6) for p in (50, 55))],
        [(2, 55), (5, 55), (6, 50), (6, 55)],
    ),
    "omni messages change nothing but what they end": (
        [MONO, ON, cc(125, 0), note_on(62), note_on(64)],
        [(0, 64)],
    ),
}


@pytest.mark.parametrize("name", MONO_LINES)
def test_mono_mode(name: str) -> None:
    messages, expected = MONO_LINES[name]
    assert held_keys(play(*messages).state) == expected
