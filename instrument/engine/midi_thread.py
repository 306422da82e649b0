"""The engine's MIDI thread: what inputs deliver goes to the kernel, what it gives out goes away."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from instrument.engine.audio_sinks import raise_priority
from instrument.engine.clock import frame_at, now_ns, time_at
from instrument.engine.midi_ports import MidiIn, MidiOut
from instrument.midi.messages import message_of
from instrument.realtime.memory.constants import LET_GO
from instrument.realtime.memory.state import EngineState

POLL_SECONDS = 0.001
SPIN_SECONDS = 0.0002


class MidiThread(threading.Thread):
    """Moves messages from inputs into the kernel's ring, each with its frame.

    The only writer of `midi_ring` and `engine_ring`: whoever else in this process wants something
    of the kernel puts a command and its first argument into `requests`.
    """

    def __init__(
        self, state: EngineState, inputs: MidiIn, out: MidiOut | None, lowest_latency: bool
    ) -> None:
        super().__init__(name="midi", daemon=True)
        self.requests: SimpleQueue[tuple[int, int]] = SimpleQueue()
        self._state = state
        self._inputs = inputs
        self._out = out
        self._lowest_latency = lowest_latency
        self._ends = threading.Event()
        self.rounds = 0  # of its loop: whether it goes on

    def run(self) -> None:
        """Poll until `end` is called."""
        raise_priority({threading.get_native_id()})
        wait_seconds = POLL_SECONDS
        while not self._ends.wait(wait_seconds):
            self.forward()
            wait_seconds = self.send_due()
            self.rounds += 1

    def forward(self) -> None:
        """Hand over everything that has arrived."""
        state = self._state
        while not self.requests.empty():
            command, argument = self.requests.get()
            state.engine_ring.command(command, argument)
        for message in self._inputs.poll():
            status, data1, data2 = (*message.data, 0, 0)[:3]
            frame = self._frame(message.time_ns)
            state.midi_ring.push(
                frame, status, data1, data2, source=message.source, value=message.value
            )
        for source in self._inputs.gone():  # after the last of its messages
            state.engine_ring.command(LET_GO, source, time_frames=self._frame(now_ns()))

    def _frame(self, time_ns: int) -> int:
        frame = None if self._lowest_latency else frame_at(self._state, time_ns)
        return -1 if frame is None else frame

    def send_due(self) -> float:
        """Send what the kernel has given out, each message at its time, unless JACK does it.

        Returns
        -------
        float
            How long to wait until the next look, in seconds.
        """
        ring = self._state.out_ring
        while not self._state.fields["jack_midi_out"] and (event := ring.peek()) is not None:
            due_ns = time_at(self._state, int(event["time_frames"]))
            wait_seconds = 0.0 if due_ns is None else (due_ns - now_ns()) * 1e-9
            if wait_seconds > SPIN_SECONDS:
                return min(POLL_SECONDS, wait_seconds - SPIN_SECONDS)
            while due_ns is not None and now_ns() < due_ns:
                pass  # a sleep would come back too late
            ring.pop()
            if self._out is not None:
                self._out.send(message_of(event))
        return POLL_SECONDS

    def end(self) -> None:
        """Stop polling."""
        self._ends.set()
        self.join(timeout=2.0)
