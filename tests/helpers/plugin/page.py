"""A page of an instance's panel, and the host that the instance plays in meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import turn

T = TypeVar("T")
STATUS, PANEL = 9, 42
PATIENCE_SECONDS = 60.0
BLOCK_FRAMES = 480


def go_on(plugin: Plugin, look: Callable[[], T | None]) -> T:
    """Let a host's time go by until something comes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, f"it does not come: {plugin.text(STATUS, 0)}"
        plugin.process(BLOCK_FRAMES)
        plugin.idle()
        time.sleep(0.005)
    return found


def preset_in(plugin: Plugin) -> str:
    """Return the preset that a song would keep."""
    return plugin.save().partition(b"\npreset ")[2].partition(b"\n")[2].decode()


def open_panel(plugin: Plugin) -> str:
    """Turn "Open panel" on; return the address that the player reads without a display."""
    plugin.process(64, [turn(0, PANEL, 1.0)])
    status = go_on(plugin, lambda: "Panel: " in (text := plugin.text(STATUS, 0)) and text)
    return str(status).removeprefix("Panel: ")


class InstancePage:
    """A page without a browser.

    Parameters
    ----------
    plugin
        Whose it is.
    address
        Of its panel.
    """

    def __init__(self, plugin: Plugin, address: str) -> None:
        self.plugin, self.address = plugin, address
        self.news: list[dict[str, Any]] = []
        self._open = ExitStack()
        self.socket = self._open.enter_context(connect_to(address))

    def ask(self, kind: str, **fields: Any) -> None:
        """Say something to the panel."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def wait(self, kind: str, look: Callable[[Any], object] = lambda _: True) -> Any:
        """Return the latest news of a kind once it is so; the host goes on meanwhile."""

        def find() -> Any:
            with suppress(TimeoutError):
                while True:
                    self.news.append(json.loads(self.socket.recv(0)))
            latest = next((one for one in reversed(self.news) if one["type"] == kind), None)
            return latest if latest and look(latest) else None

        return go_on(self.plugin, find)

    def is_gone(self) -> bool:
        """Tell whether the panel has hung up."""
        try:
            self.socket.recv(0)
        except TimeoutError:
            return False
        except ConnectionClosed:
            return True
        return False

    def close(self) -> None:
        """Close it."""
        self._open.close()

    def sounds(self) -> bool:
        """Tell whether the next block of the instance sounds."""
        return bool(np.abs(self.plugin.process(BLOCK_FRAMES)).max() > 0.01)


def connect_to(address: str, **changes: str) -> Any:
    """Open a socket as a page does, but for what is changed: its token or its origin."""
    parts = urlsplit(address)
    token = changes.get("token", parse_qs(parts.query)["token"][0])
    origin: Any = changes.get("origin", f"http://{parts.netloc}")
    address = f"ws://{parts.netloc}/socket?token={token}"
    return connect(address, origin=origin, max_size=1 << 22, proxy=None)


class Host(threading.Thread):
    """A host that plays on by itself, while a test looks at a browser.

    Attributes
    ----------
    peak
        Of the last block.
    """

    def __init__(self, plugin: Plugin) -> None:
        super().__init__(daemon=True)
        self.plugin, self.peak = plugin, 0.0
        self._is_over = threading.Event()
        self.start()

    def run(self) -> None:
        """Play in real time."""
        while not self._is_over.wait(BLOCK_FRAMES / 48_000):
            self.peak = float(np.abs(self.plugin.process(BLOCK_FRAMES)).max())
            self.plugin.idle()

    def end(self) -> None:
        """Play no longer."""
        self._is_over.set()
        self.join()
