"""Rings between Python and the kernel: one writer, one reader, no lock.

`EventRing` is bounded: a full ring refuses the push. It carries MIDI messages and nothing else, so
that no byte from outside can ever be taken for one of our own commands; those need a `CommandRing`,
whose entries have a field for them. `HistoryReader` follows a ring whose writer (the kernel) never
waits: it keeps the newest entries and the reader is told what it missed.

`head` counts entries ever written, `tail` entries ever read; their slot is the count modulo the
ring's size, a power of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MESSAGE: list[tuple[str, str]] = [
    ("time_frames", "i8"),  # absolute stream frame at which to start; -1 = as soon as possible
    ("status", "u1"),  # MIDI status byte
    ("data1", "u1"),
    ("data2", "u1"),
    ("source", "u1"),  # which input it came from (realtime.memory.constants)
    ("value", "i4"),  # where it goes: TO_VOICES or TO_OUT; of a command: its argument
]
MESSAGE = np.dtype(_MESSAGE, align=True)
EVENT = np.dtype([*_MESSAGE, ("command", "i4")], align=True)  # 0: it is a message


class EventRing:
    """Push events into, or pop them out of, one ring of the engine block.

    One thread may push and one may pop.

    Parameters
    ----------
    ring
        Record with ``head``, ``tail``, ``dropped`` (int64) and ``events`` (`MESSAGE`).
    """

    _after: tuple[int, ...] = ()  #: what an entry has behind a message's fields

    def __init__(self, ring: NDArray[np.void]) -> None:
        self._ring = ring
        self._events = ring["events"]
        self._size = len(self._events)

    def __len__(self) -> int:
        return int(self._ring["head"]) - int(self._ring["tail"])

    @property
    def dropped(self) -> int:
        """Pushes that were refused so far."""
        return int(self._ring["dropped"])

    def push(
        self,
        time_frames: int,
        status: int,
        data1: int = 0,
        data2: int = 0,
        *,
        source: int = 0,
        value: int = 0,
    ) -> bool:
        """Append one message; False, and counted, when the ring is full."""
        return self.append((time_frames, status, data1, data2, source, value, *self._after))

    def push_all(self, messages: Sequence[tuple[int, ...]]) -> bool:
        """Append messages or none of them: (time_frames, status, data1, data2, source, value)."""
        return self.append(*((*message, *self._after) for message in messages))

    def append(self, *entries: tuple[int, ...]) -> bool:
        """Append entries as they lie in the ring; False, and counted, unless all have room."""
        head = int(self._ring["head"])
        if head - int(self._ring["tail"]) + len(entries) > self._size:
            self._ring["dropped"] += 1
            return False
        for place, entry in enumerate(entries, head):
            self._events[place % self._size] = entry
        self._ring["head"] = head + len(entries)
        return True

    def peek(self) -> np.void | None:
        """Return the oldest event without taking it, or None."""
        tail = int(self._ring["tail"])
        if tail >= int(self._ring["head"]):
            return None
        event: np.void = self._events[tail % self._size].copy()
        return event

    def pop(self) -> np.void | None:
        """Take the oldest event, or None."""
        event = self.peek()
        if event is not None:
            self._ring["tail"] += 1
        return event


class CommandRing(EventRing):
    """A ring that carries commands beside messages, in one order: its entries are `EVENT`."""

    _after = (0,)  #: no command: a message

    def command(
        self, command: int, data1: int = 0, data2: int = 0, *, value: int = 0, time_frames: int = -1
    ) -> bool:
        """Append one command of `memory.constants`; False, and counted, when the ring is full."""
        return self.append((time_frames, 0, data1, data2, 0, value, command))


class HistoryReader:
    """Follow a ring that the kernel writes without waiting for anybody.

    Parameters
    ----------
    head
        int64 scalar view: entries written so far.
    entries
        The ring, newest entries only; its first axis is a power of two long.
    """

    def __init__(self, head: NDArray[np.int64], entries: NDArray[Any]) -> None:
        self._head = head
        self._entries = entries
        self._next = int(head)
        self.lost = 0

    @property
    def position(self) -> int:
        """The number of the next entry to be read, counted from the ring's first."""
        return self._next

    def read(self) -> NDArray[Any]:
        """Return a copy of all that is new, shape (n,), in order; `lost` counts what was lost.

        Half of the ring is kept as a margin against the writer, which goes on while this copies.
        """
        size = len(self._entries)
        head = int(self._head)
        oldest = head - size // 2
        if self._next < oldest:
            self.lost += oldest - self._next
            self._next = oldest
        fresh = self._entries[np.arange(self._next, head) % size]
        self._next = head
        return fresh
