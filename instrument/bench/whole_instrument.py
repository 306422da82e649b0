"""The whole instrument on a real-time server: under-runs while hands play and models render."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from instrument.bench.harness import Goal, Row, Verdict, not_measured
from instrument.bench.jack_server import JackServer, private_jack
from instrument.bench.keyboard import jack_keyboard
from instrument.bench.live_instrument import LiveInstrument, live_instrument
from instrument.bench.peers import ChildPeer, PeerMissing
from instrument.bench.report import Report
from instrument.bench.start import ENGINE_MEGABYTES
from instrument.preset import list_presets
from instrument.preset_banks import program_table

CHORD_SECONDS = 0.4
CHORD_PITCHES = 6
CHORDS_PER_PRESET = 9
"""With the pedal down: a new preset every 3.6 s, so that models hardly ever rests, and up to 54
held notes on top of those that still ring."""

MIDDLE_C = 60
_RENDERING_SHARE = 0.5

Send = Callable[[Sequence[int]], None]


def underrun_rows(report: Report, arguments: Sequence[str], seconds: float) -> list[Row]:
    """Play for `seconds` with an empty note cache, beside a silent client on its own server."""
    name = f"whole instrument, {seconds:g} s"
    report.canary.sing()  # not while it plays: its own load is no unsteadiness of the machine
    try:
        with (
            tempfile.TemporaryDirectory() as cache,
            private_jack(name="instrument") as server,
            private_jack(name="silent") as other,
            ChildPeer("instrument.bench.silent_client", other.name) as silent,
            live_instrument(arguments, {**server.environment, "XDG_CACHE_HOME": cache}) as played,
        ):
            report.facts["whole instrument on"] = f"{server}; the silent client: {other}"
            played.wait_for(lambda: played.has_note(MIDDLE_C), "a rendered note", 60.0)
            with jack_keyboard(server) as keyboard:
                played.wait_for(keyboard.connect, "its JACK ports", 10.0)
                return _rows(name, played, silent, server, keyboard.send, seconds)
    except PeerMissing as reason:
        return [not_measured(f"{name}, under-runs", "", str(reason), "silent client")]


def _rows(
    name: str,
    played: LiveInstrument,
    silent: ChildPeer,
    server: JackServer,
    send: Send,
    seconds: float,
) -> list[Row]:
    meters = played.state.meters
    meters["callback_ns_max"] = 0
    before, quiet_before, busy_before = _counts(meters), silent.ask(), _models_seconds(played)
    most_voices = _play(played, send, seconds)
    counts = {key: value - before[key] for key, value in _counts(meters).items()}
    quiet = silent.ask()["xruns"] - quiet_before["xruns"]
    busy = _models_seconds(played) - busy_before
    rest = "" if busy >= _RENDERING_SHARE * seconds else ": NOT rendering all the while"
    return [
        Row(
            f"{name}, under-runs",
            "",
            counts["underruns"],
            "silent client",
            quiet,
            goal=Goal(quiet, is_ratio=False),
            verdict=Verdict.REPORTED if server.is_realtime and not rest else Verdict.NOT_JUDGED,
            note=f"{counts['blocks']} blocks, up to {most_voices} voices,"
            f" models used {busy:.0f} s of CPU{rest}",
        ),
        Row(
            "  engine process, resident",
            "MB",
            played.megabytes()["engine"][0],
            goal=ENGINE_MEGABYTES,
            note="after preset changes, without the JACK server's shared memory",
            needs_quiet=False,
        ),
        Row("  longest block", "µs", int(meters["callback_ns_max"]) / 1000),
        Row("  late or lost events", "", counts["late_events"] + counts["lost_events"]),
        Row("  invalid samples", "", counts["invalid_samples"]),
    ]


def _counts(meters: NDArray[np.void]) -> dict[str, int]:
    names = ("blocks", "underruns", "late_events", "lost_events", "invalid_samples")
    return {name: int(meters[name]) for name in names}


def _models_seconds(played: LiveInstrument) -> float:
    models = played.process("models")
    if models is None:
        raise PeerMissing("the models process is not running")
    times = models.cpu_times()
    return float(times.user + times.system)


def _play(played: LiveInstrument, send: Send, seconds: float) -> int:
    """Play chords under the pedal and change the preset; return the most voices seen."""
    dice = random.Random(1)
    programs = list(program_table(list_presets())) or [0]
    most_voices = chord = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if chord % CHORDS_PER_PRESET == 0:
            send([0xB0, 64, 0])
            send([0xC0, programs[chord // CHORDS_PER_PRESET % len(programs)]])
            send([0xB0, 64, 127])
        pitches = dice.sample(range(30, 100), CHORD_PITCHES)
        for pitch in pitches:
            send([0x90, pitch, dice.randint(30, 120)])
        time.sleep(CHORD_SECONDS)
        most_voices = max(most_voices, int(played.state.meters["active_voices"]))
        for pitch in pitches:
            send([0x80, pitch, 0])
        chord += 1
    send([0xB0, 64, 0])
    return most_voices
