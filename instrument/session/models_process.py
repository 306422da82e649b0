"""Control's end of the models process: asks it for notes, and starts it again when it dies."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from instrument.preset.banks import LoadedPreset
from instrument.rendering.messages import (
    Failed,
    Fill,
    Notice,
    Report,
    TableReady,
    decode_report,
    encode,
)
from instrument.session.child_process import ChildProcess

MODULE = "instrument.rendering.process"
MOST_RESTARTS = 5
RESTARTS_WINDOW_SECONDS = 60.0
"""More restarts than that within this time, and something is wrong that restarting cannot cure."""


class ModelsProcess:
    """Keep a models process going and ask it for the notes of presets.

    Parameters
    ----------
    folder
        The session's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: ChildProcess | None = ChildProcess(MODULE, folder)
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._request: Fill | None = None  # until its table is ready

    def fill(self, loaded: LoadedPreset, *, is_fresh: bool = False) -> None:
        """Ask for a preset's notes; another table that is not complete yet is left for later.

        Parameters
        ----------
        is_fresh
            The bank held another preset until now.
        """
        self._request = Fill(loaded.bank, str(loaded.path.resolve()), is_fresh)
        if self._process:
            self._process.send(encode(self._request))

    def follow(self) -> Iterator[Report]:
        """Yield what the process has said; start it again if it has died. Call it often."""
        if not self._process:
            return
        ended = self._process.exit_code is not None
        for line in self._process.lines():
            report = decode_report(line)
            self._follow_request(report)
            yield report
        if ended:
            yield self._start_again()

    def _follow_request(self, report: Report) -> None:
        """Know what a successor would have to be asked for."""
        request = self._request
        if request is None or isinstance(report, Notice) or report.bank != request.bank:
            return
        done = isinstance(report, (TableReady, Failed))
        self._request = None if done else msgspec.structs.replace(request, is_fresh=False)

    def _start_again(self) -> Notice:
        assert self._process
        code, last_words = self._process.exit_code, self._process.last_words()
        self._process.end()
        now = time.monotonic()
        has_tried_often = len(self._restarts) == MOST_RESTARTS
        if has_tried_often and now - self._restarts[0] < RESTARTS_WINDOW_SECONDS:
            self._process = None
            return Notice(
                f"the models process keeps dying (exit code {code}) {last_words}".rstrip(),
                "What is rendered goes on sounding. Choose another preset and start again.",
            )
        self._restarts.append(now)
        self._process = ChildProcess(MODULE, self._folder)
        if self._request:
            self._process.send(encode(self._request))
        return Notice(f"the models process ended (exit code {code}): started it again", "")

    def end(self) -> None:
        """Let the process end: it does when its stdin closes."""
        if self._process:
            self._process.end()
            self._process = None
