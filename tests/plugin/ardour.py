"""Ardour 7 with the plug-in on a track: played, recorded, saved, opened again and bounced."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jack
import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.helpers.live.jack_server import JackServer
from tests.helpers.live.patience import wait_for

PATIENCE_SECONDS = 120.0
SCANNER = Path("/usr/lib/ardour7/ardour-vst3-scanner")
CABLES = (
    ("fingers:keys", "ardour:Keys/midi_in 1"),
    ("ardour:Keys/audio_out 1", "fingers:left"),
    ("ardour:Keys/audio_out 2", "fingers:right"),
)


class Fingers:
    """Somebody who plays a phrase on a keyboard and hears the track, frame by frame."""

    def __init__(self, server: JackServer, phrase: Sequence[tuple[int, bytes]]) -> None:
        self.client = jack.Client("fingers", no_start_server=True, servername=server.name)
        self._keys = self.client.midi_outports.register("keys")
        self._ears = [self.client.inports.register(name) for name in ("left", "right")]
        self._phrase = list(phrase)
        self._waiting: list[tuple[int, bytes]] = []
        self._now = 0
        self.heard: list[NDArray[np.float32]] = []
        self.is_listening = threading.Event()
        self.client.set_process_callback(self._process)
        self.client.activate()

    def connect_all(self) -> None:
        """Plug in all cables; every port must have come."""
        for output, target in CABLES:
            for name in (output, target):
                wait_for(partial(self._is_there, name), f"port {name}", PATIENCE_SECONDS)
            self.client.connect(output, target)

    def _is_there(self, name: str) -> bool:
        return any(port.name == name for port in self.client.get_ports())

    def begin(self, *, plays: bool) -> None:
        """Listen from the next block on, and play the phrase if told so."""
        self.heard, self._now = [], 0
        self._waiting = list(self._phrase) if plays else []
        self.is_listening.set()

    def end(self) -> NDArray[np.float32]:
        """Return what was heard: float32, shape (2, frames)."""
        self.is_listening.clear()
        return np.concatenate(self.heard, axis=1)

    def _process(self, frames: int) -> None:
        self._keys.clear_buffer()
        if not self.is_listening.is_set():
            return
        while self._waiting and self._waiting[0][0] < self._now + frames:
            at, data = self._waiting.pop(0)
            self._keys.write_midi_event(at - self._now, data)
        self.heard.append(np.array([ear.get_array() for ear in self._ears], np.float32))
        self._now += frames

    def close(self) -> None:
        self.client.deactivate()
        self.client.close()


def scan(bundle: Path) -> None:
    """Let Ardour's scanner accept the plug-in, as its Plugin Manager does."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(SCANNER.parent)}
    command = [str(SCANNER), "-f", "-v", str(bundle)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    found = list(Path(os.environ["XDG_CACHE_HOME"], "ardour7").rglob("*.v3i"))
    assert found and "latentkeys" in found[0].read_text(), done.stdout + done.stderr


def bounce(folder: Path, snapshot: str, out: Path) -> NDArray[np.float32]:
    """Open the session in a new process and export it: float32, shape (2, frames)."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder.parent / "settings")}
    done = subprocess.run(
        ["ardour7-export", "-b", "32", "-o", out, folder, snapshot],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and out.is_file(), done.stdout + done.stderr
    audio, rate = soundfile.read(out, dtype="float32", always_2d=True)
    assert rate == 48_000
    return np.asarray(audio, np.float32).T


def lag_of(heard: NDArray[np.float32], expected: NDArray[np.float32]) -> int:
    """Return after how many frames `expected` begins in `heard`, by their first samples."""
    first = int(np.argmax(np.any(expected != 0.0, axis=0)))
    return int(np.argmax(np.any(heard != 0.0, axis=0))) - first
