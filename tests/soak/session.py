"""A real session that is played by random hands and watched: memory, late events, stuck notes."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
import jack
import numpy as np
import psutil

from instrument.midi.messages import is_note_on, message_of
from instrument.realtime.memory.constants import OUR_SOURCE
from tests.helpers.live.jack_server import JackServer, running_jack
from tests.helpers.live.play import COMMAND, PROCESSES, Played
from tests.soak.player import CHANNELS, hands_away, random_hands

LOOK_SECONDS = 15.0
REST_SECONDS = 30.0
"""After it nothing of what was played may sound."""
COUNTERS = (
    *("late_events", "lost_events", "invalid_samples", "stray_bytes", "underruns"),
    *("blocks", "cut_steals", "stolen_voices"),
)
_PROGRAM_SECONDS = 90.0
_PROGRAMS = 40
_SETTLED_SHARE = 0.25
"""Of the time, in which everything is read and rendered for the first time."""
_PANEL = "instrument.panel.process"


@dataclass(slots=True)
class Watched:
    """What was seen.

    Attributes
    ----------
    memory
        By process: seconds, resident and private bytes.
    sent, applied
        Note-ons of the hands.
    meters
        The engine's counters at the end.
    stuck
        Keys that are down, and voices that sound, long after the hands are away.
    """

    memory: dict[str, list[tuple[float, int, int]]] = field(default_factory=dict)
    sent: int = 0
    applied: int = 0
    meters: dict[str, int] = field(default_factory=dict)
    stuck: int = 0
    said: str = ""

    def slopes_mb_per_hour(self, name: str) -> tuple[float, float]:
        """Return how a process's resident and private memory grow, once it has settled."""
        found = np.array(self.memory[name], np.float64)
        settled = found[found[:, 0] >= _SETTLED_SHARE * found[-1, 0]]
        slope = np.polyfit(settled[:, 0], settled[:, 1:], 1)[0]
        return float(slope[0] * 3600 / 2**20), float(slope[1] * 3600 / 2**20)


def watch_session(minutes: float, seed: int) -> Watched:
    """Play for some minutes on a JACK server of its own."""
    with running_jack(128, "soak") as server, tempfile.TemporaryDirectory() as home:
        own = {"XDG_DATA_HOME": f"{home}/data", "XDG_CACHE_HOME": f"{home}/cache"}
        command = subprocess.Popen(
            [*COMMAND, "play", "--preset", "glass_choir", "--partner", "duet"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**server.environment, **own},
        )
        try:
            instrument = Played(command)
            with contextlib.closing(_Hands(server, instrument, seed)) as hands:
                return hands.play(60.0 * minutes)
        finally:
            command.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.communicate(timeout=20)


class _Hands:
    """Play and look, from one thread; JACK's own sends."""

    def __init__(self, server: JackServer, instrument: Played, seed: int) -> None:
        self._instrument, self._rng = instrument, random.Random(seed)
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._client = jack.Client("hands", no_start_server=True, servername=server.name)
        self._port = self._client.midi_outports.register("out")
        self._client.set_process_callback(self._process)
        self._client.activate()
        self._client.connect(self._port, "latentkeys:midi_in")
        self._log = instrument.state.read_log()
        self._seen = Watched()

    def close(self) -> None:
        self._client.deactivate()
        self._client.close()

    def _process(self, _: int) -> None:
        self._port.clear_buffer()
        while not self._waiting.empty():
            self._port.write_midi_event(0, self._waiting.get())

    def play(self, seconds: float) -> Watched:
        began = due = time.monotonic()
        next_look = next_program = began
        for pause, message in random_hands(self._rng):
            due += pause
            time.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            if now > began + seconds:
                break
            self._send(message)
            if now > next_program:
                next_program = now + _PROGRAM_SECONDS
                self._send(bytes((0xC0, self._rng.randrange(_PROGRAMS))))
            if now > next_look:
                next_look = now + LOOK_SECONDS
                self._look(now - began)
        return self._end()

    def _send(self, message: bytes) -> None:
        self._seen.sent += is_note_on(message)
        self._waiting.put(message)

    def _look(self, seconds: float) -> None:
        self._read_log()
        modules = {module: name for name, module in PROCESSES.items()} | {_PANEL: "panel"}
        own = psutil.Process(self._instrument.command.pid)
        for process in (own, *own.children()):
            with contextlib.suppress(psutil.Error):
                found = [modules[word] for word in process.cmdline() if word in modules]
                memory = process.memory_full_info()
                name = found[0] if found else "control"
                if process == own or found:
                    row = (seconds, memory.rss, memory.uss)
                    self._seen.memory.setdefault(name, []).append(row)

    def _read_log(self) -> None:
        for event in self._log.read():
            if event["source"] == OUR_SOURCE:
                self._seen.applied += is_note_on(message_of(event))

    def _end(self) -> Watched:
        for message in hands_away():
            self._waiting.put(message)
        time.sleep(REST_SECONDS)
        self._read_log()
        state, seen = self._instrument.state, self._seen
        oldest = state.clock - round(REST_SECONDS / 2 * state.rate_hz)
        voices = state.voices
        sounds = (voices["stage"] > 0) & (voices["start_frame"] < oldest)
        held = state.fields["held_by"][OUR_SOURCE, :CHANNELS]
        seen.stuck = int(sounds.sum()) + int((held > 0).sum())
        seen.meters = {name: int(state.meters[name]) for name in COUNTERS}
        seen.said = self._instrument.end()
        return seen


def print_session(seen: Watched, minutes: float) -> None:
    """Print a table of memory and a line of everything else."""
    click.echo("| process | resident, MB | MB/h | private, MB | MB/h |\n|---|--:|--:|--:|--:|")
    for name, rows in sorted(seen.memory.items()):
        resident, private = seen.slopes_mb_per_hour(name)
        _, rss, uss = rows[-1]
        click.echo(
            f"| {name} | {rss / 2**20:.1f} | {resident:.2f} | {uss / 2**20:.1f} | {private:.2f} |"
        )
    click.echo(
        f"\n{minutes:g} minutes; {seen.sent:,} notes sent, {seen.applied:,} applied, "
        f"{seen.stuck} stuck; {seen.meters}; load {os.getloadavg()}"
    )
    click.echo(f"\nIt said:\n{seen.said}")


def save_memory(seen: Watched, file: Path) -> None:
    """Write every look at the memory: process, seconds, resident and private bytes."""
    lines = [f"{n},{s:.0f},{r},{u}" for n, rows in seen.memory.items() for s, r, u in rows]
    file.write_text("\n".join(["process,seconds,resident,private", *lines]) + "\n")
