"""Parts: one pair of hands, several channels; each hears what is its, and nothing sticks."""

from __future__ import annotations

import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_off, note_on, pitch_bend
from instrument.preset.parts import SoundPart, write_part
from instrument.realtime.memory.constants import AS_IT_IS, LET_GO, PARTNER_SOURCE
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import held_keys, made_engine

LEFT = SoundPart("bass", keys=(0, 59))
RIGHT = SoundPart(keys=(60, 127), level_db=-6.0)


def engine_of(*parts: SoundPart, taken: tuple[int, ...] = ()) -> OfflineEngine:
    engine = made_engine()
    for number, part in enumerate(parts):
        write_part(engine.state, number, part, number, taken)
    return engine


def after(engine: OfflineEngine, *messages: bytes) -> list[tuple[int, int]]:
    for message in messages:
        engine.send(-1, message)
        engine.render(1_000)
    return held_keys(engine.state)


def test_keys_are_split() -> None:
    engine = engine_of(RIGHT, LEFT)
    assert after(engine, note_on(59), note_on(60)) == [(0, 60), (1, 59)]
    assert after(engine, note_off(59)) == [(0, 60)]
    assert after(engine, note_off(60)) == []


def test_parts_on_the_same_keys_sound_together_and_end_together() -> None:
    engine = engine_of(SoundPart(), SoundPart("pad"), SoundPart("bell", velocities=(100, 127)))
    assert after(engine, note_on(60, 99)) == [(0, 60), (1, 60)]
    assert after(engine, note_on(64, 100)) == [(0, 60), (0, 64), (1, 60), (1, 64), (2, 64)]
    assert after(engine, note_off(60), note_off(64)) == []


def test_controllers_reach_every_part_and_one_channel_only_its_own() -> None:
    engine = engine_of(SoundPart(channel=3), SoundPart("other", channel=4))
    after(engine, pitch_bend(4000, channel=2), cc(1, 77, channel=3))
    channels = engine.state.channels
    assert channels["bend"].tolist()[:2] == [4000, 0]
    assert channels["modulation"].tolist()[:2] == [0, 77]
    both = engine_of(SoundPart(), SoundPart("other"))
    after(both, cc(64, 127, channel=5))
    assert both.state.channels["sustain"].tolist()[:3] == [127, 127, 0]


def test_what_no_part_hears_plays_on_its_own_channel() -> None:
    engine = engine_of(SoundPart(), SoundPart("pad"), taken=(15,))
    assert after(engine, note_on(36, channel=9), note_on(70, channel=15)) == [(9, 36), (15, 70)]


def test_the_partner_and_other_channels_are_left_alone() -> None:
    engine = engine_of(SoundPart(), SoundPart("pad"))
    engine.state.partner_ring.push(-1, 0x9F, 70, 90, source=PARTNER_SOURCE)
    engine.render(1_000)
    assert held_keys(engine.state) == [(15, 70)]


def test_a_pulled_cable_lets_every_part_go() -> None:
    engine = engine_of(SoundPart(), SoundPart("pad"))
    assert len(after(engine, note_on(60), note_on(64), cc(64, 127))) == 4
    engine.command(LET_GO, 0)
    engine.render(1_000)
    assert held_keys(engine.state) == []


def test_a_level_is_the_parts_own() -> None:
    loud, soft = engine_of(SoundPart()), engine_of(SoundPart(level_db=-6.0))
    for engine in (loud, soft):
        engine.send(-1, note_on(60))
        engine.render(4_800)
    ratio = abs(soft.render(4_800)).max() / abs(loud.render(4_800)).max()
    assert ratio == pytest.approx(10 ** (-6 / 20), abs=1e-3)


def test_a_message_of_the_log_that_was_a_parts_is_not_spread_again() -> None:
    engine = engine_of(SoundPart(), SoundPart("pad"))
    engine.state.control_ring.push(-1, 0x91, 60, 90, source=0, value=AS_IT_IS)
    engine.render(1_000)
    assert held_keys(engine.state) == [(1, 60)]


def test_hostile_parts_reach_nothing() -> None:
    engine = engine_of(SoundPart())
    engine.state.fields["part_count"] = 2**40
    engine.state.fields["parts"]["plays"] = 2**31 - 1
    engine.state.fields["parts"]["hears"] = -1
    assert after(engine, note_on(60)) == []
