"""The CLAP plug-in in a host of our own: same bits as offline, whatever the host does to it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi, turn
from instrument.midi.song import Song
from instrument.offline.song_player import SongPlayer
from instrument.plugin.install import status
from instrument.plugin.tables.table_file import tables_folder
from instrument.preset.banks import chosen_preset
from instrument.session.songs.demo import demonstration
from tests.helpers.places import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
RATE_HZ = 48_000
FRAMES = 6 * RATE_HZ
LEVEL, PRESET, BRIGHTNESS, BYPASS, STATUS = 1, 2, 3, 8, 9


def play(
    plugin: Plugin, song: Song, frames: int, seed: int, rate_hz: int = RATE_HZ
) -> NDArray[np.float32]:
    """Play a song in blocks of random lengths: float32, shape (frames, 2)."""
    draw = random.Random(seed)
    waiting = [
        (round(m.time_seconds * rate_hz), m.data) for m in song.messages if m.data[0] & 0xF0 != 0xC0
    ]
    pieces, done = [], 0
    while done < frames:
        block = min(draw.choice((1, 17, 64, 480, 1000, 8192)), frames - done)
        due = [entry for entry in waiting if entry[0] < done + block]
        waiting = waiting[len(due) :]
        pieces.append(plugin.process(block, [midi(at - done, *data) for at, data in due]))
        done += block
    return np.concatenate(pieces, axis=1).T


@pytest.fixture(scope="module")
def song() -> Song:
    return demonstration()


@pytest.fixture(scope="module")
def expected(home: Path, song: Song) -> NDArray[np.float32]:
    """What ``latentkeys render`` writes."""
    player = SongPlayer(song, RATE_HZ)
    player.load(chosen_preset(None))
    pieces: list[NDArray[np.float32]] = []
    for piece in player.play():
        pieces.append(piece)
        if sum(map(len, pieces)) >= FRAMES:
            break
    return np.concatenate(pieces)[:FRAMES]


def test_sounds_as_render_does_to_the_bit_and_again(
    plugin: Plugin, song: Song, expected: NDArray[np.float32]
) -> None:
    first = play(plugin, song, FRAMES, seed=1)
    assert np.max(np.abs(first)) > 0.05
    np.testing.assert_array_equal(first, expected)
    plugin.call("reset")
    np.testing.assert_array_equal(play(plugin, song, FRAMES, seed=2), expected)
    plugin.close()


def test_a_song_sounds_the_same_wherever_the_host_was_when_it_started(
    plugin: Plugin, song: Song, expected: NDArray[np.float32]
) -> None:
    """Where notes lie on the grid of ticks is counted from the song's beginning."""
    plugin.process(1001, [midi(0, 0x90, 60, 100), midi(500, 0x80, 60, 0)])
    for _ in range(60):
        plugin.process(4801)  # until nothing of it is left
    for _ in range(2):  # and back to the beginning
        np.testing.assert_array_equal(play_in_time(plugin, song), expected[: 2 * RATE_HZ])
        plugin.process(64, [midi(0, 0xB0, 120, 0), midi(0, 0xB0, 64, 0)])
        for _ in range(60):
            plugin.process(4801)
    plugin.close()


def play_in_time(plugin: Plugin, song: Song) -> NDArray[np.float32]:
    """Play two seconds as a host whose transport runs."""
    waiting = [
        (round(m.time_seconds * RATE_HZ), m.data) for m in song.messages if m.data[0] & 0xF0 != 0xC0
    ]
    pieces = []
    for begin in range(0, 2 * RATE_HZ, 480):
        due = [midi(at - begin, *data) for at, data in waiting if 0 <= at - begin < 480]
        pieces.append(plugin.process(480, due, position=begin))
    return np.concatenate(pieces, axis=1).T


def test_another_instance_recalls_a_song_to_the_bit(plugin: Plugin, clap: Path, song: Song) -> None:
    plugin.process(64, [turn(0, PRESET, 1.0), turn(3, BRIGHTNESS, 0.8), turn(5, LEVEL, 0.7)])
    plugin.process(64)  # waits for the other preset
    assert plugin.value(PRESET) == 1 and plugin.text(PRESET, 1) == "Felt Grand"
    plugin.call("reset")
    first = play(plugin, song, FRAMES, seed=3)
    chunk = plugin.save()
    assert b'name = "Felt Grand"' in chunk
    other = Plugin(clap)
    assert other.load(chunk)
    assert other.save() == chunk
    other.start()
    other.process(64)
    other.call("reset")
    np.testing.assert_array_equal(play(other, song, FRAMES, seed=4), first)
    for rate_hz in (44_100.0, float(RATE_HZ)):  # away and back
        other.stop()
        other.start(rate_hz)
        other.process(64)
    other.call("reset")
    np.testing.assert_array_equal(play(other, song, FRAMES, seed=5), first)
    other.close()
    plugin.close()


