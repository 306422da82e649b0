"""The instrument as a user starts it, watched from outside through its session's memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil

from instrument.bench.peers.child import PeerMissing
from instrument.realtime.compiled.machine_code import load_machine_code
from instrument.realtime.memory.constants import BUILT_IN_BANK, LOWEST_PITCH
from instrument.realtime.memory.state import EngineState

POLL_SECONDS = 0.001
_PANEL = "instrument.panel.process"
_ROLES = {"engine": "instrument.engine.process", "models": "instrument.rendering.process"}
_JACK_MEMORY = "/dev/shm/jack"  # noqa: S108 - a prefix to recognise, not a file to write
T = TypeVar("T")


class LiveInstrument:
    """``latentkeys play`` with its three processes.

    Attributes
    ----------
    started : float
        `time.perf_counter` just before the command was given.
    """

    def __init__(self, command: subprocess.Popen[bytes], words: Path, started: float) -> None:
        self.started = started
        self._command = command
        self._words = words
        self._state: EngineState | None = None

    @property
    def state(self) -> EngineState:
        """The engine's memory, attached once it is there."""
        if self._state is None:
            self._state = self.wait_for(self._attach, "the engine's memory", 20.0)
        return self._state

    def has_note(self, pitch: int) -> float | None:
        """Return the seconds since the command if the playing preset's note is rendered."""
        return self.has_notes([pitch])

    def has_notes(self, pitches: Sequence[int], *, are_whole: bool = False) -> float | None:
        """Return the seconds since the command if the playing preset's notes are rendered.

        Parameters
        ----------
        are_whole
            Ask for all frames of both layers, not for the first frames of one.
        """
        bank = int(self.state.channels[0]["bank"])
        if bank == BUILT_IN_BANK:
            return None
        slots = self.state.slots[bank][:, [pitch - LOWEST_PITCH for pitch in pitches]]
        ready = slots["frames_ready"]
        if are_whole:
            is_there = bool(np.all((ready > 0) & (ready >= slots["frames_whole"])))
        else:
            is_there = bool(np.all(ready.max(axis=0) > 0))
        return self.since() if is_there else None

    def said(self) -> str:
        """Return everything that it has said so far."""
        return self._words.read_text(encoding="utf-8", errors="replace")

    def panel(self) -> psutil.Process:
        """Return the panel's process, which must run."""
        children = psutil.Process(self._command.pid).children()
        return next(child for child in children if _PANEL in child.cmdline())

    def since(self) -> float:
        """Return the seconds since the command."""
        return time.perf_counter() - self.started

    def process(self, role: str) -> psutil.Process | None:
        """Return the control, engine or models process, or None before it runs."""
        control = psutil.Process(self._command.pid)
        if role == "control":
            return control
        for child in control.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if _ROLES[role] in child.cmdline():
                    return child
        return None

    def processes(self) -> dict[str, psutil.Process]:
        """Return the three processes by role."""
        found = {role: self.process(role) for role in ("control", *_ROLES)}
        return {role: process for role, process in found.items() if process is not None}

    def megabytes(self) -> dict[str, tuple[float, float]]:
        """Return every process's resident memory by role: its own, and the JACK server's.

        A JACK client maps all of its server's shared memory (104 MB for jackd2's defaults) and
        locks it; that is the server's memory, counted once there.
        """
        sizes = {}
        for role, process in self.processes().items():
            maps = process.memory_maps()
            server = sum(each.rss for each in maps if each.path.startswith(_JACK_MEMORY))
            sizes[role] = ((process.memory_info().rss - server) / 1e6, server / 1e6)
        return sizes

    def wait_for(self, look: Callable[[], T | None], what: str, seconds: float) -> T:
        """Look until there is something to see; return it.

        Raises
        ------
        PeerMissing
            The command ended, or nothing came in time.
        """
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            if (found := look()) is not None:
                return found
            if self._command.poll() is not None:
                raise PeerMissing(f"latentkeys play ended while waiting for {what}: {self._last()}")
            time.sleep(POLL_SECONDS)
        raise PeerMissing(f"{what} did not come within {seconds:g} s: {self._last()}")

    def _attach(self) -> EngineState | None:
        engine = self.process("engine")
        if engine is None:
            return None
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            return EngineState.attach(Path(engine.cmdline()[-1]))
        return None

    def _last(self) -> str:
        lines = self.said().strip().splitlines()
        return lines[-1] if lines else "it said nothing"


@contextlib.contextmanager
def live_instrument(
    arguments: Sequence[str], environment: Mapping[str, str], *, panel: bool = False
) -> Iterator[LiveInstrument]:
    """Run ``latentkeys play ARGUMENTS`` for as long as the body lasts; leave no process behind.

    The engine's machine code is compiled first if it is not on disk, as ``make play`` does.
    """
    load_machine_code()
    arguments = arguments if panel else ["--no-panel", *arguments]
    with tempfile.TemporaryDirectory(prefix="latentkeys-bench-") as folder:
        words = Path(folder) / "said.txt"
        with words.open("wb") as said:
            started = time.perf_counter()
            command = subprocess.Popen(
                [*command_line(), "play", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )
            try:
                yield LiveInstrument(command, words, started)
            finally:
                _end(command)


def command_line() -> list[str]:
    """Return the command that a user types, as installed beside this interpreter."""
    script = Path(sys.executable).with_name("latentkeys")
    if script.exists():
        return [str(script)]
    return [sys.executable, "-m", "instrument"]


def _end(command: subprocess.Popen[bytes]) -> None:
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(command.pid).children(recursive=True)
    command.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        command.wait(timeout=5)
    _gone, left = psutil.wait_procs(family, timeout=2)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    if command.poll() is None:
        command.kill()
    command.wait()
