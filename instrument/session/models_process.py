"""Control's end of the models process: asks it for tones, and again when it had to be restarted."""

from __future__ import annotations

from pathlib import Path

import msgspec

from instrument.preset.banks import LoadedPreset
from instrument.processes.json_lines import Notice
from instrument.processes.supervised_process import RestartPolicy, SupervisedProcess
from instrument.rendering.messages import REPORTS, Fill, Report, TableFailed, TableReady

MODULE = "instrument.rendering.process"
POLICY = RestartPolicy(
    most=5,
    window_seconds=60.0,
    remedy="What is rendered goes on sounding. Choose another preset and start again.",
)


class ModelsProcess(SupervisedProcess[Report]):
    """Keep a models process going and ask it for the tones of presets.

    Parameters
    ----------
    folder
        The session's folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("the models process", MODULE, folder, REPORTS, POLICY)
        self._request: Fill | None = None  # until its table is ready

    def fill(self, loaded: LoadedPreset, *, is_fresh: bool = False) -> None:
        """Ask for a preset's tones; another table that is not complete yet is left for later.

        Parameters
        ----------
        is_fresh
            The bank held another preset until now.
        """
        self._request = Fill(loaded.bank, str(loaded.path.resolve()), is_fresh)
        self.send(self._request)

    def _hear(self, report: Report) -> None:
        """Know what a successor would have to be asked for."""
        request = self._request
        if request is None or isinstance(report, Notice) or report.bank != request.bank:
            return
        done = isinstance(report, (TableReady, TableFailed))
        self._request = None if done else msgspec.structs.replace(request, is_fresh=False)

    def _resume(self) -> None:
        if self._request:
            self.send(self._request)
