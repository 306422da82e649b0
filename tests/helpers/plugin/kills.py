"""Kill the plug-in's service and renderer at random while an instance plays."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import psutil
from numpy.typing import NDArray

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi, turn
from instrument.plugin.install import status
from tests.helpers.plugin.stage import RATE_HZ, four_notes, note_messages

PRESET, STATUS = 2, 9
BLOCK_FRAMES = 480
PRESETS = 24  # that the other instance goes through
PATIENCE_SECONDS = 60.0
Blow = Literal["kill the service", "kill a renderer", "stop a renderer"]
BLOWS: tuple[Blow, ...] = ("kill the service", "kill a renderer", "stop a renderer")


@dataclass(slots=True)
class Found:
    """What has happened.

    Attributes
    ----------
    changed_samples
        Of the song that plays on mapped tones, against its first time.
    blows
        How many of each kind: each at least once, however short the time.
    worst_reconnection_seconds
        From a kill of the service until the next one answers an instance.
    is_well_after
        In the end another preset is rendered whole.
    """

    songs: int = 0
    changed_samples: int = 0
    blows: dict[Blow, int] = field(default_factory=lambda: dict.fromkeys(BLOWS, 0))
    worst_reconnection_seconds: float = 0.0
    is_well_after: bool = False


def play_among_kills(clap: Path, seconds: float, seed: int) -> Found:
    """Play a song again and again; another instance meanwhile asks for preset after preset."""
    draw, found = random.Random(seed), Found()
    blows: list[Blow] = []
    player, asker = opened(clap), opened(clap)
    asker.ask("clap.render", "set", 0)
    is_over = threading.Event()
    song_thread = threading.Thread(target=play_songs, args=(player, is_over, found))
    song_thread.start()
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end or not all(found.blows.values()):
            blows = blows or draw.sample(BLOWS, len(BLOWS))
            ask_for(asker, draw.randrange(PRESETS))
            play_on(asker, draw.uniform(0.3, 4.0))
            blow = blows.pop()
            kill_something(asker, blow, found)
            if blow == "kill the service":
                found.worst_reconnection_seconds = max(
                    found.worst_reconnection_seconds, seconds_to_an_answer(asker)
                )
    finally:
        is_over.set()
        song_thread.join()
    ask_for(asker, PRESETS)
    found.is_well_after = wait_until(
        asker, lambda: has_answer(asker) and asker.text(STATUS, 0) == "Ready"
    )
    player.close()
    asker.close()
    return found


def play_songs(player: Plugin, is_over: threading.Event, found: Found) -> None:
    """Count what is not as it was the first time."""
    expected = song(player)
    while not is_over.is_set():
        found.changed_samples += int(np.count_nonzero(song(player) != expected))
        found.songs += 1
        time.sleep(0.1)


def opened(clap: Path) -> Plugin:
    """Return an instance with all its tones."""
    plugin = Plugin(clap)
    plugin.start()
    plugin.process(1)
    assert plugin.text(STATUS, 0) == "Ready"
    return plugin


def song(plugin: Plugin) -> NDArray[np.float32]:
    """Play four notes from the beginning: float32, shape (2, frames)."""
    plugin.call("reset")
    waiting = [(round(at * RATE_HZ), data) for data, at in note_messages(four_notes())]
    pieces = []
    for begin in range(0, 3 * RATE_HZ, BLOCK_FRAMES):
        due = [midi(at - begin, *data) for at, data in waiting if 0 <= at - begin < BLOCK_FRAMES]
        pieces.append(plugin.process(BLOCK_FRAMES, due))
    return np.concatenate(pieces, axis=1)


def ask_for(plugin: Plugin, program: int) -> None:
    """Choose a preset and strike a key of it."""
    plugin.process(BLOCK_FRAMES, [turn(0, PRESET, float(program)), midi(0, 0x90, 60, 100)])
    plugin.process(BLOCK_FRAMES, [midi(0, 0x80, 60, 0)])


def has_answer(plugin: Plugin) -> bool:
    """Tell whether the instance has the preset that it has asked a service for."""
    name = plugin.text(PRESET, plugin.value(PRESET))
    return f'name = "{name}"' in plugin.save().decode()


def seconds_to_an_answer(plugin: Plugin) -> float:
    """Ask for another preset; return how long a service takes to name it."""
    begin = time.monotonic()
    ask_for(plugin, (round(plugin.value(PRESET)) + 1) % PRESETS)
    assert wait_until(plugin, lambda: has_answer(plugin)), "no service has answered"
    return time.monotonic() - begin


def kill_something(asker: Plugin, blow: Blow, found: Found) -> None:
    """Kill the service, or kill or stop a renderer, as soon as there is one."""
    assert wait_until(asker, lambda: processes_of(blow)), f"nothing to aim at: {blow}"
    with suppress(psutil.Error):
        processes_of(blow)[0].send_signal(
            signal.SIGSTOP if blow == "stop a renderer" else signal.SIGKILL
        )
    found.blows[blow] += 1


def processes_of(blow: Blow) -> list[psutil.Process]:
    """Return what a blow can hit: the service, or its renderers, the newest first."""
    pid = status().service_pid
    with suppress(psutil.Error):
        if pid is not None:
            service = psutil.Process(pid)
            return [service] if blow == "kill the service" else service.children()[::-1]
    return []


def play_on(plugin: Plugin, seconds: float) -> None:
    """Let a host's time go by."""
    end = time.monotonic() + seconds
    wait_until(plugin, lambda: time.monotonic() > end)


def wait_until(plugin: Plugin, look: Callable[[], object]) -> bool:
    """Let a host's time go by until something comes; false if it does not."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if look():
            return True
        plugin.process(BLOCK_FRAMES)
        time.sleep(BLOCK_FRAMES / RATE_HZ)
    return False
