"""``latentkeys bench gansynth``: how fast GANSynth's notes are made, and how fast it learns.

A note and its beginning beside torch, all keys of a sound, and the same on a GPU where there is
one. Without a model, one of full size with random weights is made once and kept in the cache.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import platformdirs

from instrument import __version__
from instrument.bench.harness import Goal, Row, compare, interleave, not_measured
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.report import Report
from instrument.bundle.bundle import Bundle, load_sound
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import shipped_models_folder, user_models_folder
from instrument.bundle.open_graph import OpenGraph, Tensors
from instrument.errors import EngineError, LatentkeysError
from instrument.installation import how_to_install
from instrument.rendering.open_renderer import open_renderer
from instrument.schema import nearest

KEYS, BANK_CORES = 61, 2
NOTE_BESIDE_TORCH, ATTACK_BESIDE_TORCH = Goal(1 / 1.45), Goal(1 / 8)
ATTACK_BESIDE_NOTE = Goal(1 / 5)
ATTACKS, WHOLE_BANK = Goal(3.0, is_ratio=False), Goal(15.0, is_ratio=False)
GPU_NOTE, GPU_BANK = Goal(2.0, is_ratio=False), Goal(50.0, is_ratio=False)
GPU_NOTE_SECOND = Goal(0.2, is_ratio=False)
LEAN_BESIDE_FAITHFUL = Goal(1 / 1.7)
TRAINING_BATCH = 16
BANK_ROUNDS, GPU_ROUNDS = 3, 200
_TORCH, _OWN_NOTE = "torch eager's note", "our own note"
_NOTE, _ATTACK = "a whole note, 1 thread", "its first 128 ms, 1 thread"


def bench_gansynth(rounds: int = 15, model: str | None = None) -> Report:
    """Measure a GANSynth bundle; on a GPU too where there is one.

    Parameters
    ----------
    rounds
        Interleaved rounds of one note beside torch.
    model
        Name or folder of a bundle; random weights of full size when not given.

    Raises
    ------
    BundleError
        The model is missing, broken, or no GANSynth.
    EngineError
        The model of random weights cannot be made.
    """
    report = Report("gansynth")
    bundle = _find(model) if model else _random_bundle()
    report.facts["model"] = f"{bundle.card.name} {bundle.card.version}, {_size(bundle)}"
    report.rows += _note_rows(report, bundle, rounds)
    report.rows += _bank_rows(report, bundle)
    report.rows += _gpu_rows(report, bundle)
    report.rows += _training_rows(report)
    return report


def _find(model: str) -> Bundle:
    folders = (user_models_folder(), shipped_models_folder())
    places = [Path(model), *(folder / model for folder in folders)]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        names = [path.name for folder in folders if folder.is_dir() for path in folder.iterdir()]
        raise EngineError(f"there is no model {model!r}", nearest(model, names))
    return load_sound(found)


def _random_bundle() -> Bundle:
    """Open the model of random weights; make it where it is missing, which takes minutes."""
    folder = platformdirs.user_cache_path("latentkeys") / "bench" / __version__ / "gansynth_random"
    try:
        return load_sound(folder)
    except LatentkeysError:
        pass  # not made yet, or by another version
    command = [sys.executable, "-m", "export.gansynth.random_gansynth", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EngineError(
            f"cannot make a model of random weights: {last}",
            f"Name a --model, or install what it takes: {how_to_install('export')}",
        )
    return load_sound(folder)


def _size(bundle: Bundle) -> str:
    megabytes = bundle.card.files[bundle.card.weights].size_bytes / 1e6
    return f"{megabytes:.1f} MB of weights"


def _note_rows(report: Report, bundle: Bundle, rounds: int) -> list[Row]:
    """Time one note and its beginning, on one thread, beside torch's whole note."""
    runtime = Runtime(threads=1, device="cpu")
    with ExitStack() as stack:
        contestants: dict[str, Callable[[], float]] = {
            "note": _graph_run(bundle.open_graph("note_1", runtime)),
            "attack": _graph_run(bundle.open_graph("attack_1", runtime)),
        }
        missing = ""
        try:
            child = stack.enter_context(_torch(bundle))
            report.facts["torch"] = str(child.facts["version"])
            contestants[_TORCH] = lambda: 1000.0 * child.measure(1)
        except PeerMissing as reason:
            missing = str(reason)
        times = interleave(contestants, rounds, report.canary)
    note, attack = times["note"], times["attack"]
    own = compare(_ATTACK, "ms", attack, _OWN_NOTE, note, ATTACK_BESIDE_NOTE)
    if missing:
        return [
            Row(_NOTE, "ms", statistics.median(note)),
            not_measured(_NOTE, "ms", missing, _TORCH, NOTE_BESIDE_TORCH),
            own,
            not_measured(_ATTACK, "ms", missing, _TORCH, ATTACK_BESIDE_TORCH),
        ]
    return [
        compare(_NOTE, "ms", note, _TORCH, times[_TORCH], NOTE_BESIDE_TORCH),
        own,
        compare(_ATTACK, "ms", attack, _TORCH, times[_TORCH], ATTACK_BESIDE_TORCH),
    ]


