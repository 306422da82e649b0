"""``latentkeys play`` with its panel, on a machine without sound."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
from websockets.sync.client import ClientConnection, connect

from instrument.realtime.memory.state import EngineState
from tests.helpers.live.patience import wait_for

CHROMIUM = shutil.which("chromium")


@dataclass
class Stage:
    """A session with a panel."""

    command: subprocess.Popen[str]
    address: str
    state: EngineState
    folder: Path
    home: Path  #: of the player: data, cache and state lie in it

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.address).query)["token"][0]

    def process(self, module: str) -> psutil.Process:
        """Return one of the session's processes."""

        def find() -> psutil.Process | None:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self.command.pid).children():
                    if module in child.cmdline():
                        return child
            return None

        return wait_for(find, module)

    def socket(self, path: str = "/socket", **changes: Any) -> ClientConnection:
        """Open a socket as a page does."""
        given = {"token": self.token, "origin": self.origin, **changes}
        address = f"{self.origin.replace('http', 'ws')}{path}?token={given.pop('token')}"
        opened: ClientConnection = connect(address, max_size=1 << 22, proxy=None, **given)
        return opened

    def voices(self) -> int:
        return int(self.state.meters["active_voices"])


def ask(socket: ClientConnection, kind: str, **fields: Any) -> None:
    """Say something to the panel."""
    socket.send(json.dumps({"type": kind, **fields}))


def hear(socket: ClientConnection, kind: str, /, seconds: float = 10.0, **fields: Any) -> Any:
    """Read until the panel says something of a kind that has these fields."""
    while True:
        news = json.loads(socket.recv(seconds))
        if news["type"] == kind and all(news[name] == value for name, value in fields.items()):
            return news


@contextlib.contextmanager
def stage(home: Path, *arguments: str) -> Iterator[Stage]:
    """Run ``latentkeys play`` without a sound card for as long as the body lasts."""
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("DATA", "CACHE", "STATE")}
    environment = {**os.environ, **places, "JACK_NO_START_SERVER": "1", "DISPLAY": ""}
    command = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "instrument",
            "play",
            "--audio",
            "null",
            "--preset",
            "reed_bass",
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    family: list[psutil.Process] = []
    try:
        assert command.stderr
        address = ""
        while not address:
            line = command.stderr.readline()
            assert line, "play has ended"
            address = found[1] if (found := re.match(r"Panel: (\S+)", line)) else ""
        family = psutil.Process(command.pid).children(recursive=True)
        engine = next(child for child in family if "instrument.engine.process" in child.cmdline())
        folder = Path(engine.cmdline()[-1])
        yield Stage(command, address, EngineState.attach(folder), folder, home)
    finally:
        command.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.communicate(timeout=10)
        command.kill()
        for process in psutil.wait_procs(family, timeout=3)[1]:
            process.kill()
