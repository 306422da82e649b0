"""Control's end of the panel: starts it, tells it what goes on, and does what pages ask."""

from __future__ import annotations

import os
import sys
import webbrowser
from dataclasses import replace
from pathlib import Path

import msgspec
import platformdirs

from instrument.panel.access import lasting_token
from instrument.panel.link_messages import (
    REPORTS,
    Devices,
    NowPlaying,
    PanelSettings,
    Report,
    Serving,
)
from instrument.partner.messages import KnobLearned, View
from instrument.processes.json_lines import Notice
from instrument.processes.supervised_process import Program, RestartPolicy, SupervisedProcess
from instrument.realtime.state import LET_GO, PANEL_BEATS, PANEL_SOURCE, EngineState
from instrument.session.status_line import Situation

PROGRAM = Program(
    name="the panel",
    module="instrument.panel.process",
    beats=PANEL_BEATS,
    policy=RestartPolicy(
        most=3,
        window_seconds=60.0,
        remedy="The music goes on without it; --no-panel leaves it out.",
    ),
)


class PanelProcess(SupervisedProcess[Report]):
    """Keep a panel going.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder.
    host, port
        Where it listens; port 0 takes the usual one or any.
    osc_port
        Where it listens for OSC; 0: nowhere.
    """

    def __init__(
        self, state: EngineState, folder: Path, host: str, port: int, osc_port: int = 0
    ) -> None:
        token = lasting_token(platformdirs.user_state_path("latentkeys") / "panel-token")
        self._settings = PanelSettings(host, port, token, osc_port)
        self._settings.save(folder)
        self._situation = NowPlaying()
        super().__init__(PROGRAM, REPORTS, state, folder)

    def tell(self, message: NowPlaying | Notice | View | KnobLearned | Devices) -> None:
        """Tell the panel what goes on."""
        if isinstance(message, NowPlaying):
            if message == self._situation:
                return
            self._situation = message
        self.send(message)

    def show(self, shown: Situation, more: NowPlaying) -> None:
        """Tell the panel what the status line shows, and what it does not."""
        recording = None if shown.recording is None else float(int(shown.recording))
        self.tell(
            msgspec.structs.replace(
                more,
                notes=shown.notes,
                provider=shown.provider,
                output=shown.output,
                block_frames=shown.block_frames,
                rate_hz=self._state.rate_hz,
                latency_seconds=shown.latency_seconds,
                recording=recording,
            )
        )

    def _hear(self, report: Report) -> None:
        if isinstance(report, Serving):  # another one has to be found at the same place
            self._settings = replace(self._settings, port=report.port)
            self._settings.save(self._folder)
            self.send(self._situation)

    def _clean_up(self) -> None:
        """Let go of the keys that were held on its pages."""
        self._state.command(LET_GO, PANEL_SOURCE)


def has_display() -> bool:
    """Tell whether a browser could be seen here."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_browser(address: str) -> None:
    """Show the panel, where there is a display; whatever goes wrong, the address is printed."""
    if has_display():
        webbrowser.open(address)
