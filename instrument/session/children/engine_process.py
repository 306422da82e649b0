"""Control's end of the engine: starts it, and starts another one if it dies or hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from instrument.engine.messages import REPORTS, Ended, Ready, Report
from instrument.errors import DeviceError, EngineError
from instrument.processes.child_process import ChildProcess
from instrument.processes.json_lines import Failed, Notice
from instrument.processes.supervised_process import Program, RestartPolicy, SupervisedProcess
from instrument.realtime.memory.constants import ENGINE_BEATS, FADE_OUT
from instrument.realtime.memory.state import EngineState

PROGRAM = Program(
    name="the engine",
    module="instrument.engine.process",
    beats=ENGINE_BEATS,
    policy=RestartPolicy(
        most=3, window_seconds=60.0, remedy="Please report this, with what you did before."
    ),
)


FADE_SECONDS = 1.5


class EngineProcess(SupervisedProcess[Report]):
    """Keep an engine going; held notes end with one that dies.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder, with the engine's settings.
    """

    def __init__(self, state: EngineState, folder: Path) -> None:
        self._has_played = self._has_ended = False
        self._reopens_at: float | None = None
        super().__init__(PROGRAM, REPORTS, state, folder)

    def reopen(self) -> None:
        """Let the engine fade out, and another one open what is written in its settings by then."""
        self._reopens_at = time.monotonic() + FADE_SECONDS
        self._state.command(FADE_OUT)

    def follow(self) -> list[Report | Notice]:
        """Return what the engine has said; start another one if it has died or hangs.

        Raises
        ------
        DeviceError
            The device that was asked for cannot be opened.
        EngineError
            It cannot start, it has died too often, or somebody else has ended it.
        """
        if self._reopens_at is not None:
            return self._follow_reopening()
        said = super().follow()
        for report in said:
            if isinstance(report, Failed):
                raise DeviceError(report.message, report.remedy)
        if self._has_ended:
            raise EngineError("the engine was ended by another program")
        if not self.is_there:
            trouble = said[-1]
            assert isinstance(trouble, Notice)
            raise EngineError(trouble.message, trouble.remedy)
        return said

    def _follow_reopening(self) -> list[Report | Notice]:
        """Wait for the old engine's end, but not for long."""
        process = self._process
        assert process and self._reopens_at is not None
        if process.exit_code is None and time.monotonic() < self._reopens_at:
            return []
        process.kill()
        process.end()
        self._reopens_at = None
        self._start()
        return []

    def _start_again(
        self, dead: ChildProcess, how: str, *, was_stuck: bool = False
    ) -> Iterator[Notice]:
        if not self._has_played:
            dead.end()
            raise EngineError(f"the engine {how} before it could play {dead.last_words()}".rstrip())
        yield from super()._start_again(dead, how, was_stuck=was_stuck)

    def _hear(self, report: Report) -> None:
        self._has_played |= isinstance(report, Ready)
        self._has_ended |= isinstance(report, Ended)
