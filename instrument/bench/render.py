"""``latentkeys bench render``: how fast notes are made.

One note beside torch, all keys of a preset, cold keys under the hands, and whole songs.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from instrument.bench.harness import Goal, Row, compare, interleave, not_measured
from instrument.bench.live.songs import song_rows
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.report import Report
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import find_bundle
from instrument.engine.jack_library import import_jack
from instrument.errors import DeviceError
from instrument.preset.banks import chosen_preset
from instrument.preset.preset import load_preset
from instrument.realtime.memory.constants import LOUD_VELOCITY, SOFT_VELOCITY
from instrument.realtime.memory.state import EngineState
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.table_source import ToneTables
from instrument.rendering.tone_cache import ToneCache

RATE_HZ = 48_000
NOTE_GRAPH, ATTACK_GRAPH = "whole", "attack"
PITCH = 60
FASTER = Goal(1.0)
ALL_KEYS = Goal(3.0, is_ratio=False)
TABLE_ROUNDS = 3
_TORCH = "torch eager"


def bench_render(rounds: int = 15, preset: str | None = None) -> Report:
    """Measure everything that needs a model; say so where there is none.

    Raises
    ------
    PresetError, BundleError
        The preset or its model is missing or broken.
    """
    report = Report("render")
    path = chosen_preset(preset)
    chosen = load_preset(path)
    bundle = find_bundle(chosen.model, path)
    report.facts["preset"] = f"{path.stem}, model {bundle.card.name} {bundle.card.version}"
    report.rows += _note_rows(report, bundle, chosen.sound.latent, rounds)
    report.rows += _table_rows(report, path)
    report.rows += _fresh_rows(report, path)
    report.rows += song_rows(report, path)
    return report


def _note_rows(report: Report, bundle: Bundle, latent: tuple[float, ...], rounds: int) -> list[Row]:
    """Time one run of a graph (both velocity layers), on one thread, beside torch."""
    rows = []
    for graph, what in ((NOTE_GRAPH, "note"), (ATTACK_GRAPH, "attack")):
        layers, frames = _audio_shape(bundle, graph)
        seconds = frames / bundle.sound.sample_rate_hz
        name = f"{seconds:g}-s {what}, {layers} layers, 1 thread"
        with ExitStack() as stack:
            contestants: dict[str, Callable[[], float]] = {"ours": _graph_run(bundle, graph)}
            missing = ""
            try:
                child = stack.enter_context(_torch(bundle, graph))
                report.facts[_TORCH] = str(child.facts["version"])
                contestants[_TORCH] = _milliseconds(child)
            except PeerMissing as reason:
                missing = str(reason)
            times = interleave(contestants, rounds, report.canary)
        if missing:
            rows.append(Row(name, "ms", statistics.median(times["ours"])))
            rows.append(not_measured(name, "ms", missing, _TORCH, FASTER))
        else:
            rows.append(compare(name, "ms", times["ours"], _TORCH, times[_TORCH], FASTER))
    return [*rows, _played_row(bundle, latent, rounds)]


def _torch(bundle: Bundle, graph: str) -> ChildPeer:
    """Open torch with a network of the same sizes as the bundle's."""
    sizes = bundle.card.training.get("voice")
    if sizes is None:
        raise PeerMissing("the card does not say the network's sizes")
    return ChildPeer(
        "export.frame_voice.eager_peer", graph, str(len(bundle.sound.latents)), json.dumps(sizes)
    )


def _graph_run(bundle: Bundle, name: str) -> Callable[[], float]:
    session = bundle.open_graph(name, Runtime(threads=1, device="cpu"))
    random = np.random.default_rng(0)
    tensors = {
        tensor: random.random(shape, np.float32) for tensor, (_, shape) in session.inputs.items()
    }
    tensors["pitch"][:] = PITCH
    session.run(tensors)
    return lambda: _timed(lambda: session.run(tensors))


def _played_row(bundle: Bundle, latent: tuple[float, ...], rounds: int) -> Row:
    """Time what the models process does for a key: draw the noise, run the graph, set the level."""
    renderer = open_renderer(bundle, threads=1, device="cpu")
    velocities = (SOFT_VELOCITY, LOUD_VELOCITY)
    latents = np.tile(np.asarray(latent, np.float32), (len(velocities), 1))

    def render() -> object:
        return renderer.render([PITCH] * len(velocities), latents, velocities)

    render()
    times = [_timed(render) for _ in range(rounds)]
    name = f"{renderer.info.longest_frames / renderer.info.sample_rate_hz:g}-s note as played"
    return Row(name, "ms", statistics.median(times), note="with its noise drawn and its level set")


def _table_rows(report: Report, path: Path) -> list[Row]:
    """Fill an empty table as the models process does, without cache."""
    attacks, wholes = [], []
    for _ in range(TABLE_ROUNDS):
        report.canary.sing()
        state = EngineState.create(None, RATE_HZ, load_preset(path).sound.note_seconds)
        with tempfile.TemporaryDirectory() as folder:
            table = ToneTables(state, ToneCache(Path(folder))).begin(1, path)
            assert table is not None, "an empty cache cannot hold the preset"
            start = time.perf_counter()
            while not table.filler.attacks_are_ready:
                table.filler.step()
            attacks.append(time.perf_counter() - start)
            while table.filler.step():
                pass
            wholes.append(time.perf_counter() - start)
    return [
        Row("88 keys × 2 layers, attacks", "s", statistics.median(attacks)),
        Row("88 keys × 2 layers, whole", "s", statistics.median(wholes), goal=ALL_KEYS),
    ]


def _fresh_rows(report: Report, path: Path) -> list[Row]:
    try:
        import_jack()
    except DeviceError as missing:
        return [not_measured("notes in the running instrument", "ms", str(missing))]
    from instrument.bench.live.fresh_notes import fresh_note_rows

    return fresh_note_rows(report, path)


def _audio_shape(bundle: Bundle, graph: str) -> tuple[int, ...]:
    outputs = {tensor.name: tensor.shape for tensor in bundle.graph(graph).outputs}
    return outputs["audio"]


def _milliseconds(child: ChildPeer) -> Callable[[], float]:
    return lambda: 1000.0 * child.measure(1)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - start)
