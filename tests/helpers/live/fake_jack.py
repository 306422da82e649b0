"""A JACK server in name only: its functions as Python, our real callback on top of them.

What the kernel takes from a driver byte by byte can so be tested without a server, with packets
that no well-behaved client would send, and much faster than real time.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.realtime.compiled.machine_code import load_machine_code
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import prepare_state

RATE_HZ = 48_000
LEFT, RIGHT, MIDI_IN = 1, 2, 3
_WORD = ctypes.c_uint64


class _MidiEvent(ctypes.Structure):
    """``jack_midi_event_t`` (jack/midiport.h)."""

    _fields_ = (("time", ctypes.c_uint32), ("size", ctypes.c_size_t), ("buffer", ctypes.c_void_p))


class FakeJack:
    """An engine on a pretended JACK server.

    Attributes
    ----------
    state : EngineState
        Fill slots and send commands through it.
    """

    def __init__(self, block_frames: int = 128, note_seconds: float = 1.0) -> None:
        self.state = EngineState.create(None, RATE_HZ, note_seconds)
        self._address = prepare_state(self.state)
        self._out = np.zeros((2, block_frames), np.float32)
        self._block_frames = block_frames
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._packets: list[tuple[int, Any, int]] = []
        self._functions = {
            "jack_port_get_buffer": ctypes.CFUNCTYPE(_WORD, _WORD, _WORD)(self._buffer),
            "jack_midi_get_event_count": ctypes.CFUNCTYPE(_WORD, _WORD)(self._count),
            "jack_midi_event_get": ctypes.CFUNCTYPE(_WORD, _WORD, _WORD, _WORD)(self._get),
        }
        for name, function in self._functions.items():
            self.state.fields[name] = ctypes.cast(function, ctypes.c_void_p).value
        ports = {"jack_out_left": LEFT, "jack_out_right": RIGHT, "jack_midi_in": MIDI_IN}
        for name, port in ports.items():
            self.state.fields[name] = port
        process = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_uint32, ctypes.c_void_p)
        self._process = process(load_machine_code().jack_process)

    def play(self, packets: Sequence[tuple[int, bytes]], frames: int) -> NDArray[np.float32]:
        """Deliver packets at frames from now, in order; return the blocks that have them all.

        float32, shape (frames, 2), rounded up to whole blocks.
        """
        begin = self.state.clock
        self._waiting.extend((begin + frame, data) for frame, data in packets)
        blocks = []
        while self.state.clock < begin + frames:
            self._fill()
            assert self._process(self._block_frames, self._address) == 0
            blocks.append(self._out.T.copy())
        return np.concatenate(blocks)

    def _fill(self) -> None:
        first = self.state.clock
        self._packets = []
        while self._waiting and self._waiting[0][0] < first + self._block_frames:
            frame, data = self._waiting.popleft()
            self._packets.append((frame - first, ctypes.create_string_buffer(data), len(data)))

    def _buffer(self, port: int, _frames: int) -> int:
        if port == MIDI_IN:
            return MIDI_IN
        return int(self._out[port - LEFT].ctypes.data)

    def _count(self, _buffer: int) -> int:
        return len(self._packets)

    def _get(self, place: int, _buffer: int, index: int) -> int:
        frame, data, size = self._packets[index]
        event = _MidiEvent.from_address(place)
        event.time, event.size, event.buffer = frame, size, ctypes.addressof(data)
        return 0
