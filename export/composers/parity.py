"""Prove that a composer's bundle computes what torch computes.

In: a `ComposerPlan`, whose networks are rounded already, and the bundle as a player's machine opens
it. Out: the largest difference per graph.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from export.bundle.graph_plan import GraphPlan
from export.bundle.proof import check_difference, run_twice
from export.composers.plan import ComposerPlan
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import Graph
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import OpenGraph, Tensors
from instrument.bundle.recurrent_graph import IN, OUT
from instrument.bundle.self_test import seeded_inputs
from instrument.errors import BundleError

LARGEST_DIFFERENCE = 1e-4
ROLLOUT_STEPS = 64
TRIALS = 8


def check_parity(plan: ComposerPlan, bundle: Bundle) -> dict[str, float]:
    """Compare every graph of a bundle with torch.

    Graphs with memory go through `ROLLOUT_STEPS` steps in which either side keeps its own memory;
    others run on a few random inputs.

    Returns
    -------
    dict
        Largest absolute difference by graph name.

    Raises
    ------
    BundleError
        A graph differs too much or chooses otherwise, or two runs of it differ at all.
    """
    runtime = Runtime(threads=1, device="cpu")
    differences = {}
    for name, graph in plan.graphs.items():
        session = bundle.open_graph(name, runtime)
        where = f"{bundle.what}, graph {name}"
        differences[name] = _difference(graph, session, bundle.graph(name), where)
        check_difference(where, differences[name], LARGEST_DIFFERENCE)
    return differences


def _difference(graph: GraphPlan, session: OpenGraph, stated: Graph, where: str) -> float:
    largest, memories = 0.0, graph.memories
    mine: Tensors = {}
    theirs: Tensors = {}
    for step in range(ROLLOUT_STEPS if memories else TRIALS):
        inputs = seeded_inputs(stated, seed=step)
        if not mine:
            mine = {name: np.zeros_like(inputs[name]) for name in memories}
            theirs = dict(mine)
        found = run_twice(session, inputs | mine, where)
        given = {name: torch.from_numpy(values) for name, values in (inputs | theirs).items()}
        wanted = {name: tensor.numpy() for name, tensor in graph.run(given).items()}
        for name in graph.output_axes:
            largest = max(largest, float(np.max(np.abs(found[name] - wanted[name]), initial=0.0)))
        for name in graph.choices:
            compare_choices(found[name], wanted[name], f"{where}, {name}, step {step}")
        mine = {name: found[name.removesuffix(IN) + OUT] for name in memories}
        theirs = {name: wanted[name.removesuffix(IN) + OUT] for name in memories}
    return largest


def compare_choices(found: NDArray[np.float32], wanted: NDArray[np.float32], where: str) -> None:
    """Refuse another likeliest index, unless torch itself has two that are as likely."""
    chosen = found.argmax(axis=-1)
    best = np.take_along_axis(wanted, chosen[..., None], axis=-1)[..., 0]
    if np.any(best < wanted.max(axis=-1) - LARGEST_DIFFERENCE):
        raise BundleError(f"{where}: another choice is the likeliest than in torch")
