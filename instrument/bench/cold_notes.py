"""Cold keys under the hands: from note-on to the key's own sound, in the running instrument.

A new preset is chosen by program change, and at once keys are struck that models has not reached.
They sound on a stand-in; what is timed is when a voice that reads the key's own slot plays.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from instrument.bench.harness import Goal, Row, not_measured
from instrument.bench.jack_server import private_jack
from instrument.bench.keyboard import Send, jack_keyboard
from instrument.bench.live_instrument import LiveInstrument, live_instrument
from instrument.bench.peers import PeerMissing
from instrument.bench.report import Report
from instrument.preset import list_presets
from instrument.preset_banks import program_table
from instrument.realtime.state import FREE, LOWEST_PITCH

GOAL = Goal(50.0, is_ratio=False)
NOTES_PER_PRESET = 4
NOTE_SECONDS = 0.06  # hands do not wait: the next cold key may come while the last is rendered
LONGEST_WAIT_SECONDS = 3.0
FEWEST_NOTES = 20


def cold_note_rows(report: Report, preset: Path) -> list[Row]:
    """Go once through all presets with an empty cache, striking cold keys of each."""
    name = "cold key to its own sound"
    programs = list(program_table(list_presets()))
    delays: list[float] = []
    try:
        with (
            tempfile.TemporaryDirectory() as cache,
            private_jack(name="cold") as server,
            live_instrument(
                ["--audio", "jack", "--preset", str(preset)],
                {**server.environment, "XDG_CACHE_HOME": cache},
            ) as played,
        ):
            played.wait_for(lambda: played.has_note(60), "a rendered note", 60.0)
            with jack_keyboard(server) as send:
                for program in programs:
                    report.canary.sing()
                    delays += _cold_notes(played, send, program)
    except PeerMissing as reason:
        return [not_measured(name, "ms", str(reason), goal=GOAL)]
    if len(delays) < FEWEST_NOTES:
        few = f"only {len(delays)} keys were still cold when struck ({len(programs)} presets)"
        return [not_measured(name, "ms", few, goal=GOAL)]
    note = f"{len(delays)} keys of {len(programs)} presets"
    tail = float(np.percentile(delays, 99))
    return [
        Row(f"{name}, median", "ms", statistics.median(delays), goal=GOAL, note=note),
        Row(
            f"{name}, 99th percentile", "ms", tail, goal=GOAL, note=f"longest {max(delays):.1f} ms"
        ),
    ]


def _cold_notes(played: LiveInstrument, send: Send, program: int) -> list[float]:
    """Choose a preset and strike keys of it that are not rendered; return milliseconds."""
    state = played.state
    before = int(state.channels[0]["bank"])
    send([0xC0, program])
    try:
        played.wait_for(
            lambda: int(state.channels[0]["bank"]) != before or None,
            "another bank",
            LONGEST_WAIT_SECONDS,
        )
    except PeerMissing:
        return []  # this preset plays already
    dice = random.Random(program)
    delays = []
    for _ in range(NOTES_PER_PRESET):
        bank = int(state.channels[0]["bank"])
        cold = np.flatnonzero(state.slots[bank]["frames_ready"].max(axis=0) == 0)
        if len(cold) == 0:
            break
        pitch = LOWEST_PITCH + int(dice.choice(list(cold)))
        struck = time.perf_counter()
        send([0x90, pitch, 90])
        played.wait_for(
            partial(_plays_own, played, bank, pitch), "a true sound", LONGEST_WAIT_SECONDS
        )
        delays.append(1000.0 * (time.perf_counter() - struck))
        send([0x80, pitch, 0])
        time.sleep(NOTE_SECONDS)
    return delays


def _plays_own(played: LiveInstrument, bank: int, pitch: int) -> bool | None:
    """Return True once a voice of this key reads this key's own slot."""
    voices = played.state.voices
    own = (voices["stage"] != FREE) & (voices["pitch"] == pitch) & (voices["source_pitch"] == pitch)
    return bool(np.any(own & (voices["source_bank"] == bank) & (voices["is_fading"] == 0))) or None
