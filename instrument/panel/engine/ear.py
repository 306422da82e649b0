"""The panel's ear: what sounds, for a machine without a sound card, or for another room.

Packets of 256 stereo frames: the number of the first frame (int64), then int16 samples, left and
right in turn, all little-endian. The page acknowledges every twenty packets with their count: TCP's
buffers would swallow ten seconds of sound before a sender noticed that nobody reads.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from starlette.websockets import WebSocket, WebSocketDisconnect

from instrument.realtime.memory.state import EngineState

PACKET_FRAMES = 256
MOST_WAITING = 150
"""Packets without an acknowledgement, 0.8 s at 48 kHz: nobody reads any more."""
_POLL_SECONDS = 0.002


class Packets:
    """Cut the engine's output into packets.

    Parameters
    ----------
    state
        The engine block.
    """

    def __init__(self, state: EngineState) -> None:
        self._reader = state.read_recording()
        self._left = np.zeros((0, 2), np.float32)

    def read(self) -> Iterator[bytes]:
        """Yield every whole packet since the last call."""
        lost = self._reader.lost
        fresh: NDArray[np.float32] = self._reader.read()
        if self._reader.lost != lost:
            self._left = self._left[:0]
        frames = np.concatenate([self._left, fresh])
        first = self._reader.position - len(frames)
        whole = len(frames) // PACKET_FRAMES * PACKET_FRAMES
        self._left = frames[whole:]
        for start in range(0, whole, PACKET_FRAMES):
            samples = np.clip(frames[start : start + PACKET_FRAMES], -1, 1) * 32767
            yield struct.pack("<q", first + start) + samples.astype("<i2").tobytes()


async def stream(socket: WebSocket, state: EngineState) -> None:
    """Send what sounds until the page goes, or no longer reads."""
    acknowledged = 0

    async def listen() -> None:
        nonlocal acknowledged
        while True:
            acknowledged = max(acknowledged, int((await socket.receive_text())[:12] or 0))

    listening = asyncio.create_task(listen())
    packets, sent, due = Packets(state), 0, time.monotonic()
    try:
        while not listening.done() and sent - acknowledged < MOST_WAITING:
            for packet in packets.read():
                await socket.send_bytes(packet)
                sent += 1
            due = max(due + _POLL_SECONDS, time.monotonic())
            await asyncio.sleep(due - time.monotonic() + _POLL_SECONDS / 2)
    except (WebSocketDisconnect, RuntimeError):
        pass  # it has gone meanwhile
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
