"""The service's side of held notes: one process for all, replaced when it dies or hangs."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty

import msgspec

from instrument.plugin.line_process import LineProcess
from instrument.plugin.streaming.memory import StreamMemory, remove
from instrument.plugin.streaming.messages import LeaveMemory, MorphBank, ShareMemory, StreamBank

START_SECONDS = 30.0
SILENT_SECONDS = 5.0
"""A process whose heart stands still for so long is taken for one that hangs."""
LIVED_SECONDS = 5.0
"""One that has gone on for so long has not died of what it was given first."""
MOST_TRIES = 5


@dataclass(eq=False)
class StreamedInstance:
    """One that shares its memory.

    Attributes
    ----------
    key
        No other has it.
    name
        Of its memory.
    say
        Takes lines for the plug-in, on any thread.
    banks
        What each of its banks has.
    """

    key: int
    name: str
    say: Callable[[str], None]
    banks: dict[int, StreamBank] = field(default_factory=dict)

    def orders(self) -> Iterator[msgspec.Struct]:
        """Yield what a process must be told of it."""
        yield ShareMemory(self.key, self.name)
        yield from self.banks.values()


class Streaming:
    """Let the held notes of instances go on. Any thread may call."""

    def __init__(self) -> None:
        self._instances: dict[int, StreamedInstance] = {}
        self._keys = itertools.count(1)
        self._lock = threading.Lock()
        self._process: LineProcess | None = None
        self._is_running = False

    def share(self, name: str, say: Callable[[str], None]) -> StreamedInstance | None:
        """Serve an instance from now on; None if its memory is not there, or of another version."""
        try:
            StreamMemory(name).close()
        except (OSError, ValueError):
            return None
        instance = StreamedInstance(next(self._keys), name, say)
        with self._lock:
            self._instances[instance.key] = instance
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, daemon=True).start()
            self._tell(ShareMemory(instance.key, name))
        return instance

    def play(self, instance: StreamedInstance, order: StreamBank) -> None:
        """Serve what a bank has from now on."""
        with self._lock:
            instance.banks[order.bank] = order
            self._tell(order)

    def morph(self, instance: StreamedInstance, bank: int, preset: str) -> None:
        """Let what a bank holds go over to another sound of its model."""
        with self._lock:
            self._tell(MorphBank(instance.key, bank, preset))

    def leave(self, instance: StreamedInstance) -> None:
        """Serve an instance no more, and take its memory away: nobody has it any more."""
        with self._lock:
            self._instances.pop(instance.key, None)
            self._tell(LeaveMemory(instance.key))
        remove(instance.name)

    def _tell(self, order: msgspec.Struct) -> None:
        if self._process:
            self._process.tell(msgspec.json.encode(order).decode())

    def _run(self) -> None:
        """Keep a process going; it ends with this thread."""
        tries = 0
        while tries < MOST_TRIES:
            began = time.monotonic()
            process = LineProcess("instrument.plugin.streaming.process")
            with self._lock:
                self._process = process
                for instance in self._instances.values():
                    for order in instance.orders():
                        self._tell(order)
            self._listen(process)
            with self._lock:
                self._process = None
            process.end()
            tries = tries + 1 if time.monotonic() - began < LIVED_SECONDS else 1
        with self._lock:
            given_up, self._is_running = list(self._instances.values()), False
        for instance in given_up:
            with suppress(OSError):
                instance.say("STREAMS 0")

    def _listen(self, process: LineProcess) -> None:
        """Pass on what it says until it is dead or hangs."""
        patience = START_SECONDS
        with suppress(Empty):
            while line := process.said.get(timeout=patience):
                patience = SILENT_SECONDS
                if not line.startswith("NOTICE "):
                    continue
                key, _, text = line.removeprefix("NOTICE ").partition(" ")
                if instance := self._instances.get(int(key)):
                    with suppress(OSError):
                        instance.say(f"NOTICE {text}")
