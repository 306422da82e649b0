"""Where the sound goes: JACK, a sound card, a file, or nowhere.

Every sink calls the same machine code; Python only opens and closes it. `open_sink` chooses: what
the user named, or else the best that this machine has, with a notice about what it fell back to.
The order of calls is `open` (now the rate is known), `EngineState.set_rate`, `start`, `close`.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from instrument.engine.clock import now_ns
from instrument.errors import DeviceError, FileError
from instrument.realtime.compiled.machine_code import PORTAUDIO_CALLBACK, load_machine_code
from instrument.realtime.memory.state import EngineState

if TYPE_CHECKING:
    from instrument.processes.held_file import HeldFile
    from instrument.wav_files import WavFile

DEFAULT_RATE_HZ = 48_000.0
DEFAULT_BLOCK_FRAMES = 128
LONGEST_LATENCY_SECONDS = 2.0  # above: PortAudio's figure is nonsense
REALTIME_PRIORITY = 60  # FluidSynth's; below the server's and the interrupts'


class AudioSink(Protocol):
    """Something that asks for audio, block by block.

    Attributes
    ----------
    kind
        jack, portaudio, null or wav.
    name
        What a person would call it.
    latency_seconds
        From a rendered block to the air, as far as the device knows.
    is_realtime
        Its audio thread has real-time priority.
    """

    kind: str
    name: str
    rate_hz: float
    block_frames: int
    latency_seconds: float
    is_realtime: bool

    def open(self, state: EngineState) -> None:
        """Take the device, without starting it; `DeviceError` if that fails."""

    def start(self) -> None:
        """Begin to ask for audio."""

    def close(self) -> None:
        """Stop and give the device back; harmless if it is already gone."""

    def is_alive(self) -> bool:
        """Tell whether the device still asks for audio."""


class SoundCard:
    """A device of PortAudio's, through sounddevice.

    The callback is machine code: `sounddevice._StreamBase` takes its address when
    ``wrap_callback`` is None (a private name, documented for library authors; a test guards it).

    Parameters
    ----------
    device
        Part of a device's name, its number, or None for the default output.
    """

    kind = "portaudio"

    def __init__(self, device: str | int | None, rate_hz: float, block_frames: int) -> None:
        self._device = device
        self.rate_hz = rate_hz
        self.block_frames = block_frames or DEFAULT_BLOCK_FRAMES
        self.name = str(device)
        self.latency_seconds = 0.0
        self.is_realtime = False
        self._stream: Any = None

    def open(self, state: EngineState) -> None:
        """Open the stream at the wanted rate, or else at the device's own."""
        try:
            import sounddevice
        except OSError as error:  # PortAudio itself is not installed
            raise DeviceError(
                f"no sound card can be used: {error}",
                "Install PortAudio (Debian, Ubuntu: apt-get install libportaudio2).",
            ) from error
        try:
            found = sounddevice.query_devices(self._device, "output")
            self.name = str(found["name"])
            self.rate_hz = self.rate_hz or float(found["default_samplerate"])
            self._stream = self._open_stream(sounddevice, state)
        except (sounddevice.PortAudioError, ValueError) as error:
            outputs = output_names(sounddevice)
            names = ", ".join(repr(name) for name in outputs) or "none"
            raise DeviceError(
                f"{self._asked()} cannot be opened: {error}",
                f"{self._meant(outputs)}Outputs that PortAudio sees: {names}. "
                "Choose one with --audio NAME.",
            ) from error
        self.rate_hz = float(self._stream.samplerate)
        self.latency_seconds = sane_latency(self._stream.latency, self.block_frames, self.rate_hz)

    def _asked(self) -> str:
        return "a sound card" if self._device is None else f"audio device {self._device!r}"

    def _meant(self, outputs: list[str]) -> str:
        """Ask back about a misspelt name."""
        from instrument.schema import nearest

        asked = nearest(str(self._device or ""), [*outputs, "auto", "jack", "null"])
        return f"{asked} ".lstrip()

    def _open_stream(self, sounddevice: Any, state: EngineState) -> Any:
        ffi = sounddevice._ffi
        return sounddevice._StreamBase(
            kind="output",
            samplerate=self.rate_hz,
            blocksize=self.block_frames,
            device=self._device,
            channels=2,
            dtype="float32",
            latency="low",
            callback=ffi.cast("PaStreamCallback *", load_machine_code().portaudio_callback),
            userdata=ffi.cast("void *", int(state.fields.ctypes.data)),
            wrap_callback=None,
            prime_output_buffers_using_stream_callback=False,
        )

    def start(self) -> None:
        """Start the stream and ask for real-time priority for the thread it makes."""
        threads_before = thread_ids()
        self._stream.start()
        self.is_realtime = raise_priority(thread_ids() - threads_before)

    def close(self) -> None:
        """Stop at once."""
        if self._stream is not None:
            self._stream.close(ignore_errors=True)
            self._stream = None

    def is_alive(self) -> bool:
        """Tell whether the stream runs; a device that was unplugged stops it."""
        return self._stream is not None and bool(self._stream.active)


