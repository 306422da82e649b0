"""``latentkeys bench start``: from the command to the first sound, and what it costs in memory.

The instrument is started as a user starts it, against a private JACK server. A probe waits for its
ports, connects them, and strikes middle C again and again until something is heard: that is the
first sound, maybe on a stand-in. The first *true* sound is there when the preset's own middle C is
in the tone table.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from instrument.bench.harness import Goal, Row, not_measured
from instrument.bench.live.jack_server import JackServer, private_jack
from instrument.bench.live.live_instrument import LiveInstrument, live_instrument
from instrument.bench.live.note_probe import NoteProbe
from instrument.bench.peers.child import PeerMissing
from instrument.bench.report import Report
from instrument.midi.messages import note_on
from instrument.realtime.memory.constants import HIGHEST_PITCH, LOWEST_PITCH

MIDDLE_C = 60
PITCHES = range(LOWEST_PITCH, HIGHEST_PITCH + 1)
AUDIBLE = 1e-4  # -80 dB of full scale
PLAYABLE = Goal(1.5, is_ratio=False)
WARM_KIND, COLD_KIND = "notes cached", "no cache"
ENGINE_MEGABYTES = Goal(250.0, is_ratio=False)
NO_TORCH = Goal(0.0, is_ratio=False)
COLD_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds since the command, memory in MB (own, JACK's), processes with torch."""

    first_sound: float
    first_true_sound: float
    all_keys: float
    megabytes: dict[str, tuple[float, float]]
    with_torch: int


def bench_start(rounds: int = 5, preset: str | None = None) -> Report:
    """Start the instrument again and again, with and without its cache of rendered notes."""
    report = Report("start")
    arguments = ["--audio", "jack", *(["--preset", preset] if preset else [])]
    try:
        with private_jack(name="start") as server, tempfile.TemporaryDirectory() as cache:
            report.facts["server"] = str(server)
            report.rows += _cold_rows(report, server, arguments)
            report.rows += _warm_rows(report, server, arguments, cache, rounds)
    except PeerMissing as reason:
        report.rows.append(not_measured("start to first sound", "s", str(reason), goal=PLAYABLE))
    report.rows += _collection_rows()
    return report


def _cold_rows(report: Report, server: JackServer, arguments: Sequence[str]) -> list[Row]:
    starts = []
    for _ in range(COLD_ROUNDS):
        with tempfile.TemporaryDirectory() as cache:
            report.canary.listen()
            starts.append(_start_once(server, arguments, {"XDG_CACHE_HOME": cache}))
    return _time_rows(COLD_KIND, starts, None)


def _warm_rows(
    report: Report, server: JackServer, arguments: Sequence[str], cache: str, rounds: int
) -> list[Row]:
    environment = {"XDG_CACHE_HOME": cache}
    _start_once(server, arguments, environment)  # fills the cache
    starts = []
    for _ in range(rounds):
        report.canary.listen()
        starts.append(_start_once(server, arguments, environment))
    rows = _time_rows(WARM_KIND, starts, PLAYABLE)
    for role in starts[0].megabytes:
        own, shared = max(start.megabytes[role] for start in starts)
        goal = ENGINE_MEGABYTES if role == "engine" else None
        note = (
            f"and {shared:.0f} MB of the JACK server's, which every client maps" if shared else ""
        )
        name = f"{role} process, resident"
        rows.append(Row(name, "MB", own, goal=goal, note=note, needs_quiet=False))
    with_torch = max(start.with_torch for start in starts)
    name = "processes that load torch"
    rows.append(Row(name, "of 3", with_torch, goal=NO_TORCH, needs_quiet=False))
    return rows


def _time_rows(kind: str, starts: Sequence[Start], true_goal: Goal | None) -> list[Row]:
    def row(name: str, seconds: list[float], goal: Goal | None) -> Row:
        note = f"{min(seconds):.2f} to {max(seconds):.2f} s in {len(seconds)} starts"
        return Row(f"{name}, {kind}", "s", ours=statistics.median(seconds), goal=goal, note=note)

    return [
        row("first sound", [start.first_sound for start in starts], PLAYABLE),
        row("first true sound", [start.first_true_sound for start in starts], true_goal),
        row("all 88 keys whole", [start.all_keys for start in starts], None),
    ]


def _start_once(
    server: JackServer, arguments: Sequence[str], environment: Mapping[str, str]
) -> Start:
    with (
        NoteProbe(server) as probe,
        live_instrument(arguments, {**environment, **server.environment}) as instrument,
    ):
        instrument.wait_for(probe.connect, "its JACK ports", 20.0)
        first_sound = instrument.wait_for(lambda: _strike(probe, instrument), "a sound", 20.0)
        first_true = instrument.wait_for(
            lambda: instrument.has_note(MIDDLE_C), "a rendered note", 30.0
        )
        all_keys = instrument.wait_for(
            lambda: instrument.has_notes(PITCHES, are_whole=True), "all notes", 120.0
        )
        processes = instrument.processes()
        megabytes, with_torch = instrument.megabytes(), _count_torch(processes)
        return Start(first_sound, first_true, all_keys, megabytes, with_torch)


def _strike(probe: NoteProbe, instrument: LiveInstrument) -> float | None:
    """Strike middle C, listen for a moment; return the seconds since the command once it sounds."""
    now = probe.now
    probe.send(now, note_on(MIDDLE_C))
    time.sleep(0.01)
    heard = probe.heard(now - 2000, now + 48_000)
    return instrument.since() if np.abs(heard).max(initial=0.0) > AUDIBLE else None


def _count_torch(processes: Mapping[str, object]) -> int:
    """Count the processes that have torch's libraries mapped."""
    count = 0
    for process in processes.values():
        maps = process.memory_maps()  # type: ignore[attr-defined]
        count += any("libtorch" in mapping.path for mapping in maps)
    return count


def _collection_rows() -> list[Row]:
    """Time a full garbage collection with everything that a process imports."""
    script = (
        "import gc, time, {module}\n"
        "start = time.perf_counter(); gc.collect(); print(time.perf_counter() - start)"
    )
    rows = []
    for module in (
        "instrument.engine.process",
        "instrument.rendering.process",
        "instrument.session.control",
    ):
        name = f"full garbage collection, {module} imported"
        run = subprocess.run(
            [sys.executable, "-c", script.format(module=module)], capture_output=True, text=True
        )
        if run.returncode == 0:
            rows.append(Row(name, "ms", ours=1000 * float(run.stdout)))
        else:
            rows.append(not_measured(name, "ms", run.stderr.strip().splitlines()[-1]))
    return rows