def _torch(bundle: Bundle) -> ChildPeer:
    """Open torch with a network of the same sizes as the bundle's."""
    network = bundle.card.training.get("network")
    if network is None:
        raise PeerMissing("the card does not say the network's sizes")
    return ChildPeer("export.gansynth.eager_gansynth", json.dumps(network))


def _bank_rows(report: Report, bundle: Bundle) -> list[Row]:
    """Render all keys of a sound as the models process does: attacks, then whole notes."""
    renderer = open_renderer(bundle, threads=BANK_CORES, device="cpu")
    pitches, latents = _keyboard(bundle)
    renderer.render(pitches[:1], latents[:1])

    def bank(frames: int) -> Callable[[], float]:
        return _timed(lambda: renderer.render(pitches, latents, frames=frames), 1.0)

    work = {
        "attacks": bank(renderer.info.attack_frames),
        "whole": bank(renderer.info.longest_frames),
    }
    times = interleave(work, BANK_ROUNDS, report.canary)
    keys = f"{len(pitches)} keys, {BANK_CORES} cores"
    return [
        Row(f"{keys}: attacks", "s", statistics.median(times["attacks"]), goal=ATTACKS),
        Row(f"{keys}: whole notes", "s", statistics.median(times["whole"]), goal=WHOLE_BANK),
    ]


def _gpu_rows(report: Report, bundle: Bundle) -> list[Row]:
    """Time a note, and all keys at once, from latents here to waveforms here."""
    names = ("a note on the GPU, p50", "all keys on the GPU", "a second of note on the GPU")
    goals = (GPU_NOTE, GPU_BANK, GPU_NOTE_SECOND)
    try:
        runtime = Runtime(device="cuda")
        note = bundle.open_graph("note_1", runtime)
        bank = bundle.open_graph(f"note_{KEYS}", runtime)
    except LatentkeysError as reason:
        rows = zip(names, goals, strict=True)
        return [not_measured(name, "ms", reason.message, goal=goal) for name, goal in rows]
    work = {"note": _bound_run(note), "bank": _bound_run(bank)}
    times = interleave(work, GPU_ROUNDS, report.canary)
    frames = bundle.graph("note_1").outputs[0].shape[1]
    seconds = KEYS * frames / bundle.sound.sample_rate_hz
    whole = statistics.median(times["bank"])
    said = f"{1000.0 * seconds / whole:.0f} seconds of notes a second"
    return [
        Row(names[0], "ms", statistics.median(times["note"]), goal=goals[0]),
        Row(names[1], "ms", whole, goal=goals[1], note=f"{KEYS} notes, copied to the host"),
        Row(names[2], "ms", whole / seconds, goal=goals[2], note=said),
    ]


def _training_rows(report: Report) -> list[Row]:
    """Time a step of the lean trainer beside one of the paper's, at full size, on a GPU."""
    name, peer = "an image learned, full size", "the paper's step"
    with ExitStack() as stack:
        try:
            lean = stack.enter_context(_trainer("mel_hires_lean"))
            paper = stack.enter_context(_trainer("mel_prog_hires"))
        except PeerMissing as reason:
            return [not_measured(name, "ms", str(reason), peer, LEAN_BESIDE_FAITHFUL)]
        report.facts["trained on"] = str(lean.facts["device"])
        work = {
            "lean": lambda: 1000.0 * lean.measure(TRAINING_BATCH),
            "paper": lambda: 1000.0 * paper.measure(TRAINING_BATCH),
        }
        times = interleave(work, BANK_ROUNDS, report.canary)
    said = " and ".join(f"{1000.0 / statistics.median(times[key]):.1f}" for key in times)
    note = f"{said} images a second"
    return [compare(name, "ms", times["lean"], peer, times["paper"], LEAN_BESIDE_FAITHFUL, note)]


def _trainer(config: str) -> ChildPeer:
    return ChildPeer("export.gansynth.training_peer", config)


def _keyboard(
    bundle: Bundle,
) -> tuple[list[int], np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    lowest, highest = bundle.sound.pitch_range
    pitches = list(range(lowest, highest + 1))
    latent = np.random.default_rng(0).standard_normal(bundle.sound.latent_size, np.float32)
    return pitches, np.tile(latent, (len(pitches), 1))


def _inputs(session: OpenGraph) -> Tensors:
    notes = session.inputs["pitch"][1][0]
    z = np.random.default_rng(0).standard_normal(session.inputs["z"][1], np.float32)
    return {"z": z, "pitch": np.arange(24, 24 + notes, dtype=np.int64)}


def _graph_run(session: OpenGraph) -> Callable[[], float]:
    inputs = _inputs(session)
    return _timed(lambda: session.run(inputs), 1000.0)


def _bound_run(session: OpenGraph) -> Callable[[], float]:
    bound, inputs = session.bind(), _inputs(session)
    return _timed(lambda: bound.run(inputs), 1000.0)


def _timed(work: Callable[[], object], unit: float) -> Callable[[], float]:
    """Return a timer, after one run to warm up; `unit` is 1 for seconds."""
    work()

    def run() -> float:
        start = time.perf_counter()
        work()
        return unit * (time.perf_counter() - start)

    return run
