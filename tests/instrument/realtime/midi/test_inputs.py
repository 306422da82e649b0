"""Cables that are pulled: their notes end, everybody else's go on, and a replay knows why."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import message_of, note_off, note_on, pitch_bend
from instrument.realtime.memory.constants import LET_GO, SOURCE_COUNT
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, held_keys, made_engine

SENSING, CLOCK = b"\xfe", b"\xf8"
MS = RATE_HZ // 1000
Script = list[tuple[int, bytes, int]]


def play(script: Script, milliseconds: int, engine: OfflineEngine | None = None) -> OfflineEngine:
    """Send (milliseconds, message, source) from now on; return the engine that long later."""
    engine = engine or made_engine()
    begin = engine.state.clock
    for at, message, source in script:
        engine.send(begin + at * MS, message, source=source)
    engine.render(milliseconds * MS)
    return engine


@pytest.mark.parametrize(("milliseconds", "held"), [(525, [(0, 60)]), (535, [])])
def test_a_note_ends_330_ms_after_the_last_sign_of_life(
    milliseconds: int, held: list[tuple[int, int]]
) -> None:
    script: Script = [(0, SENSING, 1), (0, note_on(60), 1), (200, SENSING, 1)]
    assert held_keys(play(script, milliseconds).state) == held


EVERY_300_MS = range(300, 3_000, 300)
LIFE = {
    "who never senses may be silent": ([(0, note_on(60), 1)], [(0, 60)]),
    "sensing goes on": (
        [(0, note_on(60), 1), (0, SENSING, 1), *((t, SENSING, 1) for t in EVERY_300_MS)],
        [(0, 60)],
    ),
    "any message is a sign of life": (
        [
            (0, note_on(60), 1),
            (0, SENSING, 1),
            *((t, pitch_bend(t), 1) for t in EVERY_300_MS),
        ],
        [(0, 60)],
    ),
    "so is a clock": (
        [(0, note_on(60), 1), (0, SENSING, 1), *((t, CLOCK, 1) for t in EVERY_300_MS)],
        [(0, 60)],
    ),
    "another input's life is not this one's": (
        [(0, note_on(60), 1), (0, SENSING, 1), *((t, CLOCK, 2) for t in EVERY_300_MS)],
        [],
    ),
    "another input's notes go on": (
        [(0, SENSING, 1), (0, note_on(60), 2), (0, note_on(62), 1)],
        [(0, 60)],
    ),
    "its pedals go up": (
        [(0, SENSING, 1), (0, cc(64, 127), 1), (1, note_on(60), 1), (20, note_off(60), 1)],
        [],
    ),
    "another input's pedal holds what it held": (
        [(0, SENSING, 1), (0, cc(64, 127), 2), (1, note_on(60), 1)],
        [(0, 60)],
    ),
    "a key that both hold is held by one": (
        [(0, SENSING, 1), (0, note_on(60), 1), (50, note_on(60), 2)],
        [(0, 60)],
    ),
    "a key struck twice is let go twice": (
        [(0, SENSING, 1), (0, note_on(60), 1), (50, note_on(60), 1)],
        [],
    ),
    "it may come back": (
        [(0, SENSING, 1), (0, note_on(60), 1), (900, note_on(60), 1)],
        [(0, 60)],
    ),
    "and be lost again": (
        [(0, SENSING, 1), (0, note_on(60), 1), (900, SENSING, 1), (901, note_on(60), 1)],
        [],
    ),
}


@pytest.mark.parametrize("name", LIFE)
def test_who_is_alive(name: str) -> None:
    script, expected = LIFE[name]
    assert held_keys(play(script, 3_000).state) == expected


def test_an_input_that_is_gone_lets_go_of_what_it_held_and_the_log_says_so() -> None:
    engine = play(
        [(0, note_on(60), 3), (0, note_on(60), 3), (0, cc(64, 90), 3), (0, note_on(62), 4)], 100
    )
    log = engine.state.read_log()
    engine.command(LET_GO, 3)
    engine.render(4_800)
    assert held_keys(engine.state) == [(0, 62)]
    said = [(message_of(event), int(event["source"])) for event in log.read()]
    off = (note_off(60, velocity=64), 3)
    assert said == [(cc(64, 0), 3), off, off]
    engine.command(LET_GO, 3)
    engine.render(4_800)
    assert len(log.read()) == 0  # there is nothing left to let go


def test_a_channel_that_nobody_listens_to_any_more_cannot_hang_the_engine() -> None:
    engine = play([(0, note_on(60), 3)], 100)
    engine.state.fields["channel_mask"] = 0
    engine.command(LET_GO, 3)
    engine.render(4_800)


def test_the_replay_of_a_log_ends_notes_at_the_same_frame() -> None:
    engine = made_engine()
    history = engine.state.read_log()
    begin = engine.state.clock
    script: Script = [(0, SENSING, 1), (3, note_on(60), 1), (7, note_on(70), 2), (100, SENSING, 1)]
    for at, message, source in script:
        engine.send(begin + at * MS + 5, message, source=source)
    live = engine.render(RATE_HZ)
    twin = made_engine(100)
    twin.render(begin - twin.state.clock)
    twin.send_log(history.read())
    assert np.array_equal(twin.render(RATE_HZ), live)
    assert held_keys(engine.state) == [(0, 70)]


def test_every_source_can_be_lost() -> None:
    engine = play([(0, note_on(60), source) for source in range(SOURCE_COUNT - 1)], 100)
    for source in range(SOURCE_COUNT):
        engine.command(LET_GO, source)
    engine.render(4_800)
    assert held_keys(engine.state) == []
    assert not engine.state.fields["held_by"].any()