def test_plays_on_when_the_service_dies_and_finds_another(
    plugin: Plugin, song: Song, expected: NDArray[np.float32]
) -> None:
    before = status().service_pid
    assert before
    half = FRAMES // 2
    first = play(plugin, song, half, seed=6)
    os.kill(before, signal.SIGKILL)
    np.testing.assert_array_equal(first, expected[:half])
    plugin.call("reset")
    np.testing.assert_array_equal(play(plugin, song, FRAMES, seed=7), expected)
    deadline = time.monotonic() + 60
    while status().service_pid in (None, before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert status().service_pid not in (None, before)
    plugin.close()


def test_sixteen_instances_share_one_map(
    clap: Path, plugin: Plugin, song: Song, expected: NDArray[np.float32]
) -> None:
    others = [Plugin(clap) for _ in range(15)]
    for seed, other in enumerate(others):
        other.start()
        np.testing.assert_array_equal(play(other, song, RATE_HZ, seed), expected[:RATE_HZ])
    maps = Path("/proc/self/maps")
    if maps.is_file():
        assert sum(".table" in line for line in maps.read_text().splitlines()) <= 3
    for other in (*others, plugin):
        other.close()


def test_without_a_service_the_built_in_tone_sounds_and_the_song_is_kept(
    clap: Path, expected: NDArray[np.float32], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    lone = Plugin(clap)
    lone.start()
    audio = lone.process(4800, [midi(0, 0x90, 60, 100)])
    assert 0.01 < np.max(np.abs(audio)) < 1.0
    assert "latentkeys plugin install" in lone.text(STATUS, 0)
    chunk = lone.save()
    foreign = chunk.replace(b"latentkeys-plugin 1", b"latentkeys-plugin 7")
    assert lone.load(foreign)
    assert lone.save() == foreign
    lone.close()


def test_a_damaged_table_is_rendered_again(
    clap: Path, song: Song, expected: NDArray[np.float32]
) -> None:
    tables = sorted(tables_folder().glob("*-48000.table"))
    for path in tables:
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 7000)
    fresh = Plugin(clap)
    fresh.start()
    fresh.process(1)
    fresh.call("reset")
    np.testing.assert_array_equal(play(fresh, song, RATE_HZ, seed=9), expected[:RATE_HZ])
    fresh.close()


def test_says_what_it_is(plugin: Plugin) -> None:
    assert plugin.ask("clap.latency", "get") == 0
    assert plugin.ask("clap.tail", "get") == 30 * RATE_HZ
    assert plugin.ask("clap.audio-ports", "count", False) == 1
    assert plugin.ask("clap.note-ports", "count", True) == 1
    plugin.process(64, [turn(0, BYPASS, 1.0), midi(0, 0x90, 60, 127)])
    plugin.process(4800)
    assert not np.any(plugin.process(4800))
    plugin.close()


@pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's")
def test_a_block_makes_no_system_call(
    clap: Path, expected: NDArray[np.float32], tmp_path: Path
) -> None:
    log = tmp_path / "calls"
    code = f"""
import os
from pathlib import Path
from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi
plugin = Plugin(Path({str(clap)!r}))
plugin.start()
plugin.process(1)
plugin.ask("clap.render", "set", 0)
blocks = [[midi(0, 0x90, 40 + n, 100)] for n in range(40)]
plugin.process(512, blocks[0])
import gc; gc.disable()
os.getppid()
for events in blocks:
    plugin.process(512, events)
os.getppid()
plugin.close()
"""
    subprocess.run(
        ["strace", "-o", str(log), sys.executable, "-c", code], cwd=ROOT, check=True, timeout=200
    )  # without -f: the thread that processes
    lines = log.read_text().splitlines()
    first, last = (n for n, line in enumerate(lines) if line.startswith("getppid"))
    between = [
        line
        for line in lines[first + 1 : last]
        if not line.startswith(("mmap", "munmap", "brk", "mremap"))
    ]
    assert not between, between  # numpy makes the buffers between the blocks
