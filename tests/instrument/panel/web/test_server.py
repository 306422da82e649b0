"""The panel's server meets strangers, a flood, two pages; the sound goes on through all."""

from __future__ import annotations

import struct
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from instrument.realtime.memory.constants import LET_GO, PANEL_SOURCE
from tests.helpers.live.panel_stage import Stage, ask, hear
from tests.helpers.live.patience import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def silence(request: pytest.FixtureRequest) -> None:
    if "panel" in request.fixturenames:
        panel: Stage = request.getfixturevalue("panel")
        panel.state.command(LET_GO, PANEL_SOURCE)
        wait_for(lambda: panel.voices() == 0, "silence")


def get(address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(address, headers={k.title(): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as problem:
        return problem.code, dict(problem.headers), problem.read()


def test_the_page_is_served_whole_and_nothing_comes_from_elsewhere(panel: Stage) -> None:
    status, headers, page = get(panel.address)
    assert status == 200 and b"main.js" in page
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    files = [path for path in Path("instrument/panel/page").iterdir() if path.is_file()]
    sizes = [len(get(f"{panel.origin}/{file.name}")[2]) for file in files if file.suffix != ".html"]
    assert all(sizes) and sum(sizes) < 300_000
    foreign = [
        file
        for file in files
        if b"http"
        in file.read_bytes()
        .replace(b"http://www.w3.org", b"")
        .replace(b'"https:"', b"")
        .replace(b"needs https", b"")
    ]
    assert not foreign


def test_another_name_for_this_machine_is_refused(panel: Stage) -> None:
    assert get(panel.address, host="evil.example:80")[0] == 400


@pytest.mark.parametrize(
    "change",
    [{"token": "wrong"}, {"token": ""}, {"origin": "http://evil.example"}, {"origin": None},
     {"origin": "http://127.0.0.1:1"}, {"origin": "null"}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/socket", "/ear"])
def test_sockets_open_for_the_panels_own_page_alone(
    panel: Stage, path: str, change: dict[str, str | None]
) -> None:
    with pytest.raises(InvalidStatus) as refused, panel.socket(path, **change):
        pass
    assert refused.value.response.status_code == 403


def test_preset_files_need_the_token(panel: Stage) -> None:
    assert get(f"{panel.origin}/presets/reed_bass.toml")[0] == 403
    status, _, text = get(f"{panel.origin}/presets/reed_bass.toml?token={panel.token}")
    assert status == 200 and b'name = "Reed Bass"' in text
    assert get(f"{panel.origin}/presets/..%2f..%2fx?token={panel.token}")[0] == 404


def test_a_page_hears_all_that_it_needs_and_plays(panel: Stage) -> None:
    with panel.socket() as socket:
        assert hear(socket, "Hello")["groups"]["envelope"]
        assert hear(socket, "Desk")["preset"] == "reed_bass"
        ask(socket, "Note", pitch=60, velocity=100)
        assert hear(socket, "Keys", sounding=[[60, 0]])
        assert "note on 60 100" in hear(socket, "Heard")["messages"][0][2]
        ask(socket, "Note", pitch=60, velocity=0)
        assert hear(socket, "Keys", sounding=[])


def test_keys_of_a_page_that_goes_do_not_stick(panel: Stage) -> None:
    with panel.socket() as socket:
        for pitch in (60, 64, 67):
            ask(socket, "Note", pitch=pitch, velocity=100)
        ask(socket, "Turn", number=64, value=127)
        wait_for(lambda: panel.voices() == 3, "a chord")
    wait_for(lambda: panel.voices() == 0, "silence", 5.0)


def test_two_pages_agree(panel: Stage) -> None:
    with panel.socket() as one, panel.socket() as two:
        ask(one, "Play", preset="wooden_choir")
        for socket in (one, two):
            assert hear(socket, "Desk", preset="wooden_choir")
        ask(two, "Set", field="filter.cutoff_hz", value=900.0)
        for socket in (one, two):
            assert hear(socket, "Desk", undo=1)["values"]["filter.cutoff_hz"] == 900.0
        bank = panel.state.banks[int(panel.state.channels[0]["bank"])]
        wait_for(
            lambda: (
                abs(
                    float(panel.state.banks[int(panel.state.channels[0]["bank"])]["cutoff_hz"])
                    - 900
                )
                < 1
            ),
            "the knob",
        )
        assert bank is not None
        ask(one, "Undo")
        assert hear(two, "Desk", undo=0)["redo"] == 1
        ask(one, "Save", name="Dark Choir")
        assert "dark_choir" in [card["preset"] for card in hear(two, "Library")["presets"]]


def test_wrong_requests_are_refused_with_a_reason_and_the_page_goes_on(panel: Stage) -> None:
    with panel.socket() as socket:
        socket.send("{")
        assert "understand" in hear(socket, "Refused")["message"]
        ask(socket, "Play", preset="nobody")
        assert "nobody" in hear(socket, "Refused")["message"]
        ask(socket, "Set", field="filter.cutoff_hz", value=1e9)
        assert "20..20000" in hear(socket, "Refused")["message"]
        ask(socket, "Note", pitch=60, velocity=1)
        assert hear(socket, "Keys", sounding=[[60, 0]])


def test_a_message_of_ten_megabytes_hangs_up_and_the_sound_goes_on(panel: Stage) -> None:
    underruns = int(panel.state.meters["underruns"])
    with panel.socket() as player, panel.socket() as flood:
        ask(player, "Note", pitch=60, velocity=100)
        wait_for(lambda: panel.voices() == 1, "a note")
        with pytest.raises(ConnectionClosed) as closed:
            flood.send("9" * 10_000_000)
            while True:
                flood.recv(10)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
        assert panel.voices() == 1
        ask(player, "Note", pitch=62, velocity=100)
        wait_for(lambda: panel.voices() == 2, "another note")
    assert int(panel.state.meters["underruns"]) == underruns


def test_ten_thousand_messages_a_second_hang_up_and_the_sound_goes_on(panel: Stage) -> None:
    with panel.socket() as player, panel.socket() as flood:
        ask(player, "Note", pitch=60, velocity=100)
        wait_for(lambda: panel.voices() == 1, "a note")
        lost = int(panel.state.meters["lost_events"])
        with pytest.raises(ConnectionClosed) as closed:
            for number in range(10_000):
                ask(flood, "Turn", number=1, value=number % 128)
            while True:
                flood.recv(10)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1008
        assert panel.voices() == 1 and int(panel.state.meters["lost_events"]) == lost
        ask(player, "Note", pitch=60, velocity=0)
        wait_for(lambda: panel.voices() == 0, "the note's end")


def test_the_ear_gives_every_frame_in_order(panel: Stage) -> None:
    with panel.socket() as player, panel.socket("/ear") as ear:
        assert float(ear.recv(5)) == panel.state.rate_hz
        ask(player, "Note", pitch=69, velocity=127)
        packets: list[bytes] = []
        for number in range(1, 201):
            packet = ear.recv(5)
            assert isinstance(packet, bytes)
            packets.append(packet)
            if number % 20 == 0:
                ear.send(str(number))
    firsts = [struct.unpack("<q", packet[:8])[0] for packet in packets]
    assert np.array_equal(np.diff(firsts), np.full(199, 256))
    heard = np.concatenate([np.frombuffer(packet[8:], "<i2").reshape(-1, 2) for packet in packets])
    assert np.abs(heard).max() > 300


def test_an_ear_that_does_not_answer_is_dropped(panel: Stage) -> None:
    with panel.socket("/ear") as ear:
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            while time.monotonic() - began < 10:
                ear.recv(5)
    assert time.monotonic() - began < 3


def test_a_panel_that_dies_lets_its_keys_go_and_comes_back_at_the_same_place(panel: Stage) -> None:
    with panel.socket() as socket:
        ask(socket, "Note", pitch=60, velocity=100)
        wait_for(lambda: panel.voices() == 1, "a note")
        panel.process("instrument.panel.process").kill()
        wait_for(lambda: panel.voices() == 0, "the key's release")

    def is_back() -> bool:
        try:
            with panel.socket() as other:
                return bool(hear(other, "Hello"))
        except (OSError, InvalidStatus):
            return False

    wait_for(is_back, "the panel", 20.0)


def test_a_panel_that_hangs_is_replaced_and_the_sound_goes_on(panel: Stage) -> None:
    hung = panel.process("instrument.panel.process")
    clock = panel.state.clock
    hung.suspend()
    wait_for(lambda: not hung.is_running() or hung.status() == "zombie", "its end", 10.0)
    assert panel.state.clock > clock
    wait_for(lambda: panel.process("instrument.panel.process").pid != hung.pid, "another one")
