"""The whole instrument as a player has it: ``latentkeys play`` on a private JACK server."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jack
import numpy as np
import numpy.typing as npt
import psutil

from instrument.realtime.memory.constants import LOUD
from instrument.realtime.memory.state import EngineState
from tests.helpers.live.jack_server import JackServer
from tests.helpers.live.patience import wait_for

COMMAND = [sys.executable, "-m", "instrument"]

PROCESSES = {
    "engine": "instrument.engine.process",
    "models": "instrument.rendering.process",
    "partner": "instrument.partner.process",
}


class Keyboard:
    """Another program on the server: plays MIDI into the instrument and records what it hears."""

    def __init__(self, server: JackServer) -> None:
        self._client = jack.Client("keyboard", no_start_server=True, servername=server.name)
        self._midi = self._client.midi_outports.register("out")
        self._ears = [self._client.inports.register(side) for side in ("left", "right")]
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._heard: list[npt.NDArray[np.float32]] = []
        self._client.set_process_callback(self._process)
        self._client.activate()

    def _process(self, frames: int) -> None:
        self._heard.append(np.stack([port.get_array() for port in self._ears], axis=1))
        self._midi.clear_buffer()
        while not self._waiting.empty():
            self._midi.write_midi_event(0, self._waiting.get())

    def connect(self, *, with_midi: bool = True) -> None:
        if with_midi:
            self._client.connect(self._midi, "latentkeys:midi_in")
        for side, ear in zip(("L", "R"), self._ears, strict=True):
            self._client.connect(f"latentkeys:out_{side}", ear)
        # An asynchronous server changes its graph between cycles: what is sent before is lost.
        cycles = len(self._heard)
        wait_for(lambda: len(self._heard) > cycles + 2, "a cycle of the new graph")

    def send(self, *messages: bytes) -> None:
        for message in messages:
            self._waiting.put(message)

    def heard(self) -> npt.NDArray[np.float32]:
        """Return everything so far: float32, shape (frames, 2)."""
        return np.concatenate(self._heard)

    def close(self) -> None:
        self._client.deactivate()
        self._client.close()


class Played:
    """A running ``latentkeys play``."""

    def __init__(self, command: subprocess.Popen[str]) -> None:
        self.command = command
        self.state = self._attach()
        self.engine = self.child("engine")

    def child(self, name: str) -> psutil.Process:
        found = wait_for(lambda: self.find(name), f"the {name} process")
        assert found
        return found

    def find(self, name: str) -> psutil.Process | None:
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.command.pid).children():
                if PROCESSES[name] in process.cmdline():
                    return process
        return None

    def _attach(self) -> EngineState:
        self.folder = Path(self.child("engine").cmdline()[-1])
        state = EngineState.attach(self.folder)
        wait_for(lambda: bool(state.fields["playing"]), "the engine")
        return state

    def wait_for_notes(self) -> None:
        """Wait until the preset that plays is rendered to the end."""

        def is_whole() -> bool:
            slots = self.state.slots[int(self.state.channels[0]["bank"]), LOUD]
            ready = slots["frames_ready"]
            return bool(np.all((ready > 0) & (ready == slots["frames_whole"])))

        wait_for(is_whole, "the notes", 30.0)

    def end(self) -> str:
        """Press Ctrl-C; return what was said."""
        self.command.send_signal(signal.SIGINT)
        _, said = self.command.communicate(timeout=10)
        return said


def start(*arguments: str, server: JackServer) -> subprocess.Popen[str]:
    """Type ``latentkeys ARGUMENTS``."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=server.environment,
    )


@contextlib.contextmanager
def played(*arguments: str, server: JackServer) -> Iterator[Played]:
    """Run ``latentkeys play ARGUMENTS``; leave no process and no folder behind."""
    command = start("play", "--no-panel", *arguments, server=server)
    family: list[psutil.Process] = []
    try:
        instrument = Played(command)
        family = psutil.Process(command.pid).children(recursive=True)
        yield instrument
    finally:
        # In order: a client that is killed makes a synchronous server wait for ten seconds.
        command.terminate()
        with contextlib.suppress(psutil.Error):
            for process in family:
                process.terminate()
        command.communicate(timeout=10)
        for process in psutil.wait_procs(family, timeout=3)[1]:
            process.kill()
