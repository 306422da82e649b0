"""How two of our processes talk: one JSON object per line, on the child's stdin and stdout.

Each room has its own messages, tagged structs of msgspec; the ones that every process has are here.
Whatever must be faster than a line goes through the engine's block (`instrument.realtime.state`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

import msgspec

T = TypeVar("T")

LAST_SECONDS = 5.0
"""A process ends within this time after the one that started it."""


class Notice(msgspec.Struct, frozen=True, tag=True):
    """Something the player should know; the process goes on."""

    message: str
    remedy: str = ""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The process cannot do its work, and starting it again would not help; it ends."""

    message: str
    remedy: str = ""


def encode(message: msgspec.Struct) -> bytes:
    """Return one line, its end included."""
    return msgspec.json.encode(message) + b"\n"


def say(message: msgspec.Struct) -> None:
    """Tell the process that started this one; nobody listens any more once it is dead."""
    with suppress(OSError, ValueError):
        sys.stdout.buffer.write(encode(message))
        sys.stdout.buffer.flush()


def listen(messages: msgspec.json.Decoder[T]) -> SimpleQueue[T | None]:
    """Read messages from stdin in a thread of their own.

    Returns
    -------
    SimpleQueue
        Every message, in order, and None when the process that started this one is gone.
    """
    heard: SimpleQueue[T | None] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            try:
                heard.put(messages.decode(line))
            except msgspec.DecodeError as problem:
                say(Notice(f"a message that this process does not know: {problem}"))
        heard.put(None)
        time.sleep(LAST_SECONDS)
        os._exit(1)  # whatever keeps it busy will not come back, and nobody else could end it

    threading.Thread(target=read, name="listen", daemon=True).start()
    return heard
