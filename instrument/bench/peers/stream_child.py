"""A process that plays through one kind of callback, with a busy Python thread beside it.

``python -m instrument.bench.peers.stream_child KIND VOICES BLOCK_FRAMES``; KIND is one of `KINDS`.
The Python callback does the least that one can do (it copies a tone that is ready); ours plays
`VOICES` voices.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from instrument.bench.peers.child import PeerMissing, serve, serve_missing
from instrument.bench.peers.kernel_voices import KernelVoices
from instrument.engine.audio_sinks import SoundCard
from instrument.engine.jack_sink import JackSink
from instrument.engine.messages import EngineSettings
from instrument.errors import DeviceError

RATE_HZ = 48_000
PYTHON, PORTAUDIO, JACK = "Python callback", "native PortAudio callback", "native JACK client"
KINDS = (PYTHON, PORTAUDIO, JACK)
START, COUNT, STOP = 1, 2, 3
"""What the parent may ask for."""


class Player(Protocol):
    """A stream that counts what its callback is told."""

    def start(self) -> None:
        """Open and start the stream."""

    def counts(self) -> dict[str, float]:
        """Return callbacks run and under-runs reported to them, so far."""

    def stop(self) -> None:
        """Close the stream."""


class PythonPlayer:
    """A plain sounddevice callback in Python."""

    def __init__(self, block_frames: int) -> None:
        self._block_frames = block_frames
        self._tone = np.zeros((block_frames, 2), np.float32)
        self._tone[:, :] = 0.1 * np.sin(2 * np.pi * np.arange(block_frames) / block_frames)[:, None]
        self._callbacks = self._flagged = 0
        self._stream: Any = None

    def start(self) -> None:
        """Open and start the stream."""
        import sounddevice

        self._stream = sounddevice.OutputStream(
            samplerate=RATE_HZ,
            blocksize=self._block_frames,
            device=jack_device(),
            channels=2,
            dtype="float32",
            latency="low",
            callback=self._callback,
        )
        self._stream.start()

    def _callback(self, out: Any, frames: int, _time: Any, status: Any) -> None:
        out[:] = self._tone[:frames]
        self._callbacks += 1
        self._flagged += bool(status.output_underflow)

    def counts(self) -> dict[str, float]:
        """Return callbacks run and under-runs reported to them, so far."""
        return {"callbacks": self._callbacks, "flagged": self._flagged}

    def stop(self) -> None:
        """Close the stream."""
        self._stream.close()


class NativePlayer:
    """The instrument's machine code behind one of its own sinks."""

    def __init__(self, kind: str, voices: int, block_frames: int) -> None:
        self._state = KernelVoices(voices, block_frames, RATE_HZ, is_bent=True).engine.state
        if kind == PORTAUDIO:
            self._sink: SoundCard | JackSink = SoundCard(jack_device(), RATE_HZ, block_frames)
        else:
            self._sink = JackSink(EngineSettings(client_name="native"))

    def start(self) -> None:
        """Open and start the stream."""
        self._sink.open(self._state)
        self._sink.start()

    def counts(self) -> dict[str, float]:
        """Return callbacks run and under-runs reported to them, so far."""
        meters = self._state.meters
        return {"callbacks": int(meters["blocks"]), "flagged": int(meters["underruns"])}

    def stop(self) -> None:
        """Close the stream."""
        self._sink.close()


def jack_device() -> int:
    """Return PortAudio's number for the JACK server's outputs."""
    import sounddevice

    for api in sounddevice.query_hostapis():
        if "JACK" in api["name"] and api["default_output_device"] >= 0:
            return int(api["default_output_device"])
    raise PeerMissing("this PortAudio has no JACK")


def keep_busy(should_stop: threading.Event) -> None:
    """Do what a busy Python thread does: never wait, always want the interpreter."""
    total = 0
    while not should_stop.is_set():
        total = sum(number * number for number in range(1000)) ^ total


def work(player: Player) -> Callable[[float], dict[str, float]]:
    """Return the function that starts, counts and stops on request."""
    should_stop = threading.Event()
    busy = threading.Thread(target=keep_busy, args=(should_stop,), daemon=True)

    def answer(amount: float) -> dict[str, float]:
        if amount == START:
            player.start()
            busy.start()
        counts = player.counts()
        if amount == STOP:
            should_stop.set()
            busy.join()
            player.stop()
        return counts

    return answer


def main() -> None:
    """Serve one measurement."""
    kind, voices, block_frames = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        is_python = kind == PYTHON
        player: Player = (
            PythonPlayer(block_frames) if is_python else NativePlayer(kind, voices, block_frames)
        )
        jack_device()
    except (PeerMissing, DeviceError, ImportError, OSError) as reason:
        serve_missing(str(reason))
        return
    serve({}, work(player))


if __name__ == "__main__":
    main()
