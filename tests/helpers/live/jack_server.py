"""A private JACK server and a client on it that sends MIDI and captures audio, frame by frame.

The server is synchronous: it waits for its clients, so no frame is ever lost and the probe may be
written in Python. A missing jackd is an error, not a reason to skip: `make test` installs it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jack
import numpy as np
from numpy.typing import NDArray

from instrument.engine.audio_sinks import raise_priority

RATE_HZ = 48_000
START_SECONDS = 10


@dataclass(frozen=True, slots=True)
class JackServer:
    """A running server."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs to find this server and no other."""
        return {**os.environ, "JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}


@contextlib.contextmanager
def running_jack(
    block_frames: int = 256,
    name: str = "test",
    *,
    is_realtime: bool = False,
    is_synchronous: bool = True,
    rate_hz: int = RATE_HZ,
) -> Iterator[JackServer]:
    """Run ``jackd -S -d dummy`` for as long as the body lasts; without -S it waits for nobody."""
    name = f"latentkeys-{name}-{os.getpid()}"
    command = [
        "jackd",
        "-R" if is_realtime else "--no-realtime",
        *(["-S"] if is_synchronous else []),
        "--name",
        name,
        "-d",
        "dummy",
    ]
    command += ["-r", str(rate_hz), "-p", str(block_frames), "-C", "2", "-P", "2"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_it_answers(name, process)
        yield JackServer(name, process)
    finally:
        process.terminate()
        process.wait(10)


def realtime_is_allowed() -> bool:
    """Tell whether this user may run real-time threads."""
    answer: list[bool] = []

    def ask() -> None:
        answer.append(raise_priority({threading.get_native_id()}))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return answer[0]


def _wait_until_it_answers(name: str, process: subprocess.Popen[bytes]) -> None:
    # In another process: libjack cannot be a client of two servers at a time.
    waited = subprocess.run(
        ["jack_wait", "-s", name, "-w", "-t", str(START_SECONDS)], capture_output=True, check=False
    )
    assert waited.returncode == 0 and process.poll() is None, "jackd does not answer"


class Probe:
    """A keyboard and a tape recorder on one clock.

    It hears `outputs`, one track each. Both directions are connected to the same instrument, so the
    graph has a loop, which JACK closes with exactly one block of delay.
    """

    def __init__(
        self, server: JackServer, name: str = "probe", outputs: Sequence[str] = ("out_L", "out_R")
    ) -> None:
        self.client = jack.Client(name, no_start_server=True, servername=server.name)
        self._midi = self.client.midi_outports.register("keys")
        self._midi_ear = self.client.midi_inports.register("notes")
        self.messages: list[tuple[int, bytes]] = []  # what came while playing, with its frame
        self._ears = {name: self.client.inports.register(f"ear {name}") for name in outputs}
        self._events: list[tuple[int, bytes]] = []
        self._captured: list[NDArray[np.float32]] = []
        self._frame = 0
        self._wanted = 0
        self._done = threading.Event()
        self.client.set_process_callback(self._process)
        self.client.activate()

    def listen_to(self, instrument: str = "latentkeys") -> None:
        """Connect to an instrument's ports."""
        self.client.connect(self._midi, f"{instrument}:midi_in")
        for name, ear in self._ears.items():
            self.client.connect(f"{instrument}:{name}", ear)

    def listen_to_midi(self, port: str) -> None:
        """Connect to a MIDI output."""
        self.client.connect(port, self._midi_ear)

    def play(self, events: Sequence[tuple[int, bytes]], frames: int) -> NDArray[np.float32]:
        """Send MIDI messages at their frames; return what was heard: float32, (frames, tracks)."""
        block = self.client.blocksize
        self._events = sorted(events, key=lambda event: event[0])
        self._captured, self.messages = [], []
        self._frame = 0
        self._done.clear()
        self._wanted = -(-frames // block) * block
        assert self._done.wait(30.0 + frames / RATE_HZ), "the JACK graph stands still"
        return np.concatenate(self._captured)[:frames]

    def _process(self, frames: int) -> None:
        self._midi.clear_buffer()
        if self._frame >= self._wanted:
            return
        while self._events and self._events[0][0] < self._frame + frames:
            frame, message = self._events.pop(0)
            self._midi.write_midi_event(frame - self._frame, message)
        for offset, data in self._midi_ear.incoming_midi_events():
            self.messages.append((self._frame + offset, bytes(data)))
        block = np.stack([ear.get_array() for ear in self._ears.values()], axis=1)
        self._captured.append(block)
        self._frame += frames
        if self._frame >= self._wanted:
            self._done.set()

    def close(self) -> None:
        """Leave the server."""
        self.client.deactivate()
        self.client.close()
