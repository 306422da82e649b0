"""Play an instrument through JACK and hear, to the frame, when it answers.

Two clients: a hand that sends MIDI at known frames and an ear that records. They are separate so
that the graph has no feedback (a client on both ends of a chain adds a period of its own). Their
callbacks are Python, so exact figures need a synchronous server, which waits for them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from instrument.bench.jack_server import JackServer, open_client

RECORD_SECONDS = 60.0


class NoteProbe:
    """A hand on ``latentkeys:midi_in`` and an ear on ``latentkeys:out_L``."""

    def __init__(self, server: JackServer, instrument: str = "latentkeys") -> None:
        self._instrument = instrument
        self._hand = open_client(server, "hand")
        self._ear = open_client(server, "ear")
        self._keys = self._hand.midi_outports.register("keys")
        self._hears = self._ear.inports.register("hears")
        self._due: deque[tuple[int, tuple[int, ...]]] = deque()
        self._heard = np.zeros(int(RECORD_SECONDS * server.rate_hz), np.float32)
        self._first_frame = -1
        self._frames_heard = 0
        self._hand.set_process_callback(self._play)
        self._ear.set_process_callback(self._listen)
        self._hand.activate()
        self._ear.activate()

    @property
    def now(self) -> int:
        """The server's frame time."""
        return int(self._hand.frame_time)

    def connect(self) -> bool:
        """Connect both ends; False while the instrument has no ports yet."""
        names = {port.name for port in self._hand.get_ports(f"^{self._instrument}:")}
        midi, left = f"{self._instrument}:midi_in", f"{self._instrument}:out_L"
        if not {midi, left} <= names:
            return False
        self._ear.connect(left, self._hears)
        self._hand.connect(self._keys, midi)
        return True

    def send(self, frame: int, message: Sequence[int]) -> None:
        """Send a message at a frame of the server's time; frames must not go backwards."""
        self._due.append((frame, tuple(message)))

    def wait_until(self, frame: int) -> None:
        """Sleep until the server has passed a frame."""
        while self._first_frame < 0 or self._first_frame + self._frames_heard <= frame:
            time.sleep(0.005)

    def heard(self, first_frame: int, last_frame: int) -> NDArray[np.float32]:
        """Return what was heard in [first_frame, last_frame): float32, shape (frames,)."""
        start = first_frame - self._first_frame
        return self._heard[start : start + last_frame - first_frame]

    def close(self) -> None:
        """Leave the server."""
        for client in (self._hand, self._ear):
            client.deactivate()
            client.close()

    def __enter__(self) -> NoteProbe:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _play(self, frames: int) -> None:
        self._keys.clear_buffer()
        start = int(self._hand.last_frame_time)
        while self._due and self._due[0][0] < start + frames:
            frame, message = self._due.popleft()
            self._keys.write_midi_event(max(0, frame - start), message)

    def _listen(self, frames: int) -> None:
        start = int(self._ear.last_frame_time)
        if self._first_frame < 0:
            self._first_frame = start
        place = start - self._first_frame
        if place + frames <= len(self._heard):
            self._heard[place : place + frames] = self._hears.get_array()
            self._frames_heard = place + frames
