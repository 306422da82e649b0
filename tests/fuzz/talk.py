"""Entrances at which somebody talks to us: our processes, programs, pages, the plug-in's hosts."""

from __future__ import annotations

import random
import shutil
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from instrument.engine import messages as engine_messages
from instrument.midi.messages import check_message
from instrument.panel.engine.hands import Hands
from instrument.panel.messages.link import REPORTS as PANEL_REPORTS
from instrument.panel.messages.link import NowPlaying
from instrument.panel.web.pages import Page
from instrument.panel.web.server import Panel
from instrument.partner import commands, messages
from instrument.plugin.listener import Service
from instrument.plugin.places import service_file
from instrument.plugin.tables.table_file import layout_number
from instrument.preset.preset import user_presets_folder
from instrument.realtime.memory.constants import PITCH_COUNT
from instrument.realtime.memory.state import EngineState
from instrument.rendering.messages import REPORTS as MODELS_REPORTS
from instrument.schema import NO_JSON
from tests.fuzz.mutation import Try, mutated, mutated_text
from tests.helpers.places import ROOT

PRESET = ROOT / "presets" / "glass_choir.toml"
_ANSWER_SECONDS = 5.0


def lines(_: Path) -> Try:
    """What our processes say to each other, line by line."""
    decoders = (
        commands.COMMANDS,
        messages.REPORTS,
        MODELS_REPORTS,
        engine_messages.REPORTS,
        PANEL_REPORTS,
    )
    originals = [
        b'{"type":"FollowLink","beats":1.5,"bpm":120.0}',
        b'{"type":"Learn","knob":"blend"}',
        b'{"type":"Notice","message":"a","remedy":""}',
        b'{"type":"AttacksReady","bank":1,"provider":"cpu"}',
        b'{"type":"PlayFile","path":"a.toml","carries":true}',
    ]

    def try_one(rng: random.Random) -> None:
        content = mutated_text(rng.choice(originals), rng)
        for decoder in decoders:
            with suppress(*NO_JSON):
                decoder.decode(content)

    return try_one


def api_messages(_: Path) -> Try:
    """Bytes that programs send through `Session.send`."""

    def try_one(rng: random.Random) -> None:
        check_message(rng.randbytes(rng.randrange(6)))

    return try_one


def page_messages(folder: Path) -> Try:
    """What a page says to the panel, good and bad, and what the panel answers."""
    state = EngineState.create(None, 48_000.0)
    panel = Panel(state, folder, lambda _: None, ("ngram",))
    panel.hear_control(NowPlaying(preset=str(PRESET)))
    text = PRESET.read_text(encoding="utf-8").replace("\n", "\\n").replace('"', '\\"')
    originals = [line.encode() for line in _PAGE_SAYS] + [
        f'{{"type":"Import","text":"{text}"}}'.encode()
    ]

    def try_one(rng: random.Random) -> None:
        if rng.random() < 0.02:  # or thousands of presets would pile up
            shutil.rmtree(user_presets_folder(), ignore_errors=True)
            panel.hear_control(NowPlaying(preset=str(PRESET)))
        page = Page(None, Hands(state))  # type: ignore[arg-type]
        for _ in range(rng.randrange(1, 4)):
            said = rng.choice(originals)
            panel.hear_page(page, said if rng.random() < 0.2 else mutated_text(said, rng))
        page.hands.let_go()
        while state.panel_ring.pop() is not None:
            pass

    return try_one


def plugin_requests(_: Path) -> Try:
    """What an instance of the plug-in, or whoever pretends to be one, says to the service."""
    failed: list[object] = []
    service_file().parent.mkdir(parents=True, exist_ok=True)
    threading.Thread(target=Service(idle_seconds=5.0).serve, daemon=True).start()
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not service_file().exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    address, token = service_file().read_text().splitlines()[:2]
    # Of a model that nobody has: nothing is rendered.
    preset = PRESET.read_bytes().replace(b'sha256 = "', b'sha256 = "0', 1)
    hello = f"HELLO 1 {token} 48000 {layout_number():x}\n".encode()
    seen = b"SEEN 3 0 0 0 0.25 0.9 %s\n" % (b"f" * PITCH_COUNT)
    rest = b"PRESET %d\n" % len(preset) + preset + b"PROGRAM 127\nWANT 60\n" + seen
    rest += b"SHARED /dev/shm/latentkeys-held-1-1-1\nSTREAM 1 1 %s\n" % (b"0f" * 16)

    def ask(content: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(_ANSWER_SECONDS)
            client.connect(address.split()[1])
            with suppress(BrokenPipeError, ConnectionResetError):  # it has hung up
                client.sendall(content)
                client.shutdown(socket.SHUT_WR)
            answer = b""
            with suppress(ConnectionResetError):
                while piece := client.recv(65536):
                    answer += piece
            return answer

    def try_one(rng: random.Random) -> None:
        said = mutated(hello + rest, rng) if rng.random() < 0.3 else hello + mutated(rest, rng)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading, "excepthook", lambda raised: failed.append(raised.exc_value))
            ask(said)
        assert not failed, failed.pop()
        if rng.random() < 0.01:
            answer = ask(hello + b"PING 7\n")
            assert answer.startswith(b"OK ") and b"\nPONG 7\n" in answer, (
                "it serves nobody any more"
            )

    return try_one


_PAGE_SAYS = (
    '{"type":"Note","pitch":60,"velocity":100,"channel":0}',
    '{"type":"Bend","value":-8192}',
    '{"type":"Turn","number":64,"value":127}',
    '{"type":"LetGo"}',
    '{"type":"Play","preset":"glass_choir"}',
    '{"type":"Play","preset":"felt_grand"}',
    '{"type":"Set","field":"envelope.attack_seconds","value":0.5}',
    '{"type":"Set","field":"touch.pressure","value":"level"}',
    '{"type":"Undo"}',
    '{"type":"Redo"}',
    '{"type":"Compare"}',
    '{"type":"Save","name":"Mine"}',
    '{"type":"Save"}',
    '{"type":"Rename","preset":"mine","name":"Yours"}',
    '{"type":"Delete","preset":"yours"}',
    '{"type":"Restore","preset":"yours"}',
    '{"type":"Favourite","preset":"glass_choir","on":true}',
    '{"type":"Place","x":0.25,"y":0.75}',
    '{"type":"Morph","corners":["glass_choir","felt_grand"],"x":0.5,"y":0.5}',
    '{"type":"Surprise"}',
    '{"type":"Alike"}',
    '{"type":"Tap"}',
    '{"type":"CallPartner","mode":"duet","model":"ngram","tempo":90.5,"metronome":true}',
    '{"type":"DismissPartner"}',
    '{"type":"Panic"}',
)
