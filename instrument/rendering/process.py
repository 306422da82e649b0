"""The models process: renders the tones of presets into the tone table, away from the audio.

In: `Fill` requests from control on stdin, and held notes that ask to go on (`stream_server`). Out:
slots of ``tones.bin``, what held notes read from ``streams.bin``, and reports on stdout. It
may be slow, and it may die: what it has published keeps sounding, and its successor goes on where
it stopped. It ends when its stdin does, that is, with control.

One thread renders; a second one only waits for stdin. onnxruntime is imported when a preset is not
in the cache, which makes a second start fast.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from instrument.errors import FileError, LatentkeysError
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Notice, listen, say
from instrument.realtime.memory.constants import MODELS_BEATS
from instrument.realtime.memory.state import EngineState
from instrument.rendering.messages import (
    REQUESTS,
    AttacksReady,
    Fill,
    Hold,
    Opened,
    Report,
    TableFailed,
    TableReady,
)
from instrument.rendering.table_source import OpenTable, ToneTables

NICENESS = 5
_POLL_SECONDS = 0.002
HEARTBEAT_SECONDS = 0.25
"""A GPU that renders nothing for longer may lower its clocks."""
OPENING_SECONDS = 60.0
"""Reading a model and its runtime from a slow disk, and waiting for the engine's device."""
STREAM_SECONDS = 3.0
"""Half a second of one note takes 3 ms."""
STREAM_POLL_SECONDS = 0.015
"""A note asks a second before it needs anything, its slide 80 ms before."""
PLAYED_SECONDS = 30.0
"""So long after the last key, nobody is expected to want another preset at once."""


@dataclass(slots=True)
class _Filling:
    """A table that is being rendered, and since when."""

    table: OpenTable
    started: float  # time.monotonic()
    limit_seconds: float
    attacks_are_told: bool = False


