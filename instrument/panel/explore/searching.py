"""The panel's end of the search process: what is looked for, how far it is, what was found.

The process begins with the first wish and ends when nothing has been wished for a while.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from instrument.bundle.bundle import Bundle
from instrument.errors import PresetError
from instrument.latents.search_messages import (
    FINDINGS,
    ComeNear,
    Draw,
    Finding,
    NothingFound,
    Progress,
    Wish,
)
from instrument.panel.messages.news import Search
from instrument.processes.child_process import ChildProcess
from instrument.schema import NO_JSON

MODULE = "instrument.latents.search_process"
IDLE_SECONDS = 30.0
LONGEST_SECONDS = 300.0
MOST_BYTES = 64 * 2**20
"""Of a recording: only its first ten seconds count."""
_DIED = NothingFound("the search has ended before it found anything", "Try once more.")
_LONG = NothingFound("the search takes too long on this machine", "Try it with a shorter note.")


class Searching:
    """Look for sounds, one at a time.

    Parameters
    ----------
    folder
        For the recording and the process's log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._process: ChildProcess | None = None
        self._asked_at = 0.0
        self._found: Callable[[Finding], None] | None = None
        self.shown = Search("nothing")

    @property
    def recording(self) -> Path:
        """Where the recording lies that is looked for."""
        return self._folder / "recording"

    @property
    def is_busy(self) -> bool:
        """Something is looked for."""
        return self._found is not None

    def draw(self, wish: Draw, found: Callable[[Finding], None]) -> None:
        """Look for a sound that can be played.

        Parameters
        ----------
        found
            Called by `follow` with what was found.

        Raises
        ------
        PresetError
            Something else is looked for at present.
        """
        self.ask(wish, found)
        self.shown = Search("drawing")

    def come_near(
        self, bundle: Bundle, name: str, pitch: int | None, found: Callable[[Finding], None]
    ) -> None:
        """Look for the sound that is nearest to `recording`.

        Raises
        ------
        PresetError
            Something else is looked for at present.
        """
        self.ask(ComeNear(str(bundle.path), str(self.recording), pitch), found)
        self.shown = Search("searching", name=name)

    def stop(self) -> None:
        """Look no longer."""
        if self._process:
            self._process.kill()
            self._process.end()
        self._process = self._found = None
        self.shown = Search("nothing")

    def follow(self) -> bool:
        """Hear how far it is; true if the pages should be told."""
        process = self._process
        if process is None:
            return False
        before, seconds = self.shown, time.monotonic() - self._asked_at
        died = process.exit_code is not None
        for line in process.lines():
            self._hear(line)
        if self._found and (died or seconds > LONGEST_SECONDS):
            self._give(_DIED if died else _LONG)
            self._end()
        elif not self._found and seconds > IDLE_SECONDS:
            self._end()
        return self.shown != before

    def ask(self, wish: Wish, found: Callable[[Finding], None]) -> None:
        """Let something be looked for; nothing is shown of it.

        Parameters
        ----------
        found
            Called by `follow` with what was found.

        Raises
        ------
        PresetError
            Something else is looked for at present.
        """
        if self._found:
            raise PresetError("another sound is looked for at present", "Wait, or press Cancel.")
        if self._process is None or self._process.exit_code is not None:
            self._process = ChildProcess(MODULE, self._folder)
        self._process.send(wish)
        self._found, self._asked_at = found, time.monotonic()

    def _hear(self, line: bytes) -> None:
        try:
            finding = FINDINGS.decode(line)
        except NO_JSON:
            return  # some library's print
        if isinstance(finding, Progress):
            self.shown = Search("searching", name=self.shown.name, share=round(finding.share, 2))
        else:
            self._give(finding)

    def _give(self, finding: Finding) -> None:
        found, self._found = self._found, None
        self._asked_at = time.monotonic()
        if found is None:
            return
        if isinstance(finding, NothingFound):
            name = re.escape(str(self.recording))
            finding = NothingFound(
                re.sub(name, lambda _: self.shown.name, finding.message), finding.remedy
            )
        found(finding)

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.end()
            self._process = None
