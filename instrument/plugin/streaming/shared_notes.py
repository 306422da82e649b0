"""Serve the held notes of all instances, in the process that `streaming.process` starts.

It looks at each instance's memory again and again, since the audio thread calls nobody; rarely
while no note is held. Every instance has a `StreamServer`, the same one as in `latentkeys play`, so
a ring holds the same samples whoever has written it: a process that is killed is replaced by
another one, which goes on where it stopped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import find_bundle
from instrument.bundle.reference import ModelReference
from instrument.errors import LatentkeysError
from instrument.plugin.child import BEAT, BEAT_SECONDS
from instrument.plugin.streaming.memory import StreamMemory
from instrument.plugin.streaming.messages import (
    STREAM_ORDERS,
    LeaveMemory,
    MorphBank,
    ShareMemory,
    StreamBank,
    StreamOrder,
)
from instrument.preset.preset import Preset, load_preset
from instrument.processes.json_lines import listen
from instrument.rendering.held.partials import PartialsProbe
from instrument.rendering.held.stream_server import StreamServer

IDLE_SECONDS = 0.05
HELD_SECONDS = 0.015
"""A note asks a second before it needs anything, its slide 80 ms before."""
WAITED_FOR_SECONDS = 0.001
"""In a bounce."""
KEPT_SECONDS = 5.0
"""So long after the last held note its pages stay."""
LONGEST_SECONDS = 30.0
"""Work that takes longer is taken for one that hangs: the heart stops."""


class SharedNotes:
    """The held notes of one instance.

    Parameters
    ----------
    key
        The instance's.
    memory
        What it shares.
    probes
        Models that are open, for all instances.
    """

    def __init__(self, key: int, memory: StreamMemory, probes: dict[str, PartialsProbe]) -> None:
        self.memory = memory
        self._key = key
        self._server = StreamServer(memory, probes)
        self._numbers: dict[int, int] = {}  # of what each bank has
        self._held = 0.0  # when anything was, `time.monotonic`

    def play(self, order: StreamBank, preset: Preset, bundle: Bundle) -> None:
        """Serve a bank from now on.

        Raises
        ------
        OSError, ValueError
            Its table is not there any more.
        """
        self._server.forget(order.bank)
        self.memory.take_table(order.bank, order.tables)
        self._numbers[order.bank] = order.number
        self._server.play(order.bank, preset, bundle)
        if not self._server.serves(order.bank):
            self.refuse(order.bank, order.number)

    def morph(self, bank: int, preset: Preset, bundle: Bundle) -> None:
        """Let what a bank holds go over to another sound; a bounce repeats, so there nothing does.

        Raises
        ------
        BundleError
            The model fails.
        """
        if not self.memory.is_offline and self._is_current(bank):
            self.memory.reserve()
            self._server.morph(bank, preset, bundle)

    def refuse(self, bank: int, number: int) -> None:
        """Serve a bank no more: its notes loop, and nobody waits for them."""
        self._server.forget(bank)
        self.memory.fields["served"][bank] = -number

    def work(self) -> bool:
        """Do what is most urgent; False if there is nothing."""
        self._forget_outdated()
        server = self._server
        if (due := server.due) is not None:
            return self._try(due, self._serve)
        if (closed := server.to_open) is not None:
            return self._try(closed, lambda: server.open(closed))
        self._say_what_is_served()  # now that every model is open
        if (key := server.may_slide) is not None:
            return self._try(key[0], lambda: server.look_ahead(*key))
        self._rest()
        return False

    def _is_current(self, bank: int) -> bool:
        return int(self.memory.fields["asked"][bank]) == self._numbers.get(bank)

    def _rest(self) -> None:
        """Give pages back once nothing has been held for a while."""
        if self.memory.holds:
            self._held = time.monotonic()
        elif time.monotonic() > self._held + KEPT_SECONDS:
            self.memory.give_back()

    def _forget_outdated(self) -> None:
        """Leave banks that have another sound, which comes in a moment."""
        for bank in [bank for bank in self._numbers if not self._is_current(bank)]:
            self._server.forget(bank)
            del self._numbers[bank]

    def _serve(self) -> None:
        self.memory.reserve()
        self._server.serve()

    def _say_what_is_served(self) -> None:
        for bank, number in self._numbers.items():
            if self._server.serves(bank):
                self.memory.fields["served"][bank] = number

    def _try(self, bank: int, work: Callable[[], object]) -> bool:
        try:
            work()
        except (LatentkeysError, OSError, ValueError) as problem:
            self.refuse(bank, self._numbers.get(bank, 0))
            say_notice(self._key, problem)
        return True


class StreamedNotes:
    """Those of all instances."""

    def __init__(self) -> None:
        self._instances: dict[int, SharedNotes] = {}
        self._probes: dict[str, PartialsProbe] = {}
        self._bundles: dict[ModelReference, Bundle] = {}

    def take(self, order: StreamOrder) -> None:
        """Do what the service says."""
        if isinstance(order, ShareMemory):
            if order.key in self._instances:
                return  # it was told twice: while this process started
            with suppress(OSError, ValueError):  # the host is gone already
                memory = StreamMemory(order.name)
                self._instances[order.key] = SharedNotes(order.key, memory, self._probes)
            return
        notes = self._instances.get(order.key)
        if notes is None:
            return
        if isinstance(order, LeaveMemory):
            self._instances.pop(order.key).memory.close()
            return
        try:
            preset, bundle = self._read(Path(order.preset))
            if isinstance(order, MorphBank):
                notes.morph(order.bank, preset, bundle)
            else:
                notes.play(order, preset, bundle)
        except (LatentkeysError, OSError, ValueError) as problem:
            if isinstance(order, StreamBank):
                notes.refuse(order.bank, order.number)
            say_notice(order.key, problem)

    def work(self) -> bool:
        """Do the most urgent for each; False if nobody needs anything."""
        return sum(notes.work() for notes in self._instances.values()) > 0  # each has its turn

    @property
    def patience_seconds(self) -> float:
        """How long an order is waited for before the memories are looked at again."""
        held = [notes.memory for notes in self._instances.values() if notes.memory.holds]
        if any(memory.is_offline for memory in held):
            return WAITED_FOR_SECONDS
        return HELD_SECONDS if held else IDLE_SECONDS

    def _read(self, path: Path) -> tuple[Preset, Bundle]:
        preset = load_preset(path)
        if preset.model not in self._bundles:  # to hash its weights again takes 20 ms
            self._bundles[preset.model] = find_bundle(preset.model, path)
        return preset, self._bundles[preset.model]


def say_notice(key: int, problem: Exception) -> None:
    """Tell the player why held notes go round."""
    why = f"{problem.message}" if isinstance(problem, LatentkeysError) else f"{problem}"
    _say(f"NOTICE {key} Held notes go round: {why}".replace("\n", " "))


def serve() -> None:
    """Serve until the service is gone."""
    orders, notes = listen(STREAM_ORDERS), StreamedNotes()
    heart = Heart()
    while True:
        heart.worked = time.monotonic()
        try:
            order = orders.get(timeout=0.0 if notes.work() else notes.patience_seconds)
        except Empty:
            continue
        if order is None:
            return
        notes.take(order)


class Heart:
    """Say again and again that the work goes on, in a thread of its own.

    Attributes
    ----------
    worked : float
        When it last did, `time.monotonic`.
    """

    def __init__(self) -> None:
        self.worked = time.monotonic()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while True:
            if time.monotonic() < self.worked + LONGEST_SECONDS:
                _say(BEAT)
            time.sleep(BEAT_SECONDS)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the service reads it