class Models:
    """Serve control's requests, the latest one first.

    Parameters
    ----------
    state
        The engine block.
    requests
        Requests as they arrive; None means that control is gone.
    supply
        Where tones come from; made when not given.
    report
        Takes what is to be said; it is printed for control when not given.
    heart
        Shows whether this goes on; made when not given.
    """

    def __init__(
        self,
        state: EngineState,
        requests: SimpleQueue[Fill | Hold | None],
        supply: ToneTables | None = None,
        report: Callable[[Report], None] = say,
        heart: Heartbeat | None = None,
    ) -> None:
        self._state = state
        self._say = report
        self._supply = supply or ToneTables(state)
        self._requests = requests
        self._filling: _Filling | None = None
        self._opened: OpenTable | None = None  # the latest
        self._told = "", ""  # where it renders, and the notice
        self._heart = heart or Heartbeat(state, MODELS_BEATS)

    def serve(self) -> None:
        """Render until control is gone."""
        while True:
            try:
                request = self._requests.get(self._filling is None, self._patience)
            except Empty:
                if self._go_on_streaming():
                    continue
                if self._filling:
                    self._heart.work(self._filling.limit_seconds)
                    self._render_one_step()
                    self._heart.rest()
                elif self._is_played:
                    self._supply.keep_awake()
                self._tell_where()
                continue
            if request is None:
                return
            if isinstance(request, Hold):
                self._hold(request)
                continue
            self._filling = None
            try:
                with self._heart.opening(OPENING_SECONDS):
                    self._begin(request)
            except LatentkeysError as problem:
                self._say(TableFailed(request.bank, problem.message, problem.remedy))

    @property
    def _patience(self) -> float | None:
        """How long a request is waited for, where nothing else is to be done."""
        if self._supply.streams.is_needed:
            return STREAM_POLL_SECONDS
        is_looked_after = self._supply.on_gpu or self._supply.is_remote
        return HEARTBEAT_SECONDS if is_looked_after else None

    def _hold(self, request: Hold) -> None:
        with suppress(LatentkeysError), self._heart.opening(OPENING_SECONDS):
            self._supply.hold(request.bank, Path(request.preset))

    def _go_on_streaming(self) -> bool:
        """Render what a held note needs; False if there is nothing to do."""
        streams = self._supply.streams
        bank = streams.due
        if bank is None and not self._filling:
            bank = streams.to_open  # before anybody needs it
            if bank is not None:
                return self._try_streaming(bank, lambda: streams.open(bank))
            key = streams.may_slide
            return key is not None and self._try_streaming(key[0], lambda: streams.look_ahead(*key))
        return bank is not None and self._try_streaming(bank, streams.serve)

    def _try_streaming(self, bank: int, work: Callable[[], object]) -> bool:
        """Do some work for a bank's held notes; if it fails, they loop and the player is told."""
        is_open = self._supply.streams.to_open != bank
        try:
            with self._heart.opening(OPENING_SECONDS) if not is_open else nullcontext():
                self._heart.work(STREAM_SECONDS if is_open else OPENING_SECONDS)
                work()
        except LatentkeysError as problem:
            self._supply.streams.forget(bank)
            self._say(Notice(problem.message, "Held notes go round instead of being rendered on."))
        self._heart.rest()
        return True

    @property
    def _is_played(self) -> bool:
        rested = self._state.clock - int(self._state.meters["last_event_frame"])
        return rested < PLAYED_SECONDS * self._state.rate_hz

    def _begin(self, request: Fill) -> None:
        started = time.monotonic()
        path = Path(request.preset)
        self._supply.render_at(request.server)
        if not self._state.rate_hz:  # the engine is still opening its device: use the time
            self._supply.prepare(path)
            self._wait_for_rate()
        if not self._state.rate_hz:
            return  # the next request, or the end, has come first
        if request.is_fresh:  # control has cleared it, but one of our tones may have come after
            self._state.clear_bank(request.bank)
        if request.carries_from is not None and self._supply.streams.is_needed:
            self._supply.morph(request.carries_from, path)
        table = self._supply.begin(request.bank, path)
        if table is None:
            self._say(TableReady(request.bank, time.monotonic() - started, "cache"))
            return
        self._opened, self._told = table, ("", self._told[1])
        self._tell_where()
        self._filling = _Filling(table, started, request.limit_seconds)

    def _tell_where(self) -> None:
        """Say where tones are rendered if that has changed, and each notice once."""
        table = self._opened
        if table is None or (where := (table.provider, table.notice)) == self._told:
            return
        notice = where[1] if where[1] != self._told[1] else ""
        self._told = where
        self._say(Opened(table.bank, where[0], notice))

    def _wait_for_rate(self) -> None:
        while not self._state.rate_hz and self._requests.empty():
            time.sleep(_POLL_SECONDS)

    def _render_one_step(self) -> None:
        filling = self._filling
        assert filling
        table = filling.table
        try:
            job = table.filler.step()
        except LatentkeysError as problem:  # its graphs fail or do not answer
            self._filling = None
            remedy = f"{problem.remedy} The built-in tone stands in for what is missing.".strip()
            self._say(Notice(problem.message, remedy))
            return
        seconds = time.monotonic() - filling.started
        if not filling.attacks_are_told and table.filler.attacks_are_ready:
            filling.attacks_are_told = True
            self._say(AttacksReady(table.bank, seconds))
        if job is None:
            self._filling = None
            self._say(TableReady(table.bank, seconds, "model"))
            with self._heart.opening(OPENING_SECONDS):
                self._keep(table)

    def _keep(self, table: OpenTable) -> None:
        try:
            self._supply.keep(table)
        except FileError as problem:
            remedy = "Playing goes on; the preset will be rendered again next time."
            self._say(Notice(problem.message, remedy))


def main() -> None:
    """Entry point of the process: ``python -m instrument.rendering.process SESSION_DIR``."""
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)  # Windows has none
    folder = Path(sys.argv[1])
    state = EngineState.attach(folder)
    heart = Heartbeat(state, MODELS_BEATS, folder).start()
    Models(state, listen(REQUESTS), heart=heart).serve()


if __name__ == "__main__":
    main()
