"""Export a composer's graphs, each in a process of its own, and prove that they compute the same.

In: a `ComposerPlan`, whose networks are rounded already. Out: ONNX files; then, from the bundle as
a player's machine opens it, the largest difference to torch per graph. Modules travel to the other
process through a scratch file that this process has just written.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from export.bundle.onnx_export import ALLOWED_OPERATORS, run_export, to_onnx
from export.composers.plans import ComposerGraph, ComposerPlan
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import Graph
from instrument.bundle.inference import Runtime, Session, Tensors
from instrument.bundle.recurrent_graph import IN, OUT
from instrument.bundle.self_test import seeded_inputs
from instrument.errors import BundleError

LARGEST_DIFFERENCE = 1e-4
ROLLOUT_STEPS = 64
TRIALS = 8
_MORE_OPERATORS = """
And ArgMax ArgMin BatchNormalization Ceil Conv ConvTranspose CumSum Elu Equal Erf Floor
GatherElements GatherND Gelu InstanceNormalization LSTM LeakyRelu Less LessOrEqual LogSoftmax Mod
Not OneHot Or Pad ReduceMax ReduceMean ReduceMin Relu ScatterElements Shape Sign Split Tanh Tile
"""
COMPOSER_OPERATORS = ALLOWED_OPERATORS | frozenset(_MORE_OPERATORS.split())
"""Plain arithmetic, recurrent layers and convolutions: nothing random, no loops."""


def export_plan(plan: ComposerPlan, folder: Path, workers: int = 2) -> None:
    """Export all graphs side by side to ``folder/NAME.onnx``.

    Parameters
    ----------
    workers
        Processes at a time; 0 exports in this process, which is quicker for tiny networks and is
        trusted for nothing that ships.

    Raises
    ------
    EngineError
        An export failed; the message ends with the process's last words.
    """
    for name, graph in plan.graphs.items():
        torch.save(graph, folder / f"{name}.pt")
    if not workers:
        for name in plan.graphs:
            export_here(folder, name)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda n: run_export(__name__, n, str(folder), n), plan.graphs))


def export_here(folder: Path, name: str) -> None:
    """Export one graph in this process, which must not export another one."""
    torch.set_num_threads(1)
    graph: ComposerGraph = torch.load(folder / f"{name}.pt", weights_only=False)
    module = graph.module.eval()
    model = to_onnx(module, graph.inputs, list(graph.output_axes), COMPOSER_OPERATORS)
    onnx.save(model, folder / f"{name}.onnx")


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
        if not differences[name] <= LARGEST_DIFFERENCE:
            raise BundleError(
                f"{where}: differs from torch by {differences[name]:.1e}, "
                f"may differ by {LARGEST_DIFFERENCE:.0e}"
            )
    return differences


def _difference(graph: ComposerGraph, session: Session, stated: Graph, where: str) -> float:
    largest, memories = 0.0, graph.memories
    mine: Tensors = {}
    theirs: Tensors = {}
    for step in range(ROLLOUT_STEPS if memories else TRIALS):
        inputs = seeded_inputs(stated, seed=step)
        if not mine:
            mine = {name: np.zeros_like(inputs[name]) for name in memories}
            theirs = dict(mine)
        found = _run_twice(session, inputs | mine, where)
        wanted = _run_torch(graph, inputs | theirs)
        for name in graph.output_axes:
            largest = max(largest, float(np.max(np.abs(found[name] - wanted[name]), initial=0.0)))
        for name in graph.choices:
            compare_choices(found[name], wanted[name], f"{where}, {name}, step {step}")
        mine = {name: found[name.removesuffix(IN) + OUT] for name in memories}
        theirs = {name: wanted[name.removesuffix(IN) + OUT] for name in memories}
    return largest


def _run_torch(graph: ComposerGraph, inputs: Tensors) -> Tensors:
    with torch.no_grad():
        outputs = graph.module(*(torch.from_numpy(inputs[name]) for name in graph.inputs))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return {n: out.numpy() for n, out in zip(graph.output_axes, outputs, strict=True)}


def _run_twice(session: Session, tensors: Tensors, where: str) -> Tensors:
    first, second = session.run(tensors), session.run(tensors)
    for name, values in first.items():
        if not np.array_equal(values, second[name]):
            raise BundleError(f"{where}: two runs on the same input differ in {name}")
    return first


def compare_choices(found: NDArray[np.float32], wanted: NDArray[np.float32], where: str) -> None:
    """Refuse another likeliest index, unless torch itself has two that are as likely."""
    chosen = found.argmax(axis=-1)
    best = np.take_along_axis(wanted, chosen[..., None], axis=-1)[..., 0]
    if np.any(best < wanted.max(axis=-1) - LARGEST_DIFFERENCE):
        raise BundleError(f"{where}: another choice is the likeliest than in torch")


if __name__ == "__main__":
    export_here(Path(sys.argv[1]), sys.argv[2])
