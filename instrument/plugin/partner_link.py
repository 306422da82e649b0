"""From the service to an instance's partner: a process that is replaced when it dies or hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MOST_TRIES = 3
"""Partners in a row that have not answered anything."""
MUSIC = ("PLAY ", "LIVED ", "NOTICE ")


class PartnerLink:
    """Start a partner and pass on what it says; the plug-in begins another run with each one.

    Parameters
    ----------
    preset
        Whose ``[partner]`` it is.
    rate_hz
        The host's.
    say
        Takes lines for the plug-in, on a thread of this object's.
    see
        Takes views of what it does, as JSON, once `look` was called.
    """

    def __init__(
        self,
        preset: Path,
        rate_hz: int,
        say: Callable[[str], None],
        see: Callable[[str], None],
    ) -> None:
        self._command = [
            *(sys.executable, "-m", "instrument.plugin.partner_process"),
            *(str(preset), str(rate_hz)),
        ]
        self._say, self._see = say, see
        self._is_watched = False
        self._process: subprocess.Popen[str] | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def tell(self, lines: str) -> None:
        """Pass on what the audio thread has heard; a partner that takes nothing is ended."""
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            os.write(process.stdin.fileno(), lines.encode())  # whole, or refused: it is short
        except BlockingIOError:
            process.kill()
        except (OSError, ValueError):
            pass  # it has ended: `_run` sees to it

    def look(self) -> None:
        """Have it say what it does, from now on."""
        self._is_watched = True
        self.tell("LOOK 1\n")

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            self._is_closed = True
            process = self._process
        if process:
            process.kill()

    def _run(self) -> None:
        tries = 0
        while tries < MOST_TRIES and not self._is_closed:
            tries = 0 if self._serve_once() else tries + 1
            if not self._is_closed:
                self._tell_host("PARTNER_GONE")
        if not self._is_closed:
            self._tell_host(
                "PARTNER_FAILED The partner dies again and again. Choose another preset"
            )

    def _serve_once(self) -> bool:
        """Run one process; tell whether it has lived through anything."""
        has_lived = False
        with self._lock:
            if self._is_closed:
                return True
            self._process = process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        with process:
            assert process.stdin and process.stdout
            if hasattr(os, "set_blocking"):
                os.set_blocking(process.stdin.fileno(), False)
            for line in process.stdout:
                line = line.rstrip("\n")
                has_lived = has_lived or line.startswith("LIVED")
                if line.startswith(MUSIC):
                    self._tell_host(line)
                elif line.startswith("VIEW "):
                    self._see(line.removeprefix("VIEW "))
                elif line == "READY":
                    if self._is_watched:
                        self.look()
                    self._tell_host("PARTNER_READY")
                elif line.startswith("FAILED "):
                    self._tell_host(f"PARTNER_{line}")
                    self._is_closed = True
            process.kill()
        return has_lived

    def _tell_host(self, line: str) -> None:
        with suppress(OSError):
            self._say(line)
