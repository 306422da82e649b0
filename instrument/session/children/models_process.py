"""Control's end of the models process: asks it for tones, and again when it had to be restarted."""

from __future__ import annotations

from pathlib import Path

import msgspec

from instrument.preset.banks import LoadedPreset
from instrument.processes.json_lines import Notice
from instrument.processes.supervised_process import Program, RestartPolicy, SupervisedProcess
from instrument.realtime.memory.constants import MODELS_BEATS
from instrument.realtime.memory.state import EngineState
from instrument.rendering.messages import REPORTS, Fill, Hold, Report, TableFailed, TableReady

PROGRAM = Program(
    name="the models process",
    module="instrument.rendering.process",
    beats=MODELS_BEATS,
    policy=RestartPolicy(
        most=5,
        window_seconds=60.0,
        remedy="What is rendered goes on sounding. Choose another preset and start again.",
    ),
)
TONE_SECONDS = 3.0
"""A graph that takes longer for its tones is taken for one that never returns ..."""
SLOW_TONE_SECONDS = 15.0
"""... and is tried once more: the machine may be slow."""


class ModelsProcess(SupervisedProcess[Report]):
    """Keep a models process going and ask it for the tones of presets.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder.
    server
        Where tones are rendered, as `instrument.remote.address` reads it; here when empty.
    """

    def __init__(self, state: EngineState, folder: Path, server: str = "") -> None:
        super().__init__(PROGRAM, REPORTS, state, folder)
        self._server = server
        self._request: Fill | None = None  # until its table is ready
        self._filled: dict[int, str] = {}  # whose tones were last asked for, by bank

    def fill(
        self, loaded: LoadedPreset, *, is_fresh: bool = False, carries_from: int | None = None
    ) -> None:
        """Ask for a preset's tones; another table that is not complete yet is left for later.

        Parameters
        ----------
        is_fresh
            The bank held another preset until now.
        carries_from
            A bank whose held notes are to go over to this preset.
        """
        path = self._filled[loaded.bank] = str(loaded.path.resolve())
        self._request = Fill(loaded.bank, path, is_fresh, TONE_SECONDS, self._server, carries_from)
        self.send(self._request)

    def _hear(self, report: Report) -> None:
        request = self._request
        if request is None or isinstance(report, Notice) or report.bank != request.bank:
            return
        done = isinstance(report, (TableReady, TableFailed))
        self._request = (
            None if done else msgspec.structs.replace(request, is_fresh=False, carries_from=None)
        )

    def _resume(self, *, was_stuck: bool) -> Notice | None:
        request = self._request
        for bank, preset in self._filled.items():
            if request is None or bank != request.bank:
                self.send(Hold(bank, preset))
        if request is None:
            return None
        if was_stuck and request.limit_seconds >= SLOW_TONE_SECONDS:
            self._request = None
            return Notice(
                f'the model of "{Path(request.preset).stem}" does not return: it is left alone',
                "The built-in tone sounds in its place. Choose another preset.",
            )
        limit = SLOW_TONE_SECONDS if was_stuck else request.limit_seconds
        self._request = msgspec.structs.replace(request, limit_seconds=limit)
        self.send(self._request)
        return None
