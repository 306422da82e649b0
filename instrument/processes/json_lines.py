"""How two of our processes talk: one JSON object per line, on the child's stdin and stdout.

Each room has its own messages, tagged structs of msgspec; the ones that every process has are here.
Whatever must be faster than a line goes through the engine's block (`memory.state`).
"""

from __future__ import annotations

import array
import os
import sys
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

import msgspec

from instrument.schema import NO_JSON

T = TypeVar("T")

_MOST_UNREAD = 8192
"""A pipe holds at least twice as much."""
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


def mention(message: msgspec.Struct) -> None:
    """Tell it what the next such message replaces; left out while nobody has read the last ones.

    Whoever started this process may be stopped (Ctrl-Z) for long: a full pipe must not stop us too.
    """
    if _unread_bytes() < _MOST_UNREAD:
        say(message)


def _unread_bytes() -> int:
    """Return how much of what was said waits in the pipe; 0 where that cannot be told."""
    if sys.platform == "win32":
        return 0
    import fcntl
    import termios

    unread = array.array("i", [0])
    with suppress(OSError):
        fcntl.ioctl(sys.stdout.fileno(), termios.FIONREAD, unread)
    return unread[0]


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
            except NO_JSON as problem:
                say(Notice(f"a message that this process does not know: {problem}"))
        heard.put(None)
        time.sleep(LAST_SECONDS)
        os._exit(1)  # whatever keeps it busy will not come back, and nobody else could end it

    threading.Thread(target=read, name="listen", daemon=True).start()
    return heard
