"""MPE: one note per member channel, the master's controllers for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_off, note_on, pitch_bend
from instrument.realtime.memory.constants import ALL_CHANNELS, PRESSURE_LEVEL, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, held_keys, made_engine
from tests.helpers.sounds.tones import cents, fill_bank, heard_hz

LOWER, UPPER = 0, 15


def zone(count: int, master: int = LOWER) -> list[bytes]:
    return [cc(101, 0, master), cc(100, 6, master), cc(6, count, master)]


def bend_range(semitones: int, channel: int) -> list[bytes]:
    return [cc(101, 0, channel), cc(100, 0, channel), cc(6, semitones, channel)]


def play(*messages: bytes, **sound: Any) -> OfflineEngine:
    engine = made_engine(**sound)
    for message in messages:
        engine.send(-1, message)
        engine.render(1_000)
    return engine


HALF = 4096  # of a full bend
BENDS = {
    "a member bends by 48": ([*zone(15), pitch_bend(HALF, 1)], 1, 2400.0),
    "the master by 2": ([*zone(15), pitch_bend(HALF, 0)], 1, 100.0),
    "both add up": ([*zone(15), pitch_bend(HALF, 0), pitch_bend(-1024, 1)], 1, -500.0),
    "another member's bend is its own": ([*zone(15), pitch_bend(HALF, 2)], 1, 0.0),
    "the master's own notes follow its bend": ([*zone(15), pitch_bend(HALF, 0)], 0, 100.0),
    "one member sets the range of all": (
        [*zone(15), *bend_range(12, 3), pitch_bend(HALF, 1)],
        1,
        600.0,
    ),
    "but not the master's": ([*zone(15), *bend_range(12, 3), pitch_bend(HALF, 0)], 1, 100.0),
    "the master's range is the master's": (
        [*zone(15), *bend_range(12, 0), pitch_bend(HALF, 0)],
        1,
        600.0,
    ),
    "96 semitones are possible": (
        [*zone(15), *bend_range(96, 1), pitch_bend(-HALF, 1)],
        1,
        -4800.0,
    ),
    "a channel outside keeps to itself": ([*zone(3), pitch_bend(8191, 0)], 4, 0.0),
    "and has its usual range": ([*zone(3), pitch_bend(HALF, 4)], 4, 100.0),
    "the upper zone counts down": ([*zone(3, UPPER), pitch_bend(HALF, 13)], 13, 2400.0),
    "and has its own master": ([*zone(3, UPPER), pitch_bend(HALF, 15)], 14, 100.0),
    "both zones at once, lower": (
        [*zone(7), *zone(7, UPPER), pitch_bend(HALF, 0), pitch_bend(8191, 15)],
        7,
        100.0,
    ),
    "a zone that grows takes channels from the other": (
        [*zone(7, UPPER), *zone(10), pitch_bend(HALF, 0), pitch_bend(8191, 15)],
        10,
        100.0,
    ),
    "no members end the zone": ([*zone(15), *zone(0), pitch_bend(HALF, 1)], 1, 100.0),
    "no other channel can be a master": ([*zone(5, 4), pitch_bend(HALF, 4)], 5, 0.0),
    "a system reset ends zones": ([*zone(15), b"\xff", pitch_bend(HALF, 1)], 1, 100.0),
}


@pytest.mark.parametrize("name", BENDS)
def test_bends(name: str) -> None:
    messages, channel, expected = BENDS[name]
    engine = play(*messages, note_on(69, 127, channel))
    heard = heard_hz(engine.render(RATE_HZ)[4_096:, 0])
    assert cents(heard, 69) == pytest.approx(expected, abs=2.0)


def test_a_full_slide_of_48_semitones_is_in_tune() -> None:
    engine = play(*zone(15), note_on(36, 127, 1), pitch_bend(8191, 1))
    engine.render(4_800)
    heard = heard_hz(engine.render(9_600)[:, 0])
    assert cents(heard, 84) == pytest.approx(0.0, abs=2.0)


ON, OFF = note_on(60, 100, 3), note_off(60, 3)
PEDALS = {
    "the master's pedal holds": ([*zone(15), cc(64, 127), ON, OFF], [(3, 60)]),
    "and lets go": ([*zone(15), cc(64, 127), ON, OFF, cc(64, 0)], []),
    "a member's own pedal goes on holding": (
        [*zone(15), cc(64, 127), cc(64, 127, 3), ON, OFF, cc(64, 0)],
        [(3, 60)],
    ),
    "sostenuto": ([*zone(15), ON, cc(66, 127), OFF], [(3, 60)]),
    "all notes off": ([*zone(15), ON, cc(123, 0)], []),
    "all sound off": ([*zone(15), cc(64, 127), ON, OFF, cc(120, 0)], []),
    "reset lets the pedal go": ([*zone(15), cc(64, 127), ON, OFF, cc(121, 0)], []),
    "a member's all notes off is its own": ([*zone(15), ON, cc(123, 0, 4)], [(3, 60)]),
    "outside the zone nothing is held": ([*zone(2), cc(64, 127), ON, OFF], []),
    "a new zone begins with nothing held": ([*zone(15), cc(64, 127), ON, OFF, *zone(7)], []),
    "a zone that loses its master holds nothing": (
        [*zone(3, UPPER), cc(64, 127, UPPER), note_on(60, 90, 14), note_off(60, 14), *zone(15)],
        [],
    ),
}


@pytest.mark.parametrize("name", PEDALS)
def test_the_masters_pedals_and_modes_act_on_the_zone(name: str) -> None:
    messages, expected = PEDALS[name]
    assert held_keys(play(*messages).state) == expected


def level(*messages: bytes) -> float:
    engine = play(note_on(60, 127, 1), *messages, pressure_target=PRESSURE_LEVEL)
    return float(np.abs(engine.render(RATE_HZ // 4)[-4_800:]).max())


def test_the_masters_level_and_pressure_are_felt_by_its_members() -> None:
    def zoned(*messages: bytes) -> float:
        return level(*zone(15), note_on(60, 127, 1), *messages)

    assert zoned(cc(7, 50)) / zoned() == pytest.approx(0.25, rel=1e-3)
    assert zoned(cc(11, 64), cc(7, 50, 1)) / zoned() == pytest.approx(
        (50 / 100) ** 2 * (64 / 127) ** 2, rel=1e-3
    )
    assert zoned(bytes((0xD0, 127))) / zoned() == pytest.approx(2.0, rel=0.05)
    assert zoned(bytes((0xD0, 127)), bytes((0xD1, 20))) / zoned() == pytest.approx(2.0, rel=0.05)
    assert level(cc(7, 50)) == pytest.approx(level(), rel=1e-6)  # no zone: another channel


def test_a_preset_for_the_master_is_the_zones_preset() -> None:
    engine = play(*zone(4), cc(101, 127), cc(100, 127))
    fill_bank(engine.state, 2)
    engine.command(USE_BANK, 2, LOWER)
    engine.render(128)
    assert engine.state.channels["bank"].tolist() == [2] * 5 + [1] * 11
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    engine.render(128)
    assert engine.state.channels["bank"].tolist() == [1] * 16
