"""Held notes that are rendered on: what 24 of them cost, beside FluidSynth holding as many.

Ours is everything: the kernel's voices, and the half seconds that the models process renders for
them meanwhile, one after the other on one core. FluidSynth's notes go round.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from instrument.bench.harness import Goal, Row, compare, interleave, not_measured
from instrument.bench.peers.child import PeerMissing
from instrument.bench.peers.fluidsynth import FluidSynth
from instrument.bench.presets.takes import RATE_HZ, PresetTakes
from instrument.bench.report import Report
from instrument.midi.messages import CONTROL_CHANGE, note_on
from instrument.preset.preset import find_preset

HELD = 24
PRESET = "slow_strings"
LONGEST_SHARE = Goal(70.0, is_ratio=False)
"""Percent of a core: the rest of it is for what else the models do."""
BESIDE_FLUIDSYNTH = Goal(1.0)

_LOWEST = 36
_MEMBERS = 12  # channels of an MPE zone
_SLICE_SECONDS = 0.5  # a chunk of every note
_BLOCK_FRAMES = 128
_UNIT = "% of a core"
_RPN = ((101, 0), (100, 6), (6, _MEMBERS))  # MPE Configuration Message


class HeldNotes:
    """Notes of an MPE zone, held until all of them stream.

    Parameters
    ----------
    preset
        Whose; its tones are rendered first if they are not in the cache.
    slide
        CC 74 of every note.

    Raises
    ------
    PeerMissing
        They do not stream.
    """

    def __init__(self, preset: Path, slide: int = 64) -> None:
        self._engine = PresetTakes(preset).engine
        for control, value in _RPN:
            self._engine.send(-1, (CONTROL_CHANGE, control, value))
        for number in range(HELD):
            channel = 1 + number % _MEMBERS
            self._engine.send(-1, (CONTROL_CHANGE | channel, 74, slide))
            self._engine.send(-1, note_on(_LOWEST + 2 * number, 90, channel))
        self._engine.render(6 * RATE_HZ)

    def measure(self) -> float:
        """Return seconds of work for a second of sound."""
        start = time.perf_counter()
        self._engine.render(round(_SLICE_SECONDS * RATE_HZ))
        seconds = (time.perf_counter() - start) / _SLICE_SECONDS
        streams = int(self._engine.state.meters["streams"])
        if streams != HELD:
            raise PeerMissing(f"{streams} notes stream, not {HELD}")
        return seconds


def held_note_rows(report: Report, rounds: int = 9, preset: str = PRESET) -> list[Row]:
    """Measure held notes, as they are and with every slide up; return the report's rows."""
    path = find_preset(preset)
    name, slid = f"{HELD} held notes, rendered on", "  with every slide up"
    with ExitStack() as stack:
        contestants = {name: HeldNotes(path).measure, slid: HeldNotes(path, slide=127).measure}
        try:
            contestants["FluidSynth"] = _fluidsynth(stack)
            missing = ""
        except PeerMissing as reason:
            missing = str(reason)
        seconds = interleave(contestants, rounds, report.canary)
    percent = {who: [100.0 * value for value in values] for who, values in seconds.items()}
    rows = [
        Row(who, _UNIT, statistics.median(percent[who]), goal=LONGEST_SHARE) for who in (name, slid)
    ]
    if missing:
        return [*rows, not_measured("", _UNIT, missing, "FluidSynth", BESIDE_FLUIDSYNTH)]
    peer = percent["FluidSynth"]
    return [*rows, compare("", _UNIT, percent[name], "FluidSynth", peer, BESIDE_FLUIDSYNTH)]


def _fluidsynth(stack: ExitStack) -> Callable[[], float]:
    """Return what measures FluidSynth as `HeldNotes.measure` does ours."""
    synth = stack.enter_context(FluidSynth(HELD, _BLOCK_FRAMES, RATE_HZ, has_effects=False))
    blocks_per_second = RATE_HZ / _BLOCK_FRAMES
    blocks = round(_SLICE_SECONDS * blocks_per_second)
    return lambda: synth.measure(blocks) * blocks_per_second
