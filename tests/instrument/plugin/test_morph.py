"""Morphing as a host automates it: places of the map, in a bounce, live, and in a song."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi, turn
from instrument.plugin.morphing import Morphing, map_of
from instrument.preset.preset import DEFAULT_PRESET
from tests.helpers.places import ROOT
from tests.helpers.plugin.page import go_on, preset_in
from tests.helpers.plugin.stage import RATE_HZ, four_notes, note_messages, rendered

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]
PRESET, STATUS, X, Y = 2, 9, 43, 44
FIRST = ROOT / "presets" / f"{DEFAULT_PRESET}.toml"
BLOCK = 480


def bounce(
    plugin: Plugin, path: dict[int, tuple[float, float]], seconds: float = 3.0
) -> NDArray[np.float32]:
    """Play four notes while the host moves the sound: float32, shape (2, frames)."""
    plugin.call("reset")
    waiting = [(round(at * RATE_HZ), data) for data, at in note_messages(four_notes())]
    pieces = []
    for begin in range(0, round(seconds * RATE_HZ), BLOCK):
        events: list[object] = [
            midi(at - begin, *data) for at, data in waiting if 0 <= at - begin < BLOCK
        ]
        if begin in path:
            x, y = path[begin]
            events = [turn(0, X, x), turn(0, Y, y), *events]
        pieces.append(plugin.process(BLOCK, events))  # type: ignore[arg-type]
    return np.concatenate(pieces, axis=1)


def test_it_stands_where_the_preset_lies(plugin: Plugin) -> None:
    home = map_of(FIRST)
    for number, name in ((X, "Morph x"), (Y, "Morph y")):
        (info,) = (info for info in plugin.parameters() if info.id == number)
        assert info.name.decode() == name and (info.low, info.high) == (0.0, 1.0)
    (spot,) = (spot for spot in home.spots if not spot.name)
    assert plugin.value(X) == pytest.approx(spot.x, abs=1e-4)
    assert plugin.value(Y) == pytest.approx(spot.y, abs=1e-4)
    assert b"parameter 43" not in plugin.save() and b"\nplace" not in plugin.save()
    plugin.process(64, [turn(0, PRESET, 1.0)])
    plugin.process(64)
    go_on(plugin, lambda: plugin.value(X) != pytest.approx(spot.x, abs=1e-4))
    assert plugin.text(X, plugin.read(X, "37 %")) == "37 %"


def test_a_bounce_sounds_as_render_does_at_that_place(
    plugin: Plugin, clap: Path, tmp_path: Path
) -> None:
    there = Morphing(tmp_path).at(FIRST, (48, 16))
    expected = rendered(four_notes(), str(there))
    plugin.process(BLOCK, [turn(0, X, 0.75), turn(0, Y, 0.25)])
    plugin.process(BLOCK)  # waits
    audio = bounce(plugin, {}, expected.shape[1] / RATE_HZ)
    np.testing.assert_array_equal(audio[:, : expected.shape[1]], expected[:, : audio.shape[1]])
    song = plugin.save()
    assert b"\nplace 48 16\n" in song and b"parameter 43 0.75\n" in song
    assert preset_in(plugin) == FIRST.read_text()  # the preset itself is not touched
    other = Plugin(clap)
    assert other.load(song) and other.value(X) == 0.75
    other.start()
    other.process(64)
    again = bounce(other, {}, expected.shape[1] / RATE_HZ)
    np.testing.assert_array_equal(again, audio)
    assert other.save() == song
    other.close()


def test_a_way_over_the_map_is_bounced_twice_to_the_bit(plugin: Plugin, clap: Path) -> None:
    start = {0: (0.25, 0.25)}
    way = {at * 4800: (0.25 + at / 60, 0.25 + at / 90) for at in range(25)}
    still = bounce(plugin, start)
    first = bounce(plugin, way)
    assert np.abs(first - still).max() > 0.01
    other = Plugin(clap)
    other.start()
    other.process(64)
    np.testing.assert_array_equal(bounce(other, way), first)
    other.close()
    np.testing.assert_array_equal(bounce(plugin, way), first)


def test_a_host_that_plays_live_hears_it_soon(plugin: Plugin) -> None:
    plugin.ask("clap.render", "set", 0)
    plugin.process(BLOCK, [midi(0, 0x90, 60, 100)])
    plugin.process(BLOCK, [turn(0, X, 0.9)])
    go_on(plugin, lambda: b"\nplace 58 " in plugin.save())
    go_on(plugin, lambda: plugin.text(STATUS, 0) == "Ready")
    plugin.process(64, [turn(0, PRESET, 2 / 127 * 127)])
    go_on(plugin, lambda: b"\nplace " not in plugin.save())  # another preset is where it lies
    assert b"parameter 43" not in plugin.save()


def test_a_preset_without_a_map_says_so_and_nobody_waits(plugin: Plugin) -> None:
    song = plugin.save()
    assert plugin.load(song.replace(b'sha256 = "6a957f1a', b'sha256 = "00000000'))
    go_on(plugin, lambda: plugin.text(X, 0.3) == "no map")
    begin = time.monotonic()
    plugin.process(BLOCK, [turn(0, X, 0.9), midi(0, 0x90, 60, 100)])
    plugin.process(BLOCK)
    assert time.monotonic() - begin < 20.0
    assert plugin.load(song)
    go_on(plugin, lambda: plugin.text(X, 0.3) == "30 %")