class NullSink:
    """No device: the clock of the machine asks for blocks, so that everything else still works.

    Its thread is Python's, paced by the monotonic clock; only the pacing needs the interpreter
    lock. A late block is made up for, so the stream keeps real time on average.
    """

    kind = "null"

    def __init__(self, rate_hz: float = 0.0, block_frames: int = 0) -> None:
        self.name = "nowhere (no audio device)"
        self.rate_hz = rate_hz or DEFAULT_RATE_HZ
        self.block_frames = block_frames or DEFAULT_BLOCK_FRAMES
        self.latency_seconds = 0.0
        self.is_realtime = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._address = 0

    def open(self, state: EngineState) -> None:
        """Remember whom to ask."""
        self._address = int(state.fields.ctypes.data)

    def start(self) -> None:
        """Start the pacing thread."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._pace, name="null-sink", daemon=True)
        self._thread.start()

    def _pace(self) -> None:
        import numpy as np

        block = np.zeros((self.block_frames, 2), np.float32)
        callback = PORTAUDIO_CALLBACK(load_machine_code().portaudio_callback)
        period_ns = self.block_frames / self.rate_hz * 1e9
        due_ns = float(now_ns())
        while not self._stop.wait(max((due_ns - now_ns()) * 1e-9, 0.0)):
            callback(None, block.ctypes.data, self.block_frames, None, 0, self._address)
            self.take(block)
            due_ns += period_ns
            if now_ns() - due_ns > 1e9:  # the machine slept: do not race to catch up
                due_ns = float(now_ns())

    def take(self, block: Any) -> None:
        """Do something with a block: float32, shape (block_frames, 2). Pacing thread."""

    def close(self) -> None:
        """Stop the pacing thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
            self._thread = None

    def is_alive(self) -> bool:
        """Tell whether the pacing thread runs."""
        return self._thread is not None and self._thread.is_alive()


class WavSink(NullSink):
    """A file as a device, in real time: what is played ends up in a WAV.

    For rendering faster than real time use `instrument.realtime.offline_engine` directly.

    Parameters
    ----------
    path
        Written under another name beside it and renamed when the sink is closed.

    Attributes
    ----------
    problem
        What has ended the file, and with it the sink, before it was closed.
    """

    kind = "wav"

    def __init__(self, path: Path, rate_hz: float = 0.0, block_frames: int = 0) -> None:
        super().__init__(rate_hz, block_frames)
        self.name = str(path)
        self.problem: FileError | None = None
        self._path = path
        self._file: WavFile | None = None
        self._entry: HeldFile | None = None

    def open(self, state: EngineState) -> None:
        """Create the file."""
        from instrument.unfinished import write_down
        from instrument.wav_files import WavFile  # soundfile: not needed otherwise

        super().open(state)
        rate_hz = int(self.rate_hz)
        try:
            self._file = WavFile(self._path, rate_hz)
        except FileError as problem:
            raise DeviceError(problem.message, problem.remedy) from problem
        with contextlib.suppress(FileError):  # then it only cannot be saved after a crash
            self._entry = write_down(self._path, self._file.temporary, rate_hz)

    def take(self, block: Any) -> None:
        """Append one block; trouble with the file ends the sink and keeps what there is."""
        if self._file is None:
            return
        try:
            self._file.write(block)
        except FileError as problem:
            self._file.keep_beginning()
            self._file, self.problem = None, problem
            self._stop.set()

    def close(self) -> None:
        """Finish the file and give it its name."""
        super().close()
        file, self._file = self._file, None
        if file is not None:
            try:
                file.finish_or_keep()
            except FileError as problem:
                self.problem = problem
        if self._entry:
            self._entry.release()


def output_names(sounddevice: Any) -> list[str]:
    """Return the names of the devices that can play stereo."""
    return [
        str(device["name"])
        for device in sounddevice.query_devices()
        if device["max_output_channels"] >= 2
    ]


def sane_latency(claimed_seconds: float, block_frames: int, rate_hz: float) -> float:
    """Return PortAudio's latency, or two blocks where its figure cannot be true.

    On PipeWire's JACK it has been seen to underflow to 89478 seconds.
    """
    if math.isfinite(claimed_seconds) and 0.0 < claimed_seconds < LONGEST_LATENCY_SECONDS:
        return float(claimed_seconds)
    return 2.0 * block_frames / rate_hz


def thread_ids() -> set[int]:
    """Return this process's threads as the kernel numbers them; empty where it does not tell."""
    tasks = Path("/proc/self/task")
    return {int(task.name) for task in tasks.iterdir()} if tasks.is_dir() else set()


def raise_priority(threads: set[int], priority: int = REALTIME_PRIORITY) -> bool:
    """Ask for SCHED_FIFO for these threads; True if at least one has it. Linux only.

    CoreAudio and WASAPI give their threads real-time priority themselves.
    """
    if sys.platform != "linux":
        return sys.platform in ("darwin", "win32")
    granted = False
    for thread in threads:
        try:
            if os.sched_getscheduler(thread) != os.SCHED_FIFO:
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))
            granted = True
        except (PermissionError, ProcessLookupError):
            continue
    return granted
