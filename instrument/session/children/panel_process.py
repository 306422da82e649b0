"""Control's end of the panel: starts it, and tells it what the status line shows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import platformdirs

from instrument.panel.messages.link import NowPlaying, PanelSettings
from instrument.panel.supervised_panel import SupervisedPanel, lasting_token
from instrument.realtime.memory.state import EngineState
from instrument.session.terminal.status_line import Situation


class PanelProcess(SupervisedPanel):
    """Keep a session's panel going.

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
        settings = PanelSettings(host, port, token, osc_port)
        remedy = "The music goes on without it; --no-panel leaves it out."
        super().__init__(state, folder, settings, remedy)

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
