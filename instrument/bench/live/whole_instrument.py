"""The whole instrument on a real-time server: under-runs while hands play and models render."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.bench.harness import Goal, Row, Verdict, not_measured
from instrument.bench.live.jack_server import JackServer, private_jack
from instrument.bench.live.keyboard import jack_keyboard
from instrument.bench.live.live_instrument import LiveInstrument, live_instrument
from instrument.bench.live.start import ENGINE_MEGABYTES, PITCHES
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.report import Report
from instrument.midi.messages import SUSTAIN, control_change, note_off, note_on, program_change
from instrument.preset.banks import chosen_preset, program_table
from instrument.preset.preset import list_presets

CHORD_SECONDS = 0.2
CHORD_PITCHES = 6
SHORTEST_STAY_SECONDS = 1.6
"""A new preset comes as soon as the last one is complete, but not sooner than this: under the pedal
that is 48 held notes, on top of those that still ring."""

MIDDLE_C = 60
RENDERING_SHARE = 0.8
SETTLE_SECONDS = 2.0

Send = Callable[[Sequence[int]], None]


def underrun_rows(report: Report, preset: str | None, seconds: float) -> list[Row]:
    """Play for `seconds` with an empty tone cache, beside a silent client on its own server.

    Raises
    ------
    PresetError
        There is no such preset.
    """
    first = chosen_preset(preset)
    arguments = ["--audio", "jack", "--preset", str(first)]
    name = f"whole instrument, {seconds:g} s"
    report.canary.listen()
    try:
        with (
            tempfile.TemporaryDirectory() as cache,
            private_jack(name="instrument") as server,
            private_jack(name="silent") as other,
            ChildPeer(
                "instrument.bench.peers.silent_client",
                other.name,
                "--keyboard",
                environment=other.environment,
            ) as silent,
            live_instrument(arguments, {**server.environment, "XDG_CACHE_HOME": cache}) as played,
        ):
            report.facts["whole instrument on"] = f"{server}; the silent client: {other}"
            played.wait_for(lambda: played.has_note(MIDDLE_C), "a rendered note", 60.0)
            with jack_keyboard(server) as keyboard:
                played.wait_for(keyboard.connect, "its JACK ports", 10.0)
                hands = RandomPlayer(played, keyboard.send, Path(cache), first)
                rows = _rows(name, played, hands, silent, server, seconds)
        report.canary.listen()
        return rows
    except PeerMissing as reason:
        return [not_measured(f"{name}, under-runs", "", str(reason), "silent client")]


def _rows(
    name: str,
    played: LiveInstrument,
    hands: RandomPlayer,
    silent: ChildPeer,
    server: JackServer,
    seconds: float,
) -> list[Row]:
    meters = played.state.meters
    meters["callback_ns_max"] = 0
    before, quiet_before, busy_before = _counts(meters), silent.ask(), _models_seconds(played)
    hands.play(seconds)
    counts = {key: value - before[key] for key, value in _counts(meters).items()}
    quiet = silent.ask()["xruns"] - quiet_before["xruns"]
    busy = _models_seconds(played) - busy_before
    is_valid = server.is_realtime and hands.rendering_share >= RENDERING_SHARE
    time.sleep(SETTLE_SECONDS)  # until nothing sounds
    return [
        Row(
            f"{name}, under-runs",
            "",
            counts["underruns"],
            "silent client",
            quiet,
            goal=Goal(quiet, is_ratio=False),
            verdict=Verdict.REPORTED if is_valid else Verdict.NOT_JUDGED,
            note=f"{counts['blocks']} blocks, up to {hands.most_voices} voices, {hands.presets} "
            f"presets; models were rendering {100 * hands.rendering_share:.0f} % of the time and "
            f"used {busy:.0f} s of CPU",
        ),
        Row(
            "  engine process, resident",
            "MB",
            played.megabytes()["engine"][0],
            goal=ENGINE_MEGABYTES,
            note="after the preset changes, without the JACK server's shared memory",
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


class RandomPlayer:
    """Somebody who plays chords under the pedal and wants new sounds all the time.

    Parameters
    ----------
    cache
        Folder of the tone cache, which is emptied again and again.
    first
        The preset that plays already.

    Attributes
    ----------
    most_voices, presets
        The most voices that sounded at once, and how many presets were chosen.
    rendering_share
        Share of the chords that were struck while models was still rendering.
    """

    def __init__(self, played: LiveInstrument, send: Send, cache: Path, first: Path) -> None:
        self.most_voices = self.presets = 0
        self.rendering_share = 0.0
        self._played, self._send, self._cache = played, send, cache
        self._dice = random.Random(1)
        table = program_table(list_presets())
        self._programs = [number for number, entry in table.items() if entry.path != first] or [0]
        self._bank_before = -1

    def play(self, seconds: float) -> None:
        """Play for a while."""
        end = time.perf_counter() + seconds
        next_preset = 0.0
        chords = rendering = 0
        while (now := time.perf_counter()) < end:
            is_rendering = self._is_rendering()
            if now >= next_preset and not is_rendering:
                self._choose_preset()
                next_preset, is_rendering = now + SHORTEST_STAY_SECONDS, True
            self._play_chord()
            chords, rendering = chords + 1, rendering + is_rendering
        self._send(control_change(SUSTAIN, 0))
        self.rendering_share = rendering / max(1, chords)

    def _choose_preset(self) -> None:
        for table in self._cache.rglob("*"):  # nothing may come from the cache
            if table.is_file():
                table.unlink(missing_ok=True)
        self._bank_before = self._bank()
        self.presets += 1
        self._send(control_change(SUSTAIN, 0))
        self._send(program_change(self._programs[(self.presets - 1) % len(self._programs)]))
        self._send(control_change(SUSTAIN, 127))

    def _play_chord(self) -> None:
        pitches = self._dice.sample(range(30, 100), CHORD_PITCHES)
        for pitch in pitches:
            self._send(note_on(pitch, self._dice.randint(30, 120)))
        time.sleep(CHORD_SECONDS)
        voices = int(self._played.state.meters["active_voices"])
        self.most_voices = max(self.most_voices, voices)
        for pitch in pitches:
            self._send(note_off(pitch))

    def _is_rendering(self) -> bool:
        """Say whether the preset that was chosen last still lacks notes."""
        is_whole = self._played.has_notes(PITCHES, are_whole=True) is not None
        return self._bank() == self._bank_before or not is_whole

    def _bank(self) -> int:
        return int(self._played.state.channels[0]["bank"])
