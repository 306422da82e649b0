"""``latentkeys bench engine``: microseconds per block beside FluidSynth, pyo and numpy.

Same voices, same block, same rate, interleaved in one run. Ours really sounds: both velocity layers
of every voice are read with interpolation at a rate off unity, filtered, enveloped and panned.
Whoever can count its sounding voices is asked after every slice.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from instrument.bench.harness import Goal, Row, compare, interleave, not_measured
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.peers.fluidsynth import FluidSynth
from instrument.bench.peers.kernel_voices import KernelVoices
from instrument.bench.peers.numpy_engine import NumpyVoices
from instrument.bench.peers.part_voices import PartVoices
from instrument.bench.report import Report
from instrument.realtime.memory.constants import MOST_PARTS

RATE_HZ = 48_000
SLICE_SECONDS = 0.015
"""How long a contestant works per round: long against a clock tick, short against a neighbour."""

JUDGED = (128, 128)
"""Voices and frames that the goals are for."""

GOALS = {"FluidSynth": Goal(1.0), "pyo": Goal(0.6)}
_UNIT = "µs"

Measure = Callable[[int], float]


def bench_engine(
    voice_counts: Sequence[int] = (16, 64, 128),
    block_sizes: Sequence[int] = (64, 128, 256),
    rounds: int = 9,
) -> Report:
    """Measure every combination; return the report."""
    report = Report("engine")
    for voices in voice_counts:
        for block_frames in block_sizes:
            report.rows += _combination(report, voices, block_frames, rounds)
    return report


def _combination(report: Report, voices: int, block_frames: int, rounds: int) -> list[Row]:
    with ExitStack() as stack:
        contestants, missing = _contestants(stack, report, voices, block_frames)
        slices = {name: _timed_slice(measure) for name, measure in contestants.items()}
        seconds = interleave(slices, rounds, report.canary)
    micro = {name: [1e6 * value for value in values] for name, values in seconds.items()}
    name = f"{voices} voices × {block_frames} frames"
    goals = GOALS if (voices, block_frames) == JUDGED else {}
    ours = micro.pop("ours")
    unbent = micro.pop("ours on pitch")
    wet = micro.pop("ours + effects")
    apart = micro.pop("ours in parts")
    rows = [compare(name, _UNIT, ours, peer, micro[peer], goals.get(peer)) for peer in micro]
    rows += [
        not_measured(name, _UNIT, reason, peer, goals.get(peer)) for peer, reason in missing.items()
    ]
    rows.append(_with_effects(micro, wet, is_judged=bool(goals)))
    budget_us = 1e6 * block_frames / RATE_HZ
    share = 100 * statistics.median(ours) / budget_us
    rows.append(Row("  of the block's time", "%", share, goal=_budget_goal(voices, block_frames)))
    rows.append(Row("  on pitch", _UNIT, statistics.median(unbent)))
    in_parts = f"  in {MOST_PARTS} parts, own outputs"
    rows.append(compare(in_parts, _UNIT, apart, "in one", ours))
    return rows


def _with_effects(micro: dict[str, list[float]], wet: list[float], *, is_judged: bool) -> Row:
    """Compare everything that both have: our whole chain, FluidSynth's reverb and chorus."""
    goal = Goal(1.0) if is_judged else None
    peer = "FluidSynth + effects"
    if peer in micro:
        return compare("  with every effect", _UNIT, wet, peer, micro[peer], goal)
    return not_measured("  with every effect", _UNIT, "no FluidSynth", peer, goal)


def _budget_goal(voices: int, block_frames: int) -> Goal | None:
    return Goal(5.0, is_ratio=False) if (voices, block_frames) == JUDGED else None


def _contestants(
    stack: ExitStack, report: Report, voices: int, block_frames: int
) -> tuple[dict[str, Measure], dict[str, str]]:
    """Open everybody who is there; return their measures, and why the others are not."""
    openers: dict[str, Callable[[], Measure]] = {
        "FluidSynth": lambda: _fluidsynth(stack, report, voices, block_frames, has_effects=False),
        "FluidSynth + effects": lambda: _fluidsynth(
            stack, report, voices, block_frames, has_effects=True
        ),
        "pyo": lambda: _pyo(stack, report, voices, block_frames),
        "numpy": lambda: NumpyVoices(voices, block_frames, RATE_HZ).measure,
    }
    contestants: dict[str, Measure] = {
        "ours": KernelVoices(voices, block_frames, RATE_HZ, is_bent=True).measure,
        "ours + effects": KernelVoices(
            voices, block_frames, RATE_HZ, is_bent=True, has_effects=True
        ).measure,
        "ours in parts": PartVoices(voices, block_frames, RATE_HZ).measure,
        "ours on pitch": KernelVoices(voices, block_frames, RATE_HZ, is_bent=False).measure,
    }
    missing = {}
    for name, open_peer in openers.items():
        try:
            contestants[name] = open_peer()
        except PeerMissing as reason:
            missing[name] = str(reason)
    return contestants, missing


def _fluidsynth(
    stack: ExitStack, report: Report, voices: int, block_frames: int, *, has_effects: bool
) -> Measure:
    synth = FluidSynth(voices, block_frames, RATE_HZ, has_effects=has_effects)
    stack.enter_context(synth)
    report.facts["FluidSynth"] = f"{synth.version}, {synth.soundfont.name}, church organ"
    return synth.measure


def _pyo(stack: ExitStack, report: Report, voices: int, block_frames: int) -> Measure:
    arguments = [str(number) for number in (voices, block_frames, RATE_HZ)]
    child = stack.enter_context(ChildPeer("instrument.bench.peers.pyo_engine", *arguments))
    sounding = child.facts["sounding_voices"]
    if sounding != voices:
        raise PeerMissing(f"pyo sounds {sounding} voices, not {voices}")
    report.facts["pyo"] = f"{child.facts['version']}, table read (cubic), Adsr, Biquad, Pan"
    return child.measure


def _timed_slice(measure: Measure) -> Callable[[], float]:
    """Fix how many blocks one slice has, so that all rounds of a contestant do the same work."""
    measure(10)
    blocks = max(10, round(SLICE_SECONDS / measure(20)))

    def run() -> float:
        measure(max(2, blocks // 10))  # its caches, not its neighbour's
        return measure(blocks)

    return run
