"""Notes that nobody has rendered yet, in the running instrument: cold keys and new presets.

A preset change keeps the old sound until every key of the new one has its attack, so keys are cold
only while the first preset fills. There they sound on a stand-in; what is timed is when a voice
that reads the key's own slot plays. Keys are struck once the model is open, that is, when the first
key of 88 is there; how long that takes is in ``latentkeys bench start``.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from instrument.bench.harness import Goal, Row, not_measured
from instrument.bench.live.jack_server import JackServer, private_jack
from instrument.bench.live.keyboard import Keyboard, jack_keyboard
from instrument.bench.live.live_instrument import LiveInstrument, live_instrument
from instrument.bench.peers.child import PeerMissing
from instrument.bench.report import Report
from instrument.midi.messages import note_off, note_on, program_change
from instrument.preset.banks import program_table
from instrument.preset.preset import list_presets
from instrument.realtime.memory.constants import BUILT_IN_BANK, FREE, LOWEST_PITCH, PITCH_COUNT

COLD_GOAL = Goal(50.0, is_ratio=False)
TABLE_GOAL = Goal(3.0, is_ratio=False)
STARTS = 8
NOTES_PER_START = 6
MOST_PRESETS = 8
FEWEST_NOTES = 20
LONGEST_WAIT_SECONDS = 30.0
COLD, CHANGE = "cold key to its own sound", "new preset"
_PITCHES = range(LOWEST_PITCH, LOWEST_PITCH + PITCH_COUNT)


def fresh_note_rows(report: Report, preset: Path) -> list[Row]:
    """Strike cold keys in several starts, then change presets in one."""
    try:
        with private_jack(name="fresh") as server, jack_keyboard(server) as keyboard:
            report.facts["fresh notes on"] = str(server)
            return [
                *_cold_key_rows(report, preset, server, keyboard),
                *_change_rows(report, preset, server, keyboard),
            ]
    except PeerMissing as reason:
        return [
            not_measured(COLD, "ms", str(reason), goal=COLD_GOAL),
            not_measured(CHANGE, "s", str(reason), goal=TABLE_GOAL),
        ]


@contextlib.contextmanager
def _playing(preset: Path, server: JackServer, keyboard: Keyboard) -> Iterator[LiveInstrument]:
    """Start the instrument with an empty cache; yield it when its preset's first key is there."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**server.environment, "XDG_CACHE_HOME": cache}
        arguments = ["--audio", "jack", "--preset", str(preset)]
        with live_instrument(arguments, environment) as played:
            played.wait_for(keyboard.connect, "its JACK ports", LONGEST_WAIT_SECONDS)
            played.wait_for(partial(_has_any, played), "its first note", LONGEST_WAIT_SECONDS)
            yield played


def _cold_key_rows(
    report: Report, preset: Path, server: JackServer, keyboard: Keyboard
) -> list[Row]:
    delays: list[float] = []
    for start in range(STARTS):
        report.canary.listen()
        with _playing(preset, server, keyboard) as played:
            delays += _strike_cold_keys(played, keyboard, random.Random(start))
    if len(delays) < FEWEST_NOTES:
        few = f"only {len(delays)} keys were still cold when struck in {STARTS} starts"
        return [not_measured(COLD, "ms", few, goal=COLD_GOAL)]
    note = f"{len(delays)} keys in {STARTS} starts, longest {max(delays):.1f} ms"
    tail = float(np.percentile(delays, 99))
    return [
        Row(f"{COLD}, median", "ms", statistics.median(delays), goal=COLD_GOAL, note=note),
        Row(f"{COLD}, 99th percentile", "ms", tail, goal=COLD_GOAL),
    ]


def _strike_cold_keys(
    played: LiveInstrument, keyboard: Keyboard, dice: random.Random
) -> list[float]:
    """Strike keys that are not rendered, one after the other; return milliseconds to their own."""
    delays: list[float] = []
    while len(delays) < NOTES_PER_START:
        bank = _bank(played)
        cold = np.flatnonzero(played.state.slots[bank]["frames_ready"].max(axis=0) == 0)
        if len(cold) == 0:
            break
        pitch = LOWEST_PITCH + int(dice.choice(list(cold)))
        struck = time.perf_counter()
        keyboard.send(note_on(pitch, 90))
        look = partial(_plays_own, played, bank, pitch)
        played.wait_for(look, "a true sound", LONGEST_WAIT_SECONDS)
        delays.append(1000.0 * (time.perf_counter() - struck))
        keyboard.send(note_off(pitch))
    return delays


def _plays_own(played: LiveInstrument, bank: int, pitch: int) -> bool | None:
    """Return True once a voice of this key reads this key's own slot."""
    voices = played.state.voices
    own = (voices["stage"] != FREE) & (voices["pitch"] == pitch) & (voices["source_pitch"] == pitch)
    return bool(np.any(own & (voices["source_bank"] == bank) & (voices["is_fading"] == 0))) or None


def _change_rows(report: Report, preset: Path, server: JackServer, keyboard: Keyboard) -> list[Row]:
    """Choose presets by program change; time until all keys play it and until all are whole."""
    playing, whole = [], []
    programs = [
        program for program, entry in program_table(list_presets()).items() if entry.path != preset
    ]
    if not programs:
        return [not_measured(CHANGE, "s", "there is only one preset", goal=TABLE_GOAL)]
    report.canary.listen()
    with _playing(preset, server, keyboard) as played:
        played.wait_for(partial(_all_whole, played), "the first preset", LONGEST_WAIT_SECONDS)
        for program in programs[:MOST_PRESETS]:
            bank, chosen = _bank(played), time.perf_counter()
            keyboard.send(program_change(program))
            played.wait_for(
                lambda bank=bank: _bank(played) != bank or None,  # type: ignore[misc]
                "another bank",
                LONGEST_WAIT_SECONDS,
            )
            playing.append(time.perf_counter() - chosen)
            played.wait_for(partial(_all_whole, played), "all notes", LONGEST_WAIT_SECONDS)
            whole.append(time.perf_counter() - chosen)
    report.canary.listen()
    note = f"{len(whole)} presets, up to {max(whole):.2f} s"
    return [
        Row(f"{CHANGE}, chosen to all keys playing it", "s", statistics.median(playing)),
        Row(
            f"{CHANGE}, chosen to all 88 keys whole",
            "s",
            statistics.median(whole),
            goal=TABLE_GOAL,
            note=note,
        ),
    ]


def _bank(played: LiveInstrument) -> int:
    """Return the bank that new notes play."""
    return int(played.state.channels[0]["bank"])


def _has_any(played: LiveInstrument) -> bool | None:
    bank = _bank(played)
    is_there = bank != BUILT_IN_BANK and bool(played.state.slots[bank]["frames_ready"].any())
    return is_there or None


def _all_whole(played: LiveInstrument) -> float | None:
    return played.has_notes(_PITCHES, are_whole=True)
