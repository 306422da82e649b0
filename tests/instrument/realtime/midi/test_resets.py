"""Whatever has been turned, a reset turns it back; what resets, in every maker's spelling."""

from __future__ import annotations

import random

import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_on
from instrument.realtime.byte_stream import ByteStream
from instrument.realtime.memory.constants import PANIC
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import held_keys, made_engine

RESETS = {
    "System Reset": "ff",
    "GM System On": "f0 7e 7f 09 01 f7",
    "GM System On, to device 3": "f0 7e 03 09 01 f7",
    "GM2 System On": "f0 7e 7f 09 03 f7",
    "GM System Off": "f0 7e 7f 09 02 f7",
    "GS Reset": "f0 41 10 42 12 40 00 7f 00 41 f7",
    "SC-88 mode": "f0 41 10 42 12 00 00 7f 01 00 f7",
    "XG System On": "f0 43 10 4c 00 00 7e 00 f7",
    "XG All Parameter Reset": "f0 43 10 4c 00 00 7f 00 f7",
    "in pieces": "f0 7e|7f 09|01|f7",
    "a clock inside": "f0 7e f8 7f 09 f8 01 f7",
    "a clock between pieces": "f0 7e|f8|7f 09 01 f7",
    "without its end": "f0 7e 7f 09 01|b0 01 00",
    "after one without its end": "f0 43 10 4c 00 00|f0 7e 7f 09 01 f7",
}
OTHERS = {
    "too long": "f0 7e 7f 09 01 00 f7",
    "too short": "f0 7e 7f 09 f7",
    "interrupted": "f0 7e 7f|b0 01 63|09 01 f7",
    "another synthesizer's": "f0 43 10 4b 00 00 7e 00 f7",
    "a dump": "f0 41 " + "10 " * 5000 + "f7",
    "nothing at all": "f0 f7",
    "tune request": "f6",
}
DIRT = [
    *(cc(number, value) for number, value in ((0, 3), (1, 99), (7, 0), (10, 3), (11, 5))),
    *(cc(number, 127) for number in (64, 66, 67, 74)),
    *(cc(number, value) for number, value in ((101, 0), (100, 0), (6, 24), (38, 20))),
    *(cc(number, value) for number, value in ((100, 1), (6, 3), (38, 9), (100, 2), (6, 70))),
    *(cc(number, value) for number, value in ((101, 0), (100, 3), (6, 5))),
    bytes.fromhex("f0 7e 7f 08 08 03 7f 7f 50 50 50 50 50 50 50 50 50 50 50 50 f7"),
    cc(126, 1),
    bytes((0xD0, 100)),
    bytes((0xE0, 5, 100)),
    note_on(60),
    note_on(60),
]


def dirty_engine() -> tuple[OfflineEngine, bytes]:
    """Return an engine on which everything is turned, and its channels as they were before."""
    engine = made_engine()
    engine.render(4_800)
    clean = engine.state.channels.tobytes()
    for message in DIRT:
        engine.send(-1, message)
    engine.render(4_800)
    assert engine.state.channels.tobytes() != clean
    return engine, clean


def send_pieces(engine: OfflineEngine, spelled: str) -> None:
    for piece in spelled.split("|"):
        engine.send(-1, bytes.fromhex(piece))


@pytest.mark.parametrize("name", RESETS)
def test_everything_is_as_at_power_on(name: str) -> None:
    engine, clean = dirty_engine()
    send_pieces(engine, RESETS[name])
    engine.render(48_000)  # controllers are smoothed
    assert engine.state.channels.tobytes() == clean
    assert not engine.state.voices["stage"].any()
    assert not engine.state.fields["held_by"].any()
    request = engine.state.request_ring.pop()
    assert request is not None and int(request["status"]) == 0xFF


@pytest.mark.parametrize("name", OTHERS)
def test_other_exclusive_messages_change_nothing(name: str) -> None:
    engine, _ = dirty_engine()
    dirty = engine.state.channels.tobytes()
    send_pieces(engine, OTHERS[name])
    engine.render(48_000)
    assert engine.state.channels.tobytes() == dirty
    assert held_keys(engine.state) == [(0, 60)]


def test_a_panic_puts_back_what_sounds_wrong_and_keeps_how_hands_are_set_up() -> None:
    engine, clean = dirty_engine()
    engine.command(PANIC)
    engine.render(48_000)
    assert not engine.state.voices["stage"].any()
    after = engine.state.channels
    assert float(after[0]["bend_range"]) == pytest.approx(24.2)
    after["bend_range"], after["bend_range_given"] = 2.0, 0
    assert int(after[0]["tuning_program"]) == 5 and int(after[3]["octave_tuning"][2]) == 2621
    after["tuning_program"] = after["octave_tuning"] = 0
    assert after.tobytes() == clean


def test_however_a_stream_is_cut_into_packets_the_messages_are_the_same() -> None:
    """Only a message other than system exclusive must be in one packet."""
    rng = random.Random(2)
    exclusive = bytes.fromhex("f0 41 10 42 12 40 00 7f 00 41 f7")
    for _ in range(200):
        packets, expected = [], []
        for _ in range(20):
            if rng.random() < 0.5:
                cuts = sorted(rng.randrange(len(exclusive)) for _ in range(rng.randrange(4)))
                ends = [*cuts, len(exclusive)]
                packets += [exclusive[a:b] for a, b in zip([0, *cuts], ends, strict=True)]
                expected.append((0xFF, 0, 0, 0))
            else:
                message = bytes((rng.randrange(0x80, 0xF0), rng.randrange(128), rng.randrange(128)))
                is_short = message[0] & 0xE0 == 0xC0
                packets.append(message[:2] if is_short else message)
                expected.append((message[0], message[1], 0 if is_short else message[2], 0))
        stream = ByteStream()
        assert [m for packet in packets for m in stream.messages(packet)] == expected
        assert stream.stray_bytes == 0
