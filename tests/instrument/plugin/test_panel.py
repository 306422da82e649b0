"""The web panel of an instance: what its pages change is the instance's state."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from websockets.exceptions import InvalidHandshake

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi, turn
from instrument.offline.song_player import SongPlayer
from instrument.plugin.install import status
from instrument.plugin.places import Binary, this_target
from tests.helpers.plugin.page import STATUS, InstancePage, connect_to, go_on, open_panel, preset_in
from tests.helpers.plugin.stage import RATE_HZ, end_service, four_notes, note_messages

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PRESET, PARTNER, REVERB, RELEASE, PANEL = 2, 10, 16, 32, 42
BEAT = RATE_HZ // 2


@pytest.fixture
def played(no_display: Path, plugin: Plugin) -> Iterator[Plugin]:
    """An instance in a host that plays in real time."""
    plugin.ask("clap.render", "set", 0)
    plugin.idle()
    plugin.dirty = 0
    yield plugin
    plugin.close()


@pytest.fixture
def page(played: Plugin) -> Iterator[InstancePage]:
    opened = InstancePage(played, open_panel(played))
    opened.wait("Desk")
    yield opened
    opened.close()


def play(plugin: Plugin) -> NDArray[np.float32]:
    """Play four notes in a bounce: float32, shape (2, frames)."""
    plugin.ask("clap.render", "set", 1)
    plugin.process(64)  # waits for the tones
    plugin.call("reset")
    events = [(round(at * RATE_HZ), data) for data, at in note_messages(four_notes())]
    pieces = []
    for begin in range(0, 3 * RATE_HZ, 480):
        due = [midi(at - begin, *data) for at, data in events if 0 <= at - begin < 480]
        pieces.append(plugin.process(480, due))
    return np.concatenate(pieces, axis=1)


def rendered(preset: str, folder: Path) -> NDArray[np.float32]:
    """Return what ``latentkeys render`` writes, where held notes go round: (2, frames)."""
    path = folder / "of_the_song.toml"
    path.write_text(preset, encoding="utf-8")
    player = SongPlayer(four_notes(), RATE_HZ)
    player.load(path)
    whole = np.concatenate(list(player.play())).T
    padded = np.zeros((2, max(3 * RATE_HZ, whole.shape[1])), np.float32)
    padded[:, : whole.shape[1]] = whole
    return padded[:, : 3 * RATE_HZ]


def test_only_who_has_the_address_gets_in(played: Plugin) -> None:
    address = open_panel(played)
    assert address.startswith("http://127.0.0.1:")
    assert played.value(PANEL) == 0 and f"parameter {PANEL} ".encode() not in played.save()
    for wrong in ({"token": "x" * 32}, {"token": ""}, {"origin": "http://localhost:1"}):
        with pytest.raises(InvalidHandshake, match="403"):
            connect_to(address, **wrong).__enter__()
    with connect_to(address):
        pass


def test_a_knob_changes_the_song_and_sounds_there_as_render_does(
    page: InstancePage, clap: Path, tmp_path: Path
) -> None:
    before = page.plugin.save()
    page.ask("Set", field="effects.reverb.level", value=0.5)
    page.ask("Set", field="envelope.release_seconds", value=0.05)
    go_on(page.plugin, lambda: "release_seconds = 0.05" in preset_in(page.plugin))
    go_on(page.plugin, lambda: page.plugin.dirty >= 1)
    go_on(page.plugin, lambda: page.plugin.value(REVERB) == pytest.approx(0.5))
    released = pytest.approx((0.05 / 10.0) ** (1.0 / 3.0), rel=1e-4)  # as far as the knob goes
    go_on(page.plugin, lambda: page.plugin.value(RELEASE) == released)  # what sounds has it, too
    desk = page.wait("Desk", lambda desk: desk["undo"] == 2)
    assert desk["is_changed"] and desk["values"]["effects.reverb.level"] == 0.5
    chunk, preset = page.plugin.save(), preset_in(page.plugin)
    expected = rendered(preset, tmp_path)
    np.testing.assert_array_equal(play(page.plugin), expected)
    other = Plugin(clap)
    assert other.load(chunk) and other.save() == chunk
    other.start()
    np.testing.assert_array_equal(play(other), expected)
    other.close()
    page.plugin.ask("clap.render", "set", 0)
    for steps in (1, 0):
        page.ask("Undo")
        page.wait("Desk", partial(is_undone_to, steps))
    go_on(page.plugin, lambda: page.plugin.save() == before)


def test_another_sound_is_chosen_there_and_in_the_host(page: InstancePage) -> None:
    page.ask("Play", preset="felt_grand")
    go_on(page.plugin, lambda: 'name = "Felt Grand"' in preset_in(page.plugin))
    go_on(page.plugin, lambda: page.plugin.dirty)
    assert page.plugin.text(PRESET, page.plugin.value(PRESET)) == "Felt Grand"
    song = page.plugin.save()
    go_on(page.plugin, lambda: page.plugin.text(STATUS, 0) == "Ready")
    page.ask("Play", preset="breathing_piano")
    go_on(page.plugin, lambda: 'name = "Breathing Piano"' in preset_in(page.plugin))
    assert page.plugin.load(song)  # the host's undo
    page.wait("Desk", lambda desk: desk["preset"] == "felt_grand")


def test_keys_of_a_page_sound_in_its_instance_alone(page: InstancePage, clap: Path) -> None:
    other = Plugin(clap, offline=False)
    other.start()
    elsewhere = InstancePage(other, open_panel(other))
    assert elsewhere.address.split("token=")[1] != page.address.split("token=")[1]
    with pytest.raises(InvalidHandshake, match="403"):
        connect_to(elsewhere.address, token=page.address.split("token=")[1]).__enter__()
    page.ask("Note", pitch=60, velocity=100)
    go_on(page.plugin, page.sounds)
    page.wait("Keys", lambda keys: keys["sounding"] == [[60, 0]])
    assert not elsewhere.sounds()
    page.ask("Set", field="effects.reverb.level", value=0.4)
    go_on(page.plugin, lambda: "level = 0.4" in preset_in(page.plugin))
    assert "level = 0.4" not in preset_in(other)
    page.close()  # and nothing sticks
    go_on(page.plugin, lambda: not page.sounds())
    elsewhere.close()
    other.close()


def test_the_page_comes_back_after_the_service_died(page: InstancePage) -> None:
    page.ask("Set", field="effects.reverb.level", value=0.3)
    go_on(page.plugin, lambda: "level = 0.3" in preset_in(page.plugin))
    page.ask("Note", pitch=64, velocity=90)
    go_on(page.plugin, page.sounds)
    dead = end_service()
    assert dead
    go_on(page.plugin, page.is_gone)
    go_on(page.plugin, lambda: not page.sounds())  # nobody holds it any more
    go_on(page.plugin, lambda: status().service_pid not in (None, dead.pid))

    back = go_on(page.plugin, lambda: _connected(page))
    desk = back.wait("Desk")
    assert desk["values"]["effects.reverb.level"] == 0.3
    back.close()


def test_a_panel_that_dies_is_replaced_at_its_address(page: InstancePage) -> None:
    page.ask("Note", pitch=64, velocity=90)
    go_on(page.plugin, page.sounds)
    (panel,) = panel_processes()
    os.kill(panel.pid, signal.SIGKILL)
    go_on(page.plugin, lambda: not page.sounds())
    go_on(page.plugin, lambda: [p.pid for p in panel_processes()] not in ([], [panel.pid]))
    back = go_on(page.plugin, lambda: _connected(page))
    back.wait("Desk")
    back.close()


def _connected(page: InstancePage) -> InstancePage | None:
    with suppress(OSError, InvalidHandshake):
        return InstancePage(page.plugin, page.address)
    return None


def whose(keys: dict[str, Any]) -> set[int]:
    """Return who sounds: 0 the player, 1 the partner."""
    return {who for _, who in keys["sounding"]}


def is_undone_to(steps: int, desk: dict[str, object]) -> bool:
    return desk["undo"] == steps


def panel_processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process(status().service_pid).children():
        with suppress(psutil.Error):
            if "instrument.panel.process" in child.cmdline():
                found.append(child)
    return found


def test_no_panel_outlives_its_instance(played: Plugin, clap: Path) -> None:
    other = Plugin(clap, offline=False)
    other.start()
    open_panel(other)
    (panel,) = panel_processes()
    other.close()
    go_on(played, lambda: not panel.is_running())


def test_the_partner_is_called_and_seen_there(page: InstancePage) -> None:
    plugin = page.plugin
    page.ask("CallPartner", mode="duet", model="ngram")
    go_on(plugin, lambda: plugin.value(PARTNER) == 1)
    assert 'mode = "duet"' in preset_in(plugin) and 'model = "ngram"' in preset_in(plugin)
    page.wait("Situation", lambda situation: situation["has_partner"])
    page.ask("Set", field="effects.reverb.level", value=0.35)  # keeps the partner
    go_on(plugin, lambda: "level = 0.35" in preset_in(plugin))
    assert 'mode = "duet"' in preset_in(plugin)
    end, where = time.monotonic() + 60, 0
    while not any(news["type"] == "Keys" and 1 in whose(news) for news in page.news):
        assert time.monotonic() < end
        at = where % BEAT  # a key on every beat, half a beat long
        events = [midi(0, 0x90, 60 + where // BEAT % 8, 90)] if at == 0 else []
        events += [midi(0, 0x80, 60 + where // BEAT % 8, 0)] if at == BEAT // 2 else []
        plugin.process(480, events, tempo=120.0, position=where, beats=where / BEAT)
        where += 480
        time.sleep(0.008)
        if where % 9600 == 0:
            page.wait("Desk")  # hears the news
    view = page.wait("View")
    assert view["mode"] == "duet" and view["clock"] == "the host's tempo"
    page.ask("DismissPartner")
    go_on(plugin, lambda: plugin.value(PARTNER) == 0)
    page.wait("Situation", lambda situation: not situation["has_partner"])


def test_the_partner_hears_what_a_page_plays(page: InstancePage) -> None:
    plugin = page.plugin
    page.ask("CallPartner", mode="answer", model="ngram")
    go_on(plugin, lambda: plugin.value(PARTNER) == 1)
    page.wait("Situation", lambda situation: situation["has_partner"])
    end, where, pitches = time.monotonic() + 60, 0, [60, 62, 64, 67]
    while not plugin.notes:  # the host's track is empty
        assert time.monotonic() < end
        plugin.process(480, tempo=120.0, position=where, beats=where / BEAT)
        if where % BEAT == 0 and where // BEAT % 8 < 4:
            page.ask("Note", pitch=pitches[where // BEAT % 8], velocity=90)
        if where % BEAT == BEAT // 2 and where // BEAT % 8 < 4:
            page.ask("Note", pitch=pitches[where // BEAT % 8], velocity=0)
        where += 480
        time.sleep(0.008)


def test_another_rate_leaves_the_page_at_its_address(page: InstancePage) -> None:
    page.plugin.stop()
    page.plugin.start(44_100.0)
    go_on(page.plugin, page.is_gone)
    back = go_on(page.plugin, lambda: _connected(page))
    assert back.wait("Situation")["rate_hz"] == 44_100.0
    back.close()


@pytest.fixture
def opened(no_display: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the browser of the next service writes the address that it is given."""
    where, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {where}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":9999")
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    end_service()
    yield where
    end_service()


