"""The models process: renders the tones of presets into the tone table, away from the audio.

In: `Fill` requests from control on stdin. Out: slots of ``tones.bin``, and reports on stdout. It
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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from instrument.errors import FileError, LatentkeysError
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Notice, listen, say
from instrument.realtime.state import MODELS_BEATS, EngineState
from instrument.rendering.messages import (
    FILLS,
    AttacksReady,
    Fill,
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
        requests: SimpleQueue[Fill | None],
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
            is_looked_after = self._supply.on_gpu or self._supply.is_remote
            beat = HEARTBEAT_SECONDS if is_looked_after else None
            try:
                request = self._requests.get(block=self._filling is None, timeout=beat)
            except Empty:
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
            self._filling = None
            try:
                with self._heart.opening(OPENING_SECONDS):
                    self._begin(request)
            except LatentkeysError as problem:
                self._say(TableFailed(request.bank, problem.message, problem.remedy))

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
    Models(state, listen(FILLS), heart=heart).serve()


if __name__ == "__main__":
    main()
