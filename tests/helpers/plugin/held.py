"""Held notes for the plug-in: what a render makes of them, and the process that renders them on."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ctypes import Structure

import numpy as np
import psutil
from numpy.typing import NDArray

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi
from instrument.midi.song import Song, SongMessage
from instrument.offline.song_player import SongPlayer
from instrument.plugin.install import status
from instrument.preset.banks import chosen_preset
from tests.helpers.plugin.stage import RATE_HZ

Audio = NDArray[np.float32]
Events = Sequence[tuple[float, bytes]]
"""Seconds and a message, in order."""
BLOCK_FRAMES = 480
PATIENCE_SECONDS = 60.0


def held_keys() -> Events:
    """Return three keys held for up to eight seconds, one of them bent."""
    return [
        (0.0, bytes((0x90, 60, 100))),
        (0.5, bytes((0x90, 67, 40))),
        (1.0, bytes((0x91, 52, 120))),
        (3.5, bytes((0xE1, 0, 80))),
        (6.0, bytes((0x80, 67, 0))),
        (8.0, bytes((0x80, 60, 0))),
        (8.0, bytes((0x81, 52, 0))),
    ]


def sliding_note() -> Events:
    """Return a note on a channel of its own (MPE) whose slide goes up and down while it is held."""
    zone = [
        (0.0, bytes((0xB0, control, value))) for control, value in ((101, 0), (100, 6), (6, 15))
    ]
    slides = [(1.0 + 0.05 * n, bytes((0xB1, 74, 64 + n))) for n in range(0, 63, 3)]
    return [
        *zone,
        (0.1, bytes((0x91, 60, 100))),
        *slides,
        (5.0, bytes((0xB1, 74, 64))),
        (6.0, bytes((0x81, 60, 0))),
    ]


def written(
    events: Events, preset: str, rate_hz: int = RATE_HZ, *, goes_round: bool = False
) -> Audio:
    """Return what ``latentkeys render`` writes, to a second after the last event: (2, frames).

    Parameters
    ----------
    goes_round
        Nobody renders held notes on.
    """
    seconds = events[-1][0] + 1.0
    song = Song(tuple(SongMessage(at, data) for at, data in events), seconds)
    player = SongPlayer(song, rate_hz)
    if goes_round:
        player.engine.state.fields["stream_address"] = 0
    player.load(chosen_preset(preset))
    whole = np.concatenate(list(player.play())).T
    assert player.engine.state.meters["late_streams"] == 0
    return np.asarray(whole[:, : round(seconds * rate_hz)])


def bounced(
    plugin: Plugin, events: Events, frames: int, seed: int, rate_hz: int = RATE_HZ
) -> Audio:
    """Return what a host that renders a file hears, in blocks of random lengths: (2, frames)."""
    draw = random.Random(seed)
    waiting = [(round(at * rate_hz), data) for at, data in events]
    pieces, done = [], 0
    while done < frames:
        block = min(draw.choice((1, 17, 480, 1000, 8192)), frames - done)
        due = [midi(at - done, *data) for at, data in waiting if done <= at < done + block]
        pieces.append(plugin.process(block, due))
        done += block
    return np.concatenate(pieces, axis=1)


def live(
    plugin: Plugin,
    seconds: float,
    key: int,
    look: Callable[[float], list[Structure] | None] = lambda _: None,
) -> Audio:
    """Return what a host hears of a key that is held, in its own time: float32, (frames, 2).

    Parameters
    ----------
    look
        Called between two blocks, with the seconds that were played; what it returns is played.
    """
    pieces, begin = [], time.monotonic()
    events: list[Structure] = [midi(0, 0x90, key, 100)]
    for number in range(round(seconds * RATE_HZ / BLOCK_FRAMES)):
        pieces.append(plugin.process(BLOCK_FRAMES, events))
        played = (number + 1) * BLOCK_FRAMES / RATE_HZ
        events = look(played) or []
        time.sleep(max(0.0, begin + played - time.monotonic()))
    return np.concatenate(pieces, axis=1).T


def streamer() -> psutil.Process | None:
    """Return the process of the service that renders held notes on, if there is one."""
    with suppress(psutil.Error, TypeError):
        for child in psutil.Process(status().service_pid or -1).children():
            if "instrument.plugin.streaming.process" in child.cmdline():
                return child
    return None


def wait_for(look: Callable[[], object]) -> None:
    """Wait until something comes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)
