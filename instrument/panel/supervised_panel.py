"""A panel's process as whoever shows something sees it: control, or the plug-in's service."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from instrument.panel.messages.link import (
    REPORTS,
    FromControl,
    NowPlaying,
    PanelSettings,
    Report,
    Serving,
)
from instrument.processes.supervised_process import Program, RestartPolicy, SupervisedProcess
from instrument.realtime.memory.constants import LET_GO, PANEL_BEATS, PANEL_SOURCE
from instrument.realtime.memory.state import EngineState

_TOKEN_BYTES = 24


def panel_program(remedy: str) -> Program:
    """Return what runs; `remedy` says what to do when it dies again and again."""
    policy = RestartPolicy(most=3, window_seconds=60.0, remedy=remedy)
    return Program("the panel", "instrument.panel.process", PANEL_BEATS, policy)


class SupervisedPanel(SupervisedProcess[Report]):
    """Keep a panel going.

    Parameters
    ----------
    state
        The engine block, or what stands for it.
    folder
        The session's folder.
    settings
        Where it listens, and the token that it asks for.
    remedy
        See `panel_program`.
    """

    def __init__(
        self, state: EngineState, folder: Path, settings: PanelSettings, remedy: str
    ) -> None:
        self._settings = settings
        self._settings.save(folder)
        self._situation = NowPlaying()
        super().__init__(panel_program(remedy), REPORTS, state, folder)

    def tell(self, message: FromControl) -> None:
        """Tell the panel what goes on."""
        if isinstance(message, NowPlaying):
            if message == self._situation:
                return
            self._situation = message
        self.send(message)

    def assume(self, message: NowPlaying) -> None:
        """Take it that this is known: a page has asked for it. A panel that follows is told."""
        self._situation = message

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


def open_browser(address: str) -> bool:
    """Show the panel where there is a display; tell whether a browser took the address."""
    import webbrowser  # when the panel can be reached

    return has_display() and webbrowser.open(address)


def lasting_token(path: Path) -> str:
    """Return the token of this user's panels, so that a page comes back after a new start.

    Parameters
    ----------
    path
        Where it is kept, for the user alone; made when it is not there.
    """
    with suppress(OSError):
        kept = path.read_text(encoding="ascii").strip()
        if len(kept) >= _TOKEN_BYTES:
            return kept
    import secrets  # seldom needed

    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with suppress(OSError):  # then it lasts as long as this session
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(token, encoding="ascii")
    return token
