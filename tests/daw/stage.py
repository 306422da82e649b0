"""Ardour, a keyboard and latentkeys on one private JACK server, connected as a person would."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import jack

from tests.helpers.live.jack_server import JackServer
from tests.helpers.live.patience import wait_for

RECORD = Path(__file__).with_name("record.lua")
PATIENCE_SECONDS = 120.0  # for a machine with much else to do
TICKS_PER_BEAT = 24
_CABLES = (
    ("ardour:MIDI Clock out", "latentkeys:midi_in"),
    ("ardour:MIDI Clock out", "fingers:clock"),
    ("fingers:keys", "ardour:Player/midi_in 1"),
    ("ardour:Player/midi_out 1", "latentkeys:midi_in"),
    ("latentkeys:out", "ardour:Answer/midi_in 1"),
    ("latentkeys:out", "fingers:answer"),
    ("latentkeys:out_L", "ardour:Sound/audio_in 1"),
    ("latentkeys:out_R", "ardour:Sound/audio_in 2"),
)
_OPTIONS = (
    ("send-midi-clock", 1),
    # Else its ports are 16 frames late, and it drops the clock's start: "write failed".
    ("port-resampler-quality", 0),
)

Played = tuple[float, float, int]  # start and length in beats, pitch


class Fingers:
    """A keyboard player who counts Ardour's clock ticks, and hears what the partner sends.

    Attributes
    ----------
    ticks
        Of Ardour's clock, since its start.
    stop_frames
        When Ardour's clock said stop.
    heard
        What came from ``latentkeys:out``: frame and message.
    """

    def __init__(self, server: JackServer, notes: list[Played]) -> None:
        self.client = jack.Client("fingers", no_start_server=True, servername=server.name)
        self._keys = self.client.midi_outports.register("keys")
        self._clock = self.client.midi_inports.register("clock")
        self._answer = self.client.midi_inports.register("answer")
        strikes = [(start, bytes((0x90, pitch, 100))) for start, _, pitch in notes]
        lifts = [(start + length, bytes((0x80, pitch, 64))) for start, length, pitch in notes]
        self._waiting = sorted(strikes + lifts)
        self.ticks = 0
        self.stop_frames: list[int] = []
        self.heard: list[tuple[int, bytes]] = []
        self.client.set_process_callback(self._process)
        self.client.activate()

    @property
    def beats(self) -> float:
        """Where Ardour is."""
        return (self.ticks - 1) / TICKS_PER_BEAT

    def _process(self, frames: int) -> None:
        now = self.client.last_frame_time
        self._keys.clear_buffer()
        for offset, data in self._clock.incoming_midi_events():
            status = bytes(data)[0]
            if status == 0xF8:
                self.ticks += 1
                while self._waiting and self._waiting[0][0] <= self.beats + 1e-6:
                    self._keys.write_midi_event(offset, self._waiting.pop(0)[1])
            elif status == 0xFA:
                self.ticks = 0
            elif status == 0xFC:
                self.stop_frames.append(now + offset)
        for offset, data in self._answer.incoming_midi_events():
            self.heard.append((now + offset, bytes(data)))

    def keys_down(self, frame: float = float("inf")) -> set[int]:
        """Return which of the partner's keys are down at the MIDI output at a frame."""
        down: set[int] = set()
        for at, data in list(self.heard):
            if at <= frame and data[0] & 0xF0 == 0x90 and data[2] > 0:
                down.add(data[1])
            elif at <= frame and data[0] & 0xF0 in (0x80, 0x90):
                down.discard(data[1])
        return down

    def connect_all(self) -> None:
        """Plug in all cables; every port must have come."""
        for output, target in _CABLES:
            for name in (output, target):
                wait_for(partial(self._is_there, name), f"port {name}", PATIENCE_SECONDS)
            self.client.connect(output, target)

    def _is_there(self, name: str) -> bool:
        return any(port.name == name for port in self.client.get_ports())

    def close(self) -> None:
        self.client.deactivate()
        self.client.close()


class Ardour:
    """Ardour without a window, driven by ``record.lua`` or another script."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: list[str] = []
        self._read = 0  # lines of it
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line.strip())

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def do(self, command: str) -> None:
        """Give a command and wait until it is done."""
        self.say(command)
        self.wait_for(command)

    def wait_for(self, word: str) -> None:
        """Wait until Ardour says a word that it has not said before."""

        def has_said() -> bool:
            said = self._said[self._read :]
            assert self._process.poll() is None or word in said, "\n".join(said[-8:])
            return word in said

        wait_for(has_said, f"Ardour's {word!r}", PATIENCE_SECONDS)
        self._read += self._said[self._read :].index(word) + 1


@contextlib.contextmanager
def running_ardour(server: JackServer, folder: Path, script: Path = RECORD) -> Iterator[Ardour]:
    """Run Ardour with settings of its own: it sends its MIDI clock."""
    settings = folder / "settings" / "ardour7"
    settings.mkdir(parents=True)
    options = "".join(f'<Option name="{name}" value="{value}"/>' for name, value in _OPTIONS)
    (settings / "config").write_text(f"<Ardour><Config>{options}</Config></Ardour>\n")
    process = subprocess.Popen(
        ["ardour7-lua", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **server.environment,
            "XDG_CONFIG_HOME": str(folder / "settings"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(folder / "cache")),
        },
    )
    try:
        yield Ardour(process)
    finally:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(10)
