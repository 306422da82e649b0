"""Play an instrument through JACK and hear, to the frame, when it answers.

A hand sends MIDI at known frames and an ear records. As two clients they stand before and behind
the instrument in one cycle of the graph. As one client they are where a keyboard and a listener
are, outside: the answer to what was sent in one cycle comes in the next. Their callbacks are
Python, so exact figures need a synchronous server, which waits for them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import jack
import numpy as np
from numpy.typing import NDArray

from instrument.bench.live.jack_server import JackServer
from instrument.bench.peers.jack_client import open_client

RECORD_SECONDS = 60.0


class NoteProbe:
    """A hand on ``latentkeys:midi_in`` and an ear on ``latentkeys:out_L``.

    Parameters
    ----------
    is_one_client
        Whether hand and ear are one client, outside the cycle, or two, inside it.

    Attributes
    ----------
    sent : list
        Every message that was really sent, with the frame it was sent at.
    """

    def __init__(
        self, server: JackServer, *, is_one_client: bool = False, instrument: str = "latentkeys"
    ) -> None:
        self._instrument = instrument
        self._hand = open_client(server.name, "hand")
        self._ear = self._hand if is_one_client else open_client(server.name, "ear")
        self._keys = self._hand.midi_outports.register("keys")
        self._hears = self._ear.inports.register("hears")
        self.sent: list[tuple[int, tuple[int, ...]]] = []
        self._due: deque[tuple[int, tuple[int, ...]]] = deque()
        self._heard = np.zeros(int(RECORD_SECONDS * server.rate_hz), np.float32)
        self._first_frame = -1
        self._frames_heard = 0
        if is_one_client:
            self._hand.set_process_callback(self._play_and_listen)
        else:
            self._hand.set_process_callback(self._play)
            self._ear.set_process_callback(self._listen)
        self._clients = list(dict.fromkeys([self._hand, self._ear]))
        for client in self._clients:
            client.activate()

    @property
    def now(self) -> int:
        """The server's frame time."""
        return int(self._hand.frame_time)

    def connect(self) -> bool | None:
        """Connect both ends; None while the instrument is not there yet."""
        try:
            if not self._hears.connections:
                self._ear.connect(f"{self._instrument}:out_L", self._hears)
            if not self._keys.connections:
                self._hand.connect(self._keys, f"{self._instrument}:midi_in")
        except jack.JackError:  # no such port, or its client does not run yet
            return None
        return True

    def send(self, frame: int, message: Sequence[int]) -> None:
        """Send a message at a frame of the server's time; frames must not go backwards.

        A frame that has passed (this process may have been kept waiting) means now: `sent` has the
        truth.
        """
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
        for client in self._clients:
            client.deactivate()
            client.close()

    def __enter__(self) -> NoteProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _play_and_listen(self, frames: int) -> None:
        self._play(frames)
        self._listen(frames)

    def _play(self, frames: int) -> None:
        self._keys.clear_buffer()
        start = int(self._hand.last_frame_time)
        while self._due and self._due[0][0] < start + frames:
            frame, message = self._due.popleft()
            offset = max(0, frame - start)
            self._keys.write_midi_event(offset, message)
            self.sent.append((start + offset, message))

    def _listen(self, frames: int) -> None:
        start = int(self._ear.last_frame_time)
        if self._first_frame < 0:
            self._first_frame = start
        place = start - self._first_frame
        if place + frames <= len(self._heard):
            self._heard[place : place + frames] = self._hears.get_array()
            self._frames_heard = place + frames
