"""The CLAP plug-in with a host that sends anything at all: events, chunks, calls in no order."""

from __future__ import annotations

import random
from ctypes import Structure

import numpy as np
import pytest

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import CHOKE, NOTE_OFF, NOTE_ON, express, midi, note, turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
PRESET = 2
OFFLINE, REAL_TIME = 1, 0


def wild_event(draw: random.Random, ids: list[int], frames: int, programs: bool) -> Structure:
    """Make an event of any content, up to a block too late; none that chooses a preset, or any."""
    at = draw.randint(0, max(0, 2 * frames))
    kind = draw.random()
    if kind < 0.5:
        status, *data = (draw.randint(0, 255) for _ in range(3))
        return midi(at, 0xB0 if status & 0xF0 == 0xC0 and not programs else status, *data)
    if kind < 0.7:
        value = draw.choice((0.0, 0.5, 1.0, -1.0, 1e300, float("nan"), float("inf")))
        return turn(at, draw.choice([n for n in ids if n != PRESET or programs]), value)
    if kind < 0.9:
        sort = draw.choice((NOTE_ON, NOTE_OFF, CHOKE))
        return note(at, sort, draw.randint(-1, 200), draw.random(), draw.randint(-1, 20))
    return express(at, draw.randint(0, 9), draw.randint(-1, 130), draw.random() * 3)


@pytest.mark.parametrize(("mode", "count"), [(OFFLINE, 10_000), (REAL_TIME, 90_000)])
def test_survives_what_no_host_should_do(plugin: Plugin, mode: int, count: int) -> None:
    """Most of it in real time, where no block waits for the tones of the next sound."""
    plugin.ask("clap.render", "set", mode)
    draw = random.Random(10 + mode)
    ids = [info.id for info in plugin.parameters()] + [77, 2**32 - 1]
    made = 0
    while made < count:
        frames = draw.choice((0, 1, 31, 33, 512, 8192))
        events = [
            wild_event(draw, ids, frames, programs=mode == REAL_TIME)
            for _ in range(draw.randint(0, 1000))
        ]
        made += len(events)
        audio = plugin.process(frames, events)
        assert np.all(np.abs(audio) <= 1.0)
        if draw.random() < 0.05:
            plugin.call(draw.choice(("reset", "start", "stop", "on_main_thread")))
    plugin.close()


def test_hostile_chunks_change_nothing_or_are_taken_whole(plugin: Plugin) -> None:
    plugin.ask("clap.render", "set", 0)  # no block waits
    draw = random.Random(11)
    good = plugin.save()
    for number in range(10_000):
        chunk = bytearray(good)
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(chunk))
            match draw.randint(0, 3):
                case 0:
                    chunk[at] = draw.randint(0, 255)
                case 1:
                    del chunk[at:]
                    break
                case 2:
                    chunk[at:at] = draw.randbytes(draw.randint(1, 40))
                case _:
                    chunk[at:at] = b"\npreset 99999999999999999999\n"
        plugin.load(bytes(chunk))
        if number % 100 == 0:
            assert np.all(np.abs(plugin.process(64, [midi(0, 0x90, 60, 100)])) <= 1.0)
        assert plugin.save()
    for wrong in (b"", b"\0" * 100, b"latentkeys-plugin 1\n", b"latentkeys-plugin 0\n\n" * 9):
        before = plugin.save()
        assert not plugin.load(wrong)
        assert plugin.save() == before
    assert plugin.load(good) and plugin.save() == good
    plugin.close()
