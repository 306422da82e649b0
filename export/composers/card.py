"""Write the card of a composer: what it is, needs, gives, and was taught.

In: its plan, its run, and the files of the bundle. Out: the `ComposerCard`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from export.bundle.card_file import WEIGHTS_NAME, digest_of, list_files, today
from export.bundle.folder import is_free_music
from export.composers.plan import ComposerPlan
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import FORMAT, ComposerCard, GraphTest, Licence
from instrument.bundle.inference import Runtime
from instrument.bundle.self_test import seeded_inputs
from training.trainer.run_card import RunCard

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
        graphs={name: graph.on_card(f"{name}.onnx") for name, graph in plan.graphs.items()},
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


def _training(run: RunCard) -> dict[str, Any]:
    """Say what was trained on what for how long; no path of the machine it ran on."""
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
        "config_sha256": digest_of(run.config),
        "config": msgspec.to_builtins(run.config),
        "exported": today(),
    }
