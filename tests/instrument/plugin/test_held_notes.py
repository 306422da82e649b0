"""Held notes of streaming presets in the plug-in: as a render has them, whoever is killed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from ctypes import Structure
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi, turn
from instrument.bench.presets.measures import clicks, pitch_cents, self_likeness
from instrument.plugin.generated_header import program_number
from instrument.plugin.places import launch_file
from instrument.plugin.streaming.memory import StreamMemory
from tests.helpers.plugin.held import (
    bounced,
    held_keys,
    live,
    sliding_note,
    streamer,
    wait_for,
    written,
)
from tests.helpers.plugin.stage import RATE_HZ, end_service, plugin_home
from training.metrics.audio.spectra import log_spectral_distance, magnitudes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
PRESET, STATUS, REVERB, MORPH_X, MORPH_Y = 2, 9, 16, 43, 44
FRAME_VOICE, GANSYNTH, SLIDING = "chorale_loft", "cloister", "amber_horns"
ONE_KEY = [(0.0, bytes((0x90, 60, 100))), (8.5, bytes((0x80, 60, 0)))]
HELD = slice(round(3.2 * RATE_HZ), 8 * RATE_HZ)
BACK_SECONDS = 2.0
"""A stream process that was killed is replaced within so long, on a machine that is not loaded."""


@pytest.fixture
def choir(plugin: Plugin) -> Plugin:
    return playing(plugin, FRAME_VOICE)


def playing(plugin: Plugin, preset: str) -> Plugin:
    """Let an instance play a preset, from its beginning."""
    plugin.process(64, [turn(0, PRESET, float(program_number(preset)))])
    plugin.process(64)  # waits for its tones
    assert plugin.text(STATUS, 0) == "Ready"
    plugin.call("reset")
    return plugin


def shared() -> Path:
    """Return the memory that an instance of this process shares: the latest."""
    found = Path("/dev/shm").glob(f"latentkeys-held-{os.getpid()}-*")
    return max(found, key=lambda path: int(path.name.split("-")[3]))


def is_replaced(dead: psutil.Process) -> bool:
    """Tell whether another process renders held notes on by now."""
    return streamer() not in (None, dead)


@pytest.mark.parametrize("preset", [FRAME_VOICE, GANSYNTH])
@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_a_bounce_of_held_notes_is_a_render_to_the_bit_and_again(
    plugin: Plugin, preset: str, rate_hz: int
) -> None:
    plugin.stop()
    plugin.start(float(rate_hz))
    playing(plugin, preset)
    expected = written(held_keys(), preset, rate_hz)
    for seed in (1, 2):
        plugin.call("reset")
        found = bounced(plugin, held_keys(), expected.shape[1], seed, rate_hz)
        np.testing.assert_array_equal(found, expected)
    plugin.stop()
    plugin.start(float(RATE_HZ))
    plugin.close()


def test_a_slide_in_a_bounce_is_a_render_s(plugin: Plugin) -> None:
    playing(plugin, SLIDING)
    expected = written(sliding_note(), SLIDING)
    still = written([event for event in sliding_note() if event[1][1] != 74], SLIDING)
    assert np.abs(expected - still[:, : expected.shape[1]]).max() > 0.01
    found = bounced(plugin, sliding_note(), expected.shape[1], seed=3)
    np.testing.assert_array_equal(found, expected)
    plugin.close()


def test_a_held_note_does_not_go_round(choir: Plugin) -> None:
    loop = self_likeness(written(ONE_KEY, FRAME_VOICE, goes_round=True).T[HELD], RATE_HZ)
    choir.ask("clap.render", "set", 0)
    audio = live(choir, 8.5, key=60)
    likeness = self_likeness(audio[HELD], RATE_HZ)
    assert likeness <= min(0.9, 0.8 * loop), f"{likeness:.2f} like itself, its loop {loop:.2f}"
    assert clicks(audio[HELD], RATE_HZ) == 0
    choir.close()


def test_a_held_note_follows_a_hand_on_the_map(choir: Plugin) -> None:
    choir.ask("clap.render", "set", 0)
    choir.process(64, [turn(0, REVERB, 0.0)])  # a room's walls sway whoever moves
    hand: list[Structure] = [turn(0, MORPH_X, 0.9), turn(0, MORPH_Y, 0.1)]
    audio = live(choir, 8.0, 60, lambda at: hand if at == 5.0 else None)
    second = [audio[n * RATE_HZ : (n + 1) * RATE_HZ] for n in range(8)]
    loudness = [magnitudes(part.mean(axis=1), RATE_HZ) for part in second]
    own = log_spectral_distance(loudness[3], loudness[4], RATE_HZ, 8000.0)
    moved = log_spectral_distance(loudness[4], loudness[7], RATE_HZ, 8000.0)
    assert moved > 2.0 * own, f"{moved:.1f} dB from what it was, {own:.1f} from itself"
    assert clicks(audio[HELD], RATE_HZ) == 0
    cents = [pitch_cents(second[n], RATE_HZ, 60) for n in (4, 7)]
    assert max(map(abs, cents)) < 10.0, cents  # its partials wander by 5 cents (rms)
    choir.close()


def test_held_notes_go_round_without_a_click_while_nobody_renders_them(choir: Plugin) -> None:
    memory = StreamMemory(str(shared()))
    choir.ask("clap.render", "set", 0)
    killed: list[tuple[float, psutil.Process]] = []
    back: list[float] = []

    def look(seconds: float) -> None:
        if seconds > 4.0 and not killed:
            dead = streamer()
            assert dead
            dead.kill()
            dead.wait(5.0)
            killed.append((time.monotonic(), dead))
            ready.append(int(memory.streams["frames_ready"].max()))
        elif killed and not back and memory.streams["frames_ready"].max() > ready[0]:
            back.append(time.monotonic() - killed[0][0])

    ready: list[int] = []
    audio = live(choir, 12.0, key=60, look=look)
    assert killed and back, "nothing is rendered any more"
    assert back[0] <= BACK_SECONDS, f"after {back[0]:.2f} s"
    assert clicks(audio[round(3.2 * RATE_HZ) :], RATE_HZ) == 0
    choir.process(480, [midi(0, 0x80, 60, 0)])
    for _ in range(600):
        last = choir.process(480)
    assert np.abs(last).max() < 1e-4, "something is stuck"
    choir.close()


def test_a_sound_that_was_just_rendered_is_found_again(clap: Path, tmp_path: Path) -> None:
    """Its table grew under another name when the process was told of it."""
    with plugin_home(tmp_path):
        plugin = Plugin(clap)
        plugin.start()
        playing(plugin, GANSYNTH)
        dead = streamer()
        assert dead
        dead.kill()
        expected = written(held_keys(), GANSYNTH)
        found = bounced(plugin, held_keys(), expected.shape[1], seed=8)
        np.testing.assert_array_equal(found, expected)
        plugin.close()


def test_a_bounce_waits_for_a_process_that_was_killed(choir: Plugin) -> None:
    expected = written(held_keys(), FRAME_VOICE)
    for seed in (4, 5):
        choir.call("reset")
        dead = streamer()
        assert dead
        dead.kill()
        found = bounced(choir, held_keys(), expected.shape[1], seed)
        np.testing.assert_array_equal(found, expected)
        wait_for(partial(is_replaced, dead))
    choir.close()


def test_pages_are_taken_for_held_notes_alone(choir: Plugin) -> None:
    def kilobytes() -> int:
        return shared().stat().st_blocks // 2

    assert kilobytes() < 64
    bounced(choir, held_keys(), 6 * RATE_HZ, seed=6)
    assert 64 < kilobytes() < 4000
    choir.call("reset")
    wait_for(lambda: kilobytes() < 64)
    choir.close()
    assert not list(Path("/dev/shm").glob(f"latentkeys-held-{os.getpid()}-*"))


@pytest.fixture
def old_service(home: Path) -> Iterator[None]:
    """Let the next service be one that knows nothing of held notes."""
    words = launch_file().read_text()
    end_service()
    launch_file().write_text(
        f"{sys.executable}\n-c\nimport instrument.plugin.instances as i, runpy; i.VERSION = 4;"
        "runpy.run_module('instrument.plugin.service', run_name='__main__')\n"
    )
    yield
    launch_file().write_text(words)
    end_service()


def test_with_an_older_service_held_notes_go_round(clap: Path, old_service: None) -> None:
    plugin = Plugin(clap)
    plugin.start()
    playing(plugin, FRAME_VOICE)
    expected = written(ONE_KEY, FRAME_VOICE, goes_round=True)
    found = bounced(plugin, ONE_KEY, expected.shape[1], seed=7)
    np.testing.assert_array_equal(found, expected)
    assert streamer() is None
    plugin.close()
