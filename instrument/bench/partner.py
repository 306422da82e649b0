"""``latentkeys bench partner``: how soon the partner thinks, and how exactly it plays.

Thinking is timed in virtual time, so the clock on the wall counts nothing but the work. Playing is
measured in a session on a private JACK server: what the kernel applied and when, against the plan
that a replay of the same session gives.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from instrument.bench.harness import Goal, Row, not_measured
from instrument.bench.jack_server import private_jack
from instrument.bench.peers.child import PeerMissing
from instrument.bench.report import Report
from instrument.engine.messages import EngineSettings
from instrument.errors import LatentkeysError
from instrument.midi.messages import control_change, is_note_on, message_of, note_off, note_on
from instrument.partner.commands import Keep
from instrument.partner.messages import Kept, Listening
from instrument.partner.open_partner import open_partner
from instrument.partner.partner import Partner
from instrument.partner.takes.replay import replay
from instrument.partner.takes.take import read_take
from instrument.preset.partner_options import ModeName, PartnerOptions
from instrument.processes.child_process import ChildProcess
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import FADE_OUT, PARTNER_SOURCE, TO_OUT
from instrument.realtime.memory.state import EngineState
from instrument.session.partner_process import PartnerProcess

Said = TypeVar("Said")

MODEL = "note_lstm_tunes"
_RATE_HZ, _BEAT = 48_000, 24_000
_PHRASES, _RETURNS = 60, 60
_END = 67
_START_SECONDS = 30.0


def bench_partner(seconds: float = 60.0) -> Report:
    """Measure thinking, then `seconds` of playing."""
    report = Report("partner")
    try:
        report.rows += _thinking(report)
        report.rows += _playing(report, seconds)
    except (LatentkeysError, PeerMissing) as missing:
        report.rows.append(not_measured("the partner", "ms", str(missing)))
    return report


def _thinking(report: Report) -> list[Row]:
    report.canary.sing()
    first, answered = _first_notes()
    report.canary.sing()
    refill, ahead = _refills()
    report.canary.sing()
    on_line = 100.0 * answered
    return [
        Row("phrase's end to the first note, median", "ms", _at(first, 50), goal=_most(2.0)),
        Row("phrase's end to the first note, p99", "ms", _at(first, 99), goal=_most(10.0)),
        Row("phrases not answered on the next beat", "%", 100.0 - on_line, goal=_most(0.0)),
        Row("a bar thought anew, median", "ms", _at(refill, 50), goal=_most(50.0)),
        Row("a bar thought anew, p99", "ms", _at(refill, 99), goal=_most(50.0)),
        Row("time with less than a bar ahead", "%", 100.0 * (1.0 - ahead), goal=_most(0.1)),
    ]


def _first_notes() -> tuple[NDArray[np.float64], float]:
    """Return milliseconds from phrases' ends to first notes, and the share that came on time."""
    random, partner, times, on_time = np.random.default_rng(1), _partner("answer"), [], 0
    for _ in range(_PHRASES):
        _play_phrase(partner, random)
        end = partner.frame
        began = time.perf_counter()
        partner.hear(end, control_change(_END, 127))
        struck: list[int] = []
        partner.step()
        while not partner.plan.notes:
            partner.step()
        times.append(1e3 * (time.perf_counter() - began))
        line = -(-(end + _RATE_HZ // 50 - _offset(partner)) // _BEAT) * _BEAT + _offset(partner)
        while not struck:
            struck = [m.frame for m in partner.step() if is_note_on(m.data)]
        on_time += struck[0] == line
        _live(partner, 9 * _BEAT)
    return np.array(times), on_time / _PHRASES


def _refills() -> tuple[NDArray[np.float64], float]:
    """Return milliseconds for a bar after a strike, and the share of time with a bar ahead.

    The player strikes every second bar at 120 beats per minute, and all is thought anew.
    """
    partner, times = _partner("duet"), []
    partner.hear(partner.frame, note_on(60))
    partner.hear(partner.frame, note_off(60))
    _live(partner, 8 * _BEAT)
    for number in range(_RETURNS):
        partner.hear(partner.frame, note_on(60 + number % 12, 90))
        partner.hear(partner.frame, note_off(60 + number % 12))
        began = time.perf_counter()
        while (partner.plan.end_beats or 0.0) < partner.beats + 4.0:
            partner.step()
        times.append(1e3 * (time.perf_counter() - began))
        until = partner.frame + 8 * _BEAT
        while partner.frame < until:
            partner.step()
    thought, played = 1e-3 * sum(times), _RETURNS * 8 * _BEAT / _RATE_HZ
    return np.array(times), 1.0 - thought / played


def _partner(mode: ModeName) -> Partner:
    options = PartnerOptions(mode=mode, model=MODEL, end_control=_END, silence_beats=16.0)
    partner = open_partner(options, _RATE_HZ)
    partner.begin_at(0)
    return partner


def _offset(partner: Partner) -> int:
    return partner.transport.frame_at(0.0)


def _play_phrase(partner: Partner, random: np.random.Generator) -> None:
    for pitch in 60 + random.integers(-7, 12, 10):
        partner.hear(partner.frame, note_on(int(pitch), 90))
        _live(partner, int(random.integers(2_000, 9_000)))
        partner.hear(partner.frame, note_off(int(pitch)))
        _live(partner, int(random.integers(0, 6_000)))


def _live(partner: Partner, frames: int) -> None:
    until = partner.frame + frames
    while partner.frame < until:
        partner.step()


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
    late = {to: _lateness(planned, applied, to) for to in (0, TO_OUT)}
    silence = _silences(events)
    return [
        Row("own voices, off the plan, p99", "frames", _at(late[0], 99), goal=_most(0.0)),
        Row("MIDI output, off the plan, median", "ms", _ms(late[TO_OUT], 50), goal=_most(0.3)),
        Row("MIDI output, off the plan, p99", "ms", _ms(late[TO_OUT], 99), goal=_most(1.0)),
        Row(
            "player's return to silence, p99",
            "ms",
            _ms(silence, 99) if len(silence) else None,
            goal=_most(5.0),
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


def _lateness(
    planned: list[tuple[int, bytes, int]], applied: list[tuple[int, bytes, int]], to: int
) -> NDArray[np.float64]:
    """Match strikes in their order; return how many frames after the plan each was applied."""
    plan, done = (
        [frame for frame, data, where in side if where == to and is_note_on(data)]
        for side in (planned, applied)
    )
    count = min(len(plan), len(done))
    return np.abs(np.array(done[:count], np.float64) - np.array(plan[:count], np.float64))


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


def _at(values: NDArray[np.float64], percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else float("nan")


def _ms(frames: NDArray[np.float64], percent: float) -> float:
    return 1e3 * _at(frames, percent) / _RATE_HZ


def _most(limit: float) -> Goal:
    return Goal(limit, is_ratio=False)
