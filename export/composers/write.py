"""Write a composer's bundle: the folder appears whole, checked and playable, or not at all.

In: a training run of any system that `export.composers.planners` plans. Out: a folder with the
graphs, their weights, the card, the licence with its notices, and ``sample.mid``. Everything is
made in a folder beside it, opened as a player's machine would open it, compared with torch, and
renamed.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from export.bundle.card_file import list_files
from export.bundle.evaluation import read_evaluation
from export.bundle.folder import fill, graph_files, music_licence, new_bundle
from export.bundle.onnx_export import export_graphs
from export.bundle.weights import round_matrices
from export.composers.card import describe_composer, with_graph_tests
from export.composers.parity import check_parity
from export.composers.plan import ComposerPlan
from export.composers.planners import plan_composer
from export.composers.samples import sample_phrase
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.self_test import check_graphs
from instrument.midi.phrases import write_phrase
from training.data.symbolic.corpus import open_corpus
from training.systems import find_composer
from training.trainer.checkpoint import CHECKPOINT
from training.trainer.run_card import BEST, RunCard, load_learner, read_run
from training.trainer.system import Learner

ROUNDING = "float16_matrices"
"""On the card beside the graphs' parity: the largest change of an output by rounding, against the
output's own largest value."""


def write_composer(
    run: Path,
    target: Path,
    *,
    version: str = "1",
    corpus: str | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Bundle:
    """Export a composer's run as a bundle.

    Parameters
    ----------
    run
        A folder that ``latentkeys train`` made.
    target
        The bundle's folder; its name is the model's name. An older bundle there is replaced.
    version
        Written on the card.
    corpus
        What the run learned from, by name or folder; where the run says, when not given.
    report
        Told what happens next.

    Raises
    ------
    FileError, SettingError, BundleError, EngineError
        The run or its corpus is missing, a graph differs from torch, or the folder cannot be
        written.
    """
    report("reading the run")
    card, _ = read_run(run)
    system = find_composer(card.system)
    card, learner = load_learner(run, system, open_corpus(corpus or card.corpus))
    return write_learner(learner, card, target, read_evaluation(run, card), version, report)


def run_card(run: Path) -> RunCard:
    """Read the card of the checkpoint that is exported: the best, or the last without one."""
    card, _ = read_run(run, name=BEST if (run / BEST).is_file() else CHECKPOINT)
    return card


def write_learner(
    learner: Learner,
    run: RunCard,
    target: Path,
    metrics: dict[str, Any],
    version: str = "1",
    report: Callable[[str], None] = lambda _: None,
    workers: int = 2,
) -> Bundle:
    """Export a learner with its weights; see `write_composer` and `export_graphs`."""
    torch.set_num_threads(1)
    plan = plan_composer(run.system, learner)
    rounding = _round(plan)
    with new_bundle(target) as built:
        report(f"exporting {len(plan.graphs)} graphs")
        export_graphs(plan.graphs, built.parent, workers)
        files = graph_files(built.parent, plan.graphs)
        files["LICENSE"] = music_licence(run.source, run.notice)
        card = describe_composer(plan, run, metrics, files, name=built.name, version=version)
        fill(built, card, files)
        report("comparing with torch")
        parity = check_parity(plan, Bundle.load(built)) | {ROUNDING: rounding}
        card = dataclasses.replace(with_graph_tests(card, Bundle.load(built)), parity=parity)
        fill(built, card, files)
        files["sample.mid"] = _sample(Bundle.load(built), built.parent)
        card = dataclasses.replace(card, files=list_files(files))
        fill(built, card, files)
        check_graphs(Bundle.load(built), Runtime(threads=1, device="cpu"))
    return Bundle.load(target)


def _round(plan: ComposerPlan) -> float:
    """Round the networks' matrices; return the largest relative change of an output."""
    before = _outputs(plan)
    for network in plan.networks:
        round_matrices(network, with_kernels=True)
    after = _outputs(plan)
    return max(
        float(np.max(np.abs(new - old)) / max(1e-9, float(np.max(np.abs(old)))))
        for old, new in zip(before, after, strict=True)
    )


def _outputs(plan: ComposerPlan) -> list[np.ndarray[Any, Any]]:
    outputs = (graph.run().values() for graph in plan.graphs.values())
    return [output.numpy().astype(np.float64) for output in itertools.chain(*outputs)]


def _sample(bundle: Bundle, scratch: Path) -> bytes:
    """Let the composer play from nothing, through the host that will play it."""
    path = scratch / "sample.mid"
    write_phrase(path, sample_phrase(bundle))
    return path.read_bytes()
