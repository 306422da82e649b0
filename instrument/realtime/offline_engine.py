"""The engine without a device: the same machine code, called in a loop, faster than real time.

Used for rendering MIDI files to WAV, for replaying a live session's log, and for testing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.realtime.byte_stream import ByteStream
from instrument.realtime.compiled.machine_code import load_machine_code
from instrument.realtime.memory.constants import BANK_COUNT, RING_EVENTS
from instrument.realtime.memory.state import EngineState
from instrument.realtime.tones.built_in_tone import fill_built_in_bank


class OfflineEngine:
    """Play timed MIDI messages into an array.

    Parameters
    ----------
    rate_hz
        Sample rate.
    block_frames
        Frames per call of the kernel. The sound does not depend on it.
    note_seconds
        The longest note that a slot can hold.
    folder
        Keep the session's memory there, so that another process can fill the tone tables; None
        keeps it in this process.
    shares_tones
        See `EngineState.create`.

    Attributes
    ----------
    state : EngineState
        Fill slots, set sounds and send commands through it.
    """

    def __init__(
        self,
        rate_hz: float = 48_000.0,
        block_frames: int = 128,
        note_seconds: float = 2.5,
        folder: Path | None = None,
        *,
        shares_tones: bool = True,
    ) -> None:
        self.state = EngineState.create(folder, rate_hz, note_seconds, shares_tones=shares_tones)
        self.block_frames = block_frames
        self._code = load_machine_code()
        self._address = prepare_state(self.state)
        self._bytes = ByteStream()
        self._events: deque[tuple[int, ...]] = deque()
        self._serve: Callable[[], None] | None = None

    def send(self, frame: int, data: Sequence[int], *, source: int = 0) -> None:
        """Play MIDI at an absolute frame, -1 = at the next block, as an input would deliver it.

        Messages and commands must be sent in order of time. Any number may wait.

        Parameters
        ----------
        data
            One message, or several in a row.
        source
            The number of the input that it comes from.
        """
        for *message, value in self._bytes.messages(bytes(data)):
            self._events.append((frame, *message, source, value, 0))

    def command(
        self, command: int, data1: int = 0, data2: int = 0, *, value: int = 0, frame: int = -1
    ) -> None:
        """Give a command of `memory.constants` at an absolute frame, -1 = at the next block."""
        self._events.append((frame, 0, data1, data2, 0, value, command))

    def send_log(self, log: NDArray[np.void]) -> None:
        """Play a log, shape (n,), that a live engine has written (`EngineState.read_log`)."""
        self._events.extend(event.item() for event in log)

    def stream_from(self, serve: Callable[[], None]) -> None:
        """Let held notes be streamed, if their presets say so; otherwise they loop.

        Parameters
        ----------
        serve
            Called before every block, which ends where the clock is a multiple of its frames:
            renders what `EngineState.streams` ask for.
        """
        self._serve = serve
        open_rings(self.state)

    def render(self, frames: int) -> NDArray[np.float32]:
        """Return the next `frames` frames: float32, shape (frames, 2), full scale ±1."""
        audio = np.empty((frames, 2), np.float32)
        left = audio.ctypes.data
        done = 0
        while done < frames:
            if self._serve:
                self._serve()
            clock = self.state.clock
            block = min(self.block_frames - clock % self.block_frames, frames - done)
            self._hand_over(clock + block)
            at = left + done * 8
            self._code.call_process_block(self._address, at, at + 4, 2, block)
            done += block
        return audio

    def _hand_over(self, before_frame: int) -> None:
        ring = self.state.control_ring
        while self._events and self._events[0][0] < before_frame and len(ring) < RING_EVENTS:
            ring.append(self._events.popleft())


def open_rings(state: EngineState) -> None:
    """Let this process's kernel ask for streams; somebody serves them. After `prepare_state`."""
    state.fields["stream_address"] = state.rings.ctypes.data


def prepare_state(state: EngineState) -> int:
    """Make a state block playable in this process; return the block's address.

    Needs the rate: call it after `EngineState.set_rate` and before the first block.
    """
    fill_built_in_bank(state)
    for bank in range(BANK_COUNT):
        state.fields["bank_addresses"][bank] = state.tones[bank].ctypes.data
    state.fields["bank_strides"] = state.fields["slot_stride"]
    state.fields["process_block"] = load_machine_code().process_block
    return int(state.fields.ctypes.data)
