"""``latentkeys bench partner``: how soon the partner thinks, and how exactly it plays.

How soon it thinks is measured in `instrument.bench.music.partner_thinking`. Playing is measured in
a session on a private JACK server: what the kernel applied and when, against the plan that a replay
of the same session gives.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from instrument.bench.harness import Row, not_measured
from instrument.bench.live.jack_server import private_jack
from instrument.bench.music.partner_thinking import MODEL, most, percentile, thinking_rows
from instrument.bench.peers.child import PeerMissing
from instrument.bench.report import Report
from instrument.engine.messages import EngineSettings
from instrument.errors import LatentkeysError
from instrument.midi.messages import is_note_on, message_of, note_off, note_on
from instrument.partner.commands import Keep
from instrument.partner.messages import Kept, Listening
from instrument.partner.takes.replay import replay
from instrument.partner.takes.take import read_take
from instrument.preset.partner_options import PartnerOptions
from instrument.processes.child_process import ChildProcess
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import FADE_OUT, PARTNER_SOURCE, TO_OUT
from instrument.realtime.memory.state import EngineState
from instrument.session.children.partner_process import PartnerProcess

Said = TypeVar("Said")

_RATE_HZ = 48_000
_START_SECONDS = 30.0
_LEFT_OUT_FRAMES = 0.1 * _RATE_HZ
"""What would come so late is left out (`instrument.partner.engine_bridge`)."""


def bench_partner(seconds: float = 60.0) -> Report:
    """Measure thinking, then `seconds` of playing."""
    report = Report("partner")
    try:
        report.rows += thinking_rows(report)
        report.rows += _playing(report, seconds)
    except (LatentkeysError, PeerMissing) as missing:
        report.rows.append(not_measured("the partner", "ms", str(missing)))
    return report


def _playing(report: Report, seconds: float) -> list[Row]:
    """Let a partner answer a player in real time; compare what happened with the plan."""
    with private_jack() as server, _session(server.environment) as (state, link, folder):
        report.facts["server"] = str(server)
        log = state.read_log()
        events = _play_for(state, seconds, log.read)
        link.send(Keep())
        take = read_take(Path(_wait(link, Kept).folder))
        report.facts["late events"] = str(int(state.meters["late_events"]))
    del folder
    applied = [
        (int(e["time_frames"]), message_of(e), int(e["value"]))
        for e in events
        if e["source"] == PARTNER_SOURCE
    ]
    planned = [(m.frame, m.data, m.to) for m in replay(take)]
    late = {to: lateness(planned, applied, to) for to in (0, TO_OUT)}
    silence = _silences(events)
    left_out = sum(int(np.isinf(frames).sum()) for frames in late.values())
    report.facts["strikes left out"] = f"{left_out} of {sum(map(len, late.values()))}"
    return [
        Row("own voices, off the plan, p99", "frames", percentile(late[0], 99), goal=most(0.0)),
        Row("MIDI output, off the plan, median", "ms", _ms(late[TO_OUT], 50), goal=most(0.3)),
        Row("MIDI output, off the plan, p99", "ms", _ms(late[TO_OUT], 99), goal=most(1.0)),
        Row(
            "player's return to silence, p99",
            "ms",
            _ms(silence, 99) if len(silence) else None,
            goal=most(5.0),
            note=f"{len(silence)} returns in {seconds:.0f} s",
        ),
    ]


def _play_for(
    state: EngineState, seconds: float, read: Callable[[], NDArray[np.void]]
) -> list[np.void]:
    """Play short phrases, and into every second answer; return the log."""
    random, events = np.random.default_rng(2), []
    until, turn = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for pitch in 60 + random.integers(-5, 8, 6 if turn % 2 == 0 else 1):
            ControlInput(state).send(note_on(int(pitch), 90))
            time.sleep(0.12)
            ControlInput(state).send(note_off(int(pitch)))
        time.sleep(2.2 + float(random.uniform(0, 1)))
        events += list(read())
        turn += 1
    return events


@contextmanager
def _session(environment: dict[str, str]) -> Iterator[tuple[EngineState, PartnerProcess, Path]]:
    os.environ.update(environment)
    with tempfile.TemporaryDirectory(prefix="latentkeys-bench-") as name:
        folder = Path(name)
        EngineSettings(audio="jack", hardware_midi=False).save(folder)
        state = EngineState.create(folder, note_seconds=0.5)
        engine = ChildProcess("instrument.engine.process", folder)
        options = PartnerOptions(model=MODEL, answer_bars=1)
        link = PartnerProcess(state, folder, options)
        try:
            _wait(link, Listening)
            yield state, link, folder
        finally:
            link.end()
            state.command(FADE_OUT)
            engine.end(3.0)


def _wait(link: PartnerProcess, kind: type[Said]) -> Said:
    """Wait until the partner says something of a kind."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        for report in link.follow():
            if isinstance(report, kind):
                return report
        time.sleep(0.01)
    raise PeerMissing(f"the partner did not say {kind.__name__} within {_START_SECONDS:.0f} s")


def lateness(
    planned: list[tuple[int, bytes, int]], applied: list[tuple[int, bytes, int]], to: int
) -> NDArray[np.float64]:
    """Return how many frames after the plan each strike was applied.

    Parameters
    ----------
    planned, applied
        Frame, message and way of each, in order.
    to
        Which way counts.

    Returns
    -------
    float64 array
        One number for each planned strike; infinity for one that was left out.
    """
    plan, done = (
        [(frame, data) for frame, data, where in side if where == to and is_note_on(data)]
        for side in (planned, applied)
    )
    found = []
    for frame, data in plan:
        late = [at - frame for at, what in done if what == data and at >= frame]
        soonest = min(late, default=math.inf)
        found.append(soonest if soonest <= _LEFT_OUT_FRAMES else math.inf)
    return np.array(found, np.float64)


def _silences(events: list[np.void]) -> NDArray[np.float64]:
    """Return frames from each strike of the player into an answer to the end of what sounded."""
    sounding: set[int] = set()
    waits: dict[int, int] = {}
    found = []
    for event in events:
        data, frame = message_of(event), int(event["time_frames"])
        is_strike = is_note_on(data)
        if event["source"] != PARTNER_SOURCE:
            if is_strike:
                waits |= {pitch: frame for pitch in sounding if pitch not in waits}
        elif event["value"] != TO_OUT and is_strike:
            sounding.add(data[1])
        elif event["value"] != TO_OUT and data[1] in sounding:
            sounding.discard(data[1])
            if data[1] in waits:
                found.append(frame - waits.pop(data[1]))
    return np.array(found, np.float64)


def _ms(frames: NDArray[np.float64], percent: float) -> float:
    return 1e3 * percentile(frames, percent) / _RATE_HZ
