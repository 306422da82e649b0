"""Keep a process of ours going: hear it, and start it again when it dies, within reason."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from instrument.processes.child_process import ChildProcess
from instrument.processes.json_lines import Failed, Notice

Report = TypeVar("Report")


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often a process that dies is started again.

    Attributes
    ----------
    most, window_seconds
        More restarts than `most` within this time, and something is wrong that no restart cures.
    remedy
        What the player can do then.
    """

    most: int
    window_seconds: float
    remedy: str


class SupervisedProcess(Generic[Report]):
    """One of our processes, from the start of the session to its end.

    A room's own supervisor is a subclass: it says what `_hear`, `_clean_up` and `_resume` do.

    Parameters
    ----------
    name
        What the player calls it: "the partner".
    module
        What to run, see `ChildProcess`.
    folder
        The session's folder.
    reports
        Reads its lines.
    policy
        When to give up.
    """

    def __init__(
        self,
        name: str,
        module: str,
        folder: Path,
        reports: msgspec.json.Decoder[Report],
        policy: RestartPolicy,
    ) -> None:
        self.name = name
        self._module, self._folder = module, folder
        self._reports, self._policy = reports, policy
        self._restarts: deque[float] = deque(maxlen=policy.most)
        self._process: ChildProcess | None = ChildProcess(module, folder)

    def send(self, message: msgspec.Struct) -> None:
        """Tell the process something; one that is not there does not hear it."""
        if self._process:
            self._process.send(message)

    def follow(self) -> list[Report | Notice]:
        """Return what the process has said; start it again if it has died. Call it often."""
        if not self._process:
            return []
        ended = self._process.exit_code is not None  # before the lines: its last one counts too
        said: list[Report | Notice] = list(self._decoded(self._process))
        if any(isinstance(report, Failed) for report in said):
            self.end()
        elif ended:
            said.append(self._start_again(self._process))
        return said

    def end(self) -> None:
        """Let the process end: it does when its stdin closes."""
        if self._process:
            self._process.end()
            self._process = None
            self._clean_up()

    def _hear(self, report: Report) -> None:
        """Remember of a report what a successor will have to be told."""

    def _clean_up(self) -> None:
        """Put in order what the process that has just ended left behind."""

    def _resume(self) -> None:
        """Tell a successor what its predecessor knew."""

    def _decoded(self, process: ChildProcess) -> list[Report]:
        reports = []
        for line in process.lines():
            try:
                report = self._reports.decode(line)
            except msgspec.DecodeError:  # some library's print: no reason to stop the music
                process.note(line)
                continue
            self._hear(report)
            reports.append(report)
        return reports

    def _start_again(self, dead: ChildProcess) -> Notice:
        code, last_words = dead.exit_code, dead.last_words()
        dead.end()
        self._process = None
        self._clean_up()
        now = time.monotonic()
        has_tried_often = len(self._restarts) == self._policy.most
        if has_tried_often and now - self._restarts[0] < self._policy.window_seconds:
            why = f"{self.name} keeps dying (exit code {code}) {last_words}".rstrip()
            return Notice(why, self._policy.remedy)
        self._restarts.append(now)
        self._process = ChildProcess(self._module, self._folder)
        self._resume()
        return Notice(f"{self.name} ended (exit code {code}): started it again")
