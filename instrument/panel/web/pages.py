"""The pages that are open: a queue for each, limits for each, and news for all."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from instrument.panel.engine.hands import Hands
from instrument.panel.messages.news import Told

MOST_WAITING = 400
"""Messages that a page has not taken yet: it no longer reads."""
MESSAGES_PER_SECOND = 500.0
MOST_AT_ONCE = 1000.0
TOO_MUCH, TOO_SLOW = 1008, 1013


class Allowance:
    """So many messages a second, and some at once."""

    def __init__(self) -> None:
        self._credit, self._credit_at = MOST_AT_ONCE, time.monotonic()

    def may_say_more(self) -> bool:
        """Count one message; false if there were too many of late."""
        now = time.monotonic()
        gained = (now - self._credit_at) * MESSAGES_PER_SECOND
        self._credit = max(-1.0, min(MOST_AT_ONCE, self._credit + gained) - 1.0)
        self._credit_at = now
        return self._credit >= 0.0


class PanelClient(Protocol):
    """Whoever plays, and is told the news."""

    hands: Hands

    def tell(self, message: Told) -> None:
        """Take one of the news; never waits."""

    def queue(self, text: str) -> None:
        """Take news as JSON; never waits."""


class Page(Allowance):
    """One browser's page.

    Parameters
    ----------
    socket
        Open.
    hands
        The keys that it holds.
    """

    def __init__(self, socket: WebSocket, hands: Hands) -> None:
        super().__init__()
        self.socket, self.hands = socket, hands
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self.is_slow = False

    def tell(self, message: Told) -> None:
        """Put a message on its way to this page."""
        self.queue(_text(message))

    def queue(self, text: str) -> None:
        """Put an encoded message on its way; never waits."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.is_slow = True

    async def send_all(self) -> None:
        """Send what is on its way until the page has gone or is too slow."""
        try:
            while not self.is_slow:
                await self.socket.send_text(await self._waiting.get())
        except (WebSocketDisconnect, RuntimeError):
            return
        await self.close(TOO_SLOW)

    async def close(self, code: int) -> None:
        """Hang up."""
        try:
            await asyncio.wait_for(self.socket.close(code), 1.0)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            return


class Pages:
    """All that are open; they agree, because each is told the same."""

    def __init__(self) -> None:
        self.open: set[PanelClient] = set()

    def __len__(self) -> int:
        return len(self.open)

    def tell(self, message: Told) -> None:
        """Tell every page."""
        if self.open:
            text = _text(message)
            for page in self.open:
                page.queue(text)


def _text(message: Told) -> str:
    return msgspec.json.encode(message).decode()
