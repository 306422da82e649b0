"""Keep a process of ours going: start it again when it dies or hangs, within reason."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from instrument.processes.child_process import ChildProcess
from instrument.processes.heartbeat import Watch
from instrument.processes.json_lines import Failed, Notice
from instrument.realtime.memory.state import EngineState
from instrument.schema import NO_JSON

Report = TypeVar("Report")


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How often a process that dies or hangs is started again.

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


@dataclass(frozen=True, slots=True)
class Program:
    """What a supervised process runs.

    Attributes
    ----------
    name
        What the player calls it: "the partner".
    module
        See `ChildProcess`.
    beats
        Whose heartbeat in the engine block is its own.
    policy
        When to give up.
    """

    name: str
    module: str
    beats: int
    policy: RestartPolicy


class SupervisedProcess(Generic[Report]):
    """One of our processes, from the start of the session to its end.

    A room's own supervisor is a subclass: it says what `_hear`, `_clean_up` and `_resume` do.

    Parameters
    ----------
    program
        What to run.
    reports
        Reads its lines.
    state
        The engine block.
    folder
        The session's folder.
    """

    def __init__(
        self,
        program: Program,
        reports: msgspec.json.Decoder[Report],
        state: EngineState,
        folder: Path,
    ) -> None:
        self._program, self._reports = program, reports
        self._state, self._folder = state, folder
        self._restarts: deque[float] = deque(maxlen=program.policy.most)
        self._process: ChildProcess | None = None
        self._start()

    @property
    def is_there(self) -> bool:
        """It runs, or is about to be started again; false after `end` and after giving up."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The number of the process that runs at present."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """It runs at this moment."""
        return self._process is not None and self._process.exit_code is None

    def send(self, message: msgspec.Struct) -> None:
        """Tell the process something; one that is not there does not hear it."""
        if self._process:
            self._process.send(message)

    def follow(self) -> list[Report | Notice]:
        """Return what the process has said; start it again if it has died or hangs.

        Call it at least ten times a second.
        """
        process = self._process
        if not process:
            return []
        ended = process.exit_code is not None  # before the lines: its last one counts too
        said: list[Report | Notice] = list(self._decoded(process))
        if any(isinstance(report, Failed) for report in said):
            self.end()
        elif ended:
            said.extend(self._start_again(process, f"ended (exit code {process.exit_code})"))
        else:
            said.extend(self._look_after(process))
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

    def _resume(self, *, was_stuck: bool) -> Notice | None:  # noqa: ARG002 - for subclasses
        """Tell a successor what its predecessor knew, unless that is what it was stuck in."""
        return None

    def _start(self) -> None:
        self._watch = Watch(self._state, self._program.beats)
        self._is_called_slow = False
        self._process = ChildProcess(self._program.module, self._folder)

    def _decoded(self, process: ChildProcess) -> Iterator[Report]:
        for line in process.lines():
            try:
                report = self._reports.decode(line)
            except NO_JSON:  # some library's print: no reason to stop the music
                process.note(line)
                continue
            self._hear(report)
            yield report

    def _look_after(self, process: ChildProcess) -> Iterator[Notice]:
        finding = self._watch.look()
        if finding in ("silent", "stuck"):
            process.kill()
            yield from self._start_again(process, "does not answer", was_stuck=finding == "stuck")
        elif finding == "slow" and not self._is_called_slow:
            self._is_called_slow = True
            yield Notice(f"{self._program.name} is slow to answer")

    def _start_again(
        self, dead: ChildProcess, how: str, *, was_stuck: bool = False
    ) -> Iterator[Notice]:
        name, policy = self._program.name, self._program.policy
        dead.end()
        self._process = None
        self._clean_up()
        now = time.monotonic()
        is_often = len(self._restarts) == policy.most
        if is_often and (not policy.most or now - self._restarts[0] < policy.window_seconds):
            often = f"{name} {how}, {policy.most + 1} times within {policy.window_seconds:g} s"
            yield Notice(f"{often} {dead.last_words()}".rstrip(), policy.remedy)
            return
        self._restarts.append(now)
        self._start()
        yield Notice(f"{name} {how}: started it again")
        if remark := self._resume(was_stuck=was_stuck):
            yield remark
