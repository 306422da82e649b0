"""OSC over real UDP: other programs of this machine play, shape, and are told the news."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pythonosc.osc_packet import OscPacket
from pythonosc.udp_client import SimpleUDPClient

from instrument.panel.messages.requests import REQUESTS
from instrument.panel.web.osc import flat, request_of
from instrument.realtime.memory.constants import LET_GO, PANEL_SOURCE
from tests.helpers.live.panel_page import knob, wait_for_keys
from tests.helpers.live.panel_stage import Stage, stage
from tests.helpers.live.patience import wait_for


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("name", "params", "asked"),
    [
        ("Note", [60, 100], {"type": "Note", "pitch": 60, "velocity": 100}),
        ("Note", [60.0, 0.0, 3.0], {"type": "Note", "pitch": 60, "velocity": 0, "channel": 3}),
        ("Panic", [], {"type": "Panic"}),
        ("Set", ["filter.cutoff_hz", 900.5],
         {"type": "Set", "field": "filter.cutoff_hz", "value": 900.5}),
        ("Morph", ["a", "b", "c", 0.25, 1.0],
         {"type": "Morph", "corners": ["a", "b", "c"], "x": 0.25, "y": 1}),
        ("Favourite", ["a", True], {"type": "Favourite", "preset": "a", "on": True}),
        ("CallPartner", ["duet"], {"type": "CallPartner", "mode": "duet"}),
    ],
)  # fmt: skip
def test_an_address_and_its_arguments_are_a_request(
    name: str, params: list[Any], asked: dict[str, Any]
) -> None:
    assert request_of(name, params) == asked
    assert REQUESTS.decode(msgspec.json.encode(asked))


def test_news_come_value_by_value() -> None:
    news = {"type": "Desk", "values": {"sound.pan": 0.5}, "undo": 2, "x": None, "name": "Glass"}
    assert dict(flat(news)) == {
        "/latentkeys/Desk/values/sound.pan": [0.5],
        "/latentkeys/Desk/undo": [2],
        "/latentkeys/Desk/name": ["Glass"],
    }
    view = {"type": "View", "notes": [{"start": 1.5, "pitch": 60}, {"start": 2.0, "pitch": 62}]}
    assert dict(flat(view)) == {"/latentkeys/View/notes": [1.5, 60, 2.0, 62]}
    assert not dict(flat({"type": "Library", "presets": []}))


@example("Set", ["filter.cutoff_hz", 1e300])
@given(st.sampled_from(["Note", "Morph", "Set", "Nothing"]), st.lists(st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(), st.booleans(), st.none(),
    st.binary())))  # fmt: skip
def test_whatever_the_arguments_are_they_make_a_request_that_can_be_checked(
    name: str, params: list[Any]
) -> None:
    asked = msgspec.json.decode(msgspec.json.encode(request_of(name, params)))
    assert asked["type"] == name


PORT = free_port()


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("home"), "--osc", str(PORT)) as running:
        time.sleep(0.3)
        yield running
        running.state.command(LET_GO, PANEL_SOURCE)


@pytest.fixture
def program() -> Iterator[SimpleUDPClient]:
    client = SimpleUDPClient("127.0.0.1", PORT)
    with client:
        yield client


def hear(ears: socket.socket, address: str) -> list[Any]:
    ears.settimeout(10.0)
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        for timed in OscPacket(ears.recv(65536)).messages:
            if timed.message.address == address:
                return list(timed.message.params)
    raise AssertionError(f"nothing came for {address}")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the panel's tests run on Linux")
def test_another_program_plays_and_shapes(panel: Stage, program: SimpleUDPClient) -> None:
    program.send_message("/latentkeys/Note", [60, 100])
    program.send_message("/latentkeys/Note", [64.0, 100.0])
    wait_for_keys(panel, 60, 64)
    program.send_message("/latentkeys/LetGo", [])
    wait_for_keys(panel)
    program.send_message("/latentkeys/Set", ["filter.cutoff_hz", 900.0])
    wait_for(lambda: abs(knob(panel, "cutoff_hz") - 900) < 1, "the knob")
    program.send_message("/latentkeys/Undo", [])
    wait_for(lambda: abs(knob(panel, "cutoff_hz") - 900) > 1, "the way back")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the panel's tests run on Linux")
def test_a_program_that_listens_is_told_the_news(panel: Stage, program: SimpleUDPClient) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", 0))
        port = ears.getsockname()[1]
        program.send_message("/latentkeys/Listen", port)
        while hear(ears, "/latentkeys/Meters/voices") != [0]:
            pass  # notes of before end; `hear` does not wait for ever
        program.send_message("/latentkeys/Note", [69, 127])
        assert hear(ears, "/latentkeys/Keys/sounding") == [69, 0]
        program.send_message("/latentkeys/Play", "wooden_choir")
        assert hear(ears, "/latentkeys/Desk/preset") == ["wooden_choir"]
        program.send_message("/latentkeys/Note", [200, 1])
        assert "pitch" in hear(ears, "/latentkeys/Refused/message")[0]
        program.send_message("/latentkeys/Listen", -port)
        time.sleep(0.5)
        ears.setblocking(False)
        while True:
            try:
                ears.recv(65536)
            except BlockingIOError:
                break
        time.sleep(0.5)
        with pytest.raises(BlockingIOError):
            ears.recv(65536)
    program.send_message("/latentkeys/LetGo", [])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the panel's tests run on Linux")
def test_damaged_datagrams_and_floods_do_nothing(panel: Stage, program: SimpleUDPClient) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        bundle = b"#bundle\x00" + bytes(8)
        for data in (b"", b"/", b"/latentkeys/Note", b"\xff" * 1000, bundle * 1000, bytes(60_000)):
            stranger.sendto(data, ("127.0.0.1", PORT))
        for _ in range(5000):
            program.send_message("/latentkeys/Turn", [1, 5])
    time.sleep(2.0)
    program.send_message("/latentkeys/Note", [60, 100])
    wait_for_keys(panel, 60)
    program.send_message("/latentkeys/LetGo", [])
    assert int(panel.state.meters["lost_events"]) == 0
    wait_for_keys(panel)
