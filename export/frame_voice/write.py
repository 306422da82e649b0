"""Write a bundle: the folder appears whole, checked and playable, or not at all.

In: a training run. Out: a folder with the graphs, their weights, the card, the licence with its
notices, and ``sample.wav``. Everything is made in a folder beside it, opened as a player's machine
would open it, compared with torch, and renamed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from export.bundle.folder import fill, graph_files, licence, new_bundle
from export.bundle.onnx_export import export_graphs
from export.bundle.proof import finish_voice
from export.bundle.weights import round_matrices
from export.frame_voice.card import describe, read_metrics
from export.frame_voice.graphs import GRAPH_NAMES, plan
from export.frame_voice.parity import check_parity
from instrument.bundle.bundle import Bundle
from training.frame_voice.model import FrameVoice
from training.frame_voice.run import load_voice
from training.trainer.run_card import RunCard

ROUNDING = "float16_matrices_db"
"""On the card beside the graphs' parity: what rounded matrices changed in the levels that can be
heard, 99th percentile."""
SELF_TEST_TOLERANCE = 1e-4


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
    voice, trained = load_voice(run)  # what is no run is refused before anything is written
    notices = licence(f"notes of {trained.source}", trained.notice)
    return write_voice(
        voice,
        trained,
        target,
        notices,
        metrics=read_metrics(run),
        version=version,
        graph_names=graph_names,
        report=report,
    )


def write_voice(
    voice: FrameVoice,
    trained: RunCard,
    target: Path,
    notices: bytes,
    *,
    metrics: Mapping[str, Any] = MappingProxyType({}),
    version: str = "1",
    graph_names: tuple[str, ...] = GRAPH_NAMES,
    report: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Export a voice as a bundle.

    Parameters
    ----------
    voice, trained
        What a run holds. The voice's matrices are rounded in place.
    notices
        The content of the licence file.
    metrics
        For the card: what ``latentkeys evaluate`` found.
    target, version, graph_names, report
        As for `write_bundle`.

    Raises
    ------
    FileError, BundleError, EngineError
        A graph differs from torch, or the folder cannot be written.
    """
    with new_bundle(target) as built:
        rounding_db = _round(voice)
        plans = {name: plan(voice, name) for name in graph_names}
        report(f"exporting {len(plans)} graphs")
        export_graphs(plans, built.parent)
        files = graph_files(built.parent, plans)
        files["LICENSE"] = notices
        names = {"name": built.name, "version": version}
        card = describe(voice, trained, plans, metrics, files, **names)
        fill(built, card, files)
        report("comparing with torch")
        parity = check_parity(voice, Bundle.load(built)) | {ROUNDING: rounding_db}
        card = dataclasses.replace(card, parity=parity)
        heard = [entry.latent for entry in card.latents.values()]
        tested = [heard[index * (len(heard) - 1) // 2] for index in range(3)]
        finish_voice(built, card, files, heard, tested, SELF_TEST_TOLERANCE)
    return Bundle.load(target)


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
