"""Write a bundle: the folder appears whole, checked and playable, or not at all.

In: a training run. Out: a folder with the graphs, their weights, the card, the licence with its
notices, and ``sample.wav``. Everything is made in a folder beside it, opened as a player's machine
would open it, compared with torch, and renamed.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from export.bundle.folder import fill, graph_files, licence, new_bundle
from export.bundle.onnx_export import export_graphs
from export.bundle.parity import check_parity
from export.bundle.sound_sample import sample_wav
from export.bundle.weights import round_matrices
from export.frame_voice.card import describe, list_files, read_metrics, with_self_test
from export.frame_voice.graphs import GRAPH_NAMES
from instrument.bundle.bundle import Bundle
from instrument.rendering.open_renderer import open_renderer, self_test
from training.frame_voice.model import FrameVoice
from training.frame_voice.run import load_checkpoint, load_voice
from training.trainer.checkpoint import CHECKPOINT

ROUNDING = "float16_matrices_db"
"""On the card beside the graphs' parity: what rounded matrices changed in the levels that can be
heard, 99th percentile."""


def write_bundle(
    run: Path,
    target: Path,
    *,
    version: str = "1",
    graph_names: tuple[str, ...] = GRAPH_NAMES,
    report: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Export a run as a bundle.

    Parameters
    ----------
    run
        A folder that ``latentkeys train`` made.
    target
        The bundle's folder; its name is the model's name. An older bundle there is replaced.
    version
        Written on the card.
    graph_names
        Which graphs; tests take fewer.
    report
        Told what happens next.

    Raises
    ------
    FileError, BundleError, EngineError
        The run is none, a graph differs from torch, or the folder cannot be written.
    """
    load_checkpoint(run)  # a folder that is no run is refused before anything is written
    with new_bundle(target) as built:
        # A run that goes on training replaces its checkpoint while the graphs are exported.
        snapshot = built.parent / "run"
        snapshot.mkdir()
        shutil.copy(run / CHECKPOINT, snapshot)
        _build(snapshot, built, read_metrics(run), version, graph_names, report)
    return Bundle.load(target)


def _build(
    run: Path,
    built: Path,
    metrics: dict[str, Any],
    version: str,
    graph_names: tuple[str, ...],
    report: Callable[[str], None],
) -> None:
    """Fill an empty folder with a bundle and prove it, as a player's machine will open it."""
    voice, summary = load_voice(run)
    rounding_db = _round(voice)
    report(f"exporting {len(graph_names)} graphs")
    export_graphs(run, graph_names, run)
    files = graph_files(run, graph_names)
    files["LICENSE"] = licence(f"notes rendered from {summary.source}", summary.notice)
    names = {"name": built.name, "version": version}
    card = describe(voice, summary, metrics, files, graph_names=graph_names, **names)
    fill(built, card, files)
    report("comparing with torch")
    parity = check_parity(voice, Bundle.load(built)) | {ROUNDING: rounding_db}
    renderer = open_renderer(Bundle.load(built), device="cpu")
    files["sample.wav"] = sample_wav([entry.latent for entry in card.latents.values()], renderer)
    card = dataclasses.replace(with_self_test(card, renderer), parity=parity)
    fill(built, dataclasses.replace(card, files=list_files(files)), files)
    bundle = Bundle.load(built)
    self_test(bundle, open_renderer(bundle, device="cpu"))


def _round(voice: FrameVoice) -> float:
    """Round the network's matrices; return how much the levels that can be heard change, in dB."""
    before = _levels(voice)
    round_matrices(voice.network)
    after = _levels(voice)
    audible = before > before.amax(dim=(1, 2), keepdim=True) - math.log(10.0) * 3.0  # 60 dB
    changes = (after - before).abs()[audible] * 20.0 / math.log(10.0)
    return float(torch.quantile(changes[:: max(1, len(changes) // 10**6)], 0.99))


def _levels(voice: FrameVoice) -> torch.Tensor:
    """Return log levels of tones all over the keyboard, shape (instruments, 100, 188)."""
    latent = voice.latent_of.detach()
    pitch = torch.linspace(28.0, 100.0, len(latent))
    since_onset = (torch.arange(100) * 0.03).expand(len(latent), 100)
    with torch.no_grad():
        tone = voice.network.tone(latent, pitch)
        return voice.network.levels(tone, since_onset, torch.full_like(since_onset, -1.0))