def is_opened(where: Path) -> bool:
    return where.exists() and "?token=" in where.read_text()


def test_a_browser_is_opened_where_there_is_a_display(opened: Path, clap: Path) -> None:
    plugin = Plugin(clap, offline=False)
    plugin.start()
    go_on(plugin, lambda: plugin.text(STATUS, 0) == "Ready")
    plugin.process(64, [turn(0, PANEL, 1.0)])
    go_on(plugin, lambda: is_opened(opened))
    assert plugin.text(STATUS, 0) == "Ready"
    plugin.close()


@pytest.mark.skipif(sys.platform != "linux", reason="minihost is installed on Linux alone")
def test_the_vst3_opens_it_too(opened: Path, binaries: Path) -> None:
    import minihost

    vst3 = str(binaries / Binary(this_target(), "vst3").bundle)
    with minihost.Plugin(vst3, sample_rate=RATE_HZ, max_block_size=480) as plugin:
        silence, out = np.zeros((2, 480), np.float32), np.zeros((2, 480), np.float32)
        plugin.set_param_by_name("Open panel", 1.0)
        end = time.monotonic() + 60
        while not is_opened(opened):
            assert time.monotonic() < end
            plugin.process(silence, out)
            time.sleep(0.01)


def test_a_songs_own_preset_is_saved_into_the_library(page: InstancePage) -> None:
    plugin = page.plugin
    song = plugin.save().decode()
    head, _, preset = song.partition("\npreset ")
    preset = preset.partition("\n")[2].replace("Breathing Piano", "Out of a Song")
    assert plugin.load(f"{head}\npreset {len(preset)}\n{preset}".encode())
    page.wait("Desk", lambda desk: desk["name"] == "Out of a Song")
    page.ask("Save")
    page.wait(
        "Library", lambda library: "out_of_a_song" in {p["preset"] for p in library["presets"]}
    )
    page.wait("Desk", lambda desk: desk["preset"] == "out_of_a_song" and not desk["is_changed"])
    other = preset.replace("gain_db = 10.7", "gain_db = 3.5")
    assert plugin.load(f"{head}\npreset {len(other)}\n{other}".encode())
    page.wait("Desk", lambda desk: desk["preset"] != "out_of_a_song")
    page.ask("Save")
    page.wait("Refused", lambda news: "belongs to the song" in news["message"])
