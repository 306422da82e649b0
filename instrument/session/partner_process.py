"""Control's end of the partner's process: starts it, hears it, and cleans up when it dies."""

from __future__ import annotations

from pathlib import Path

from instrument.midi.messages import ALL_NOTES_OFF, control_change
from instrument.partner.messages import (
    Command,
    Failed,
    Notice,
    Report,
    SessionSettings,
    decode_report,
    encode,
)
from instrument.partner.settings import HAND_OVER_SECONDS
from instrument.realtime.state import TO_OUT, TO_VOICES, EngineState
from instrument.session.child_process import ChildProcess

MODULE = "instrument.partner.process"
MOST_RESTARTS = 3


class PartnerProcess:
    """Keep a partner going.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder.
    settings
        What the player chose.
    """

    def __init__(self, state: EngineState, folder: Path, settings: SessionSettings) -> None:
        self._state, self._folder, self._settings = state, folder, settings
        settings.save(folder)
        self._process: ChildProcess | None = ChildProcess(MODULE, folder)
        self._restarts = 0

    def ask(self, command: Command) -> None:
        """Pass on what the player asks for."""
        if self._process:
            self._process.send(encode(command))

    def follow(self) -> list[Report]:
        """Return what the process has said; start it again if it has died. Call it often."""
        if not self._process:
            return []
        ended = self._process.exit_code is not None
        reports = [decode_report(line) for line in self._process.lines()]
        if any(isinstance(report, Failed) for report in reports):
            self.end()
        elif ended:
            reports.append(self._start_again())
        return reports

    def _start_again(self) -> Notice:
        assert self._process
        code, last_words = self._process.exit_code, self._process.last_words()
        self._process.end()
        self._release()
        self._restarts += 1
        if self._restarts > MOST_RESTARTS:
            self._process = None
            return Notice(
                f"the partner keeps dying (exit code {code}) {last_words}".rstrip(),
                "You play on alone. Start again with another --model.",
            )
        self._process = ChildProcess(MODULE, self._folder)
        return Notice(f"the partner ended (exit code {code}): started it again", "")

    def _release(self) -> None:
        """Let its notes go: it can no longer do so itself. Some may be about to begin."""
        partner = self._settings.partner
        later = self._state.clock + round(2 * HAND_OVER_SECONDS * self._state.rate_hz)
        for to, channels in ((TO_VOICES, partner.channels), (TO_OUT, partner.out_channels)):
            for channel in channels:
                message = control_change(ALL_NOTES_OFF, 0, channel)
                for frame in (-1, later):
                    self._state.control_ring.push(frame, *message, value=to)

    def end(self) -> None:
        """Let the process end: it does when its stdin closes."""
        if self._process:
            self._process.end()
            self._process = None
            self._release()
