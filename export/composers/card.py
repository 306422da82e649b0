"""Write the card of a composer: what it is, needs, gives, and was taught.

In: its plan, its run, and the files of the bundle. Out: the `ComposerCard`.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from export.bundle.folder import is_free_music
from export.composers.plans import ComposerGraph, ComposerPlan, card_tensors
from export.frame_voice.card import WEIGHTS_NAME, list_files
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import FORMAT, ComposerCard, Graph, GraphTest, Licence
from instrument.bundle.inference import Runtime
from instrument.bundle.self_test import seeded_inputs
from instrument.errors import FileError
from training.trainer.trainer import EVALUATION, RunCard

_SELF_TEST_SEED, _SELF_TEST_PLACES, _SELF_TEST_TOLERANCE = 7, 8, 1e-3


def describe_composer(
    plan: ComposerPlan,
    run: RunCard,
    metrics: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    name: str,
    version: str,
) -> ComposerCard:
    """Put the card together; its self-test and parity are still empty.

    Parameters
    ----------
    metrics
        What ``latentkeys evaluate`` measured, or the run's last validation.
    files
        Every file of the bundle but the card, by name.
    """
    return ComposerCard(
        format=FORMAT,
        kind=plan.kind,
        name=name,
        version=version,
        description=f"{plan.description} Trained on {run.source}.",
        licence=Licence(
            weights="MIT, see LICENSE" if is_free_music(run.source) else "undecided, see LICENSE",
            data=f"corpus {run.corpus[:50]}, see LICENSE",
        ),
        pitch_range=plan.pitch_range,
        weights=WEIGHTS_NAME,
        files=list_files(files),
        graphs={graph: _graph(plan.graphs[graph], f"{graph}.onnx") for graph in plan.graphs},
        constants=dict(plan.constants),
        training=_training(run),
        metrics=dict(metrics),
        steps_per_beat=plan.steps_per_beat,
        voices=plan.voices,
        bars=plan.bars,
        conditions=plan.conditions,
        vocabulary=dict(plan.vocabulary),
        tables=dict(plan.tables),
    )


def with_graph_tests(card: ComposerCard, bundle: Bundle) -> ComposerCard:
    """Add a few numbers of every graph's outputs, as this machine's onnxruntime computes them."""
    runtime = Runtime(threads=1, device="cpu")
    tests = []
    for name, graph in card.graphs.items():
        outputs = bundle.open_graph(name, runtime).run(seeded_inputs(graph, _SELF_TEST_SEED))
        for output in graph.outputs:
            values = outputs[output.name].reshape(-1)
            if values.dtype != np.float32:
                continue
            places = np.unique(np.linspace(0, len(values) - 1, _SELF_TEST_PLACES).astype(int))
            tests.append(
                GraphTest(
                    graph=name,
                    seed=_SELF_TEST_SEED,
                    output=output.name,
                    places=tuple(int(place) for place in places),
                    values=tuple(round(float(value), 6) for value in values[places]),
                    tolerance=_SELF_TEST_TOLERANCE,
                )
            )
    return dataclasses.replace(card, self_test=tuple(tests))


def read_evaluation(folder: Path, run: RunCard) -> dict[str, Any]:
    """Read the figures that ``latentkeys evaluate`` left beside a run.

    Without any, the figures are those of the run's own validation.

    Raises
    ------
    FileError
        The file is there but is no JSON object.
    """
    validation = {name: round(value, 5) for name, value in run.validation.items()}
    path = folder / EVALUATION
    if not path.is_file():
        return {"validation": validation}
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise FileError(f"{path}: is no evaluation: {reason}") from reason
    if not isinstance(report, dict):
        raise FileError(f"{path}: is no evaluation: it must be a table")
    return {"validation": validation, **_rounded(report)}


def _graph(graph: ComposerGraph, file: str) -> Graph:
    with torch.no_grad():
        outputs = graph.module(*graph.inputs.values())
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    named = dict(zip(graph.output_axes, outputs, strict=True))
    return Graph(
        file,
        inputs=card_tensors(graph.inputs, graph.input_axes, graph.limits),
        outputs=card_tensors(named, graph.output_axes, {}),
    )


def _training(run: RunCard) -> dict[str, Any]:
    """Say what was trained on what for how long; no path of the machine it ran on."""
    digest = hashlib.sha256(json.dumps(run.config, sort_keys=True).encode()).hexdigest()
    return {
        "system": run.system,
        "recipe": run.recipe,
        "corpus": run.corpus,
        "corpus_sha256": run.corpus_sha256,
        "source": run.source,
        "steps": run.step,
        "seconds": round(run.seconds),
        "seed": run.length.seed,
        "processes": run.processes,
        "hardware": run.hardware,
        "config_sha256": digest,
        "config": msgspec.to_builtins(run.config),
        "exported": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


def _rounded(report: Any) -> Any:
    """Keep five digits of every figure: a card is read by people."""
    if isinstance(report, dict):
        return {name: _rounded(value) for name, value in report.items()}
    if isinstance(report, list):
        return [_rounded(value) for value in report]
    return float(f"{report:.5g}") if isinstance(report, float) else report
