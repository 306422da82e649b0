"""Turn the graphs of a trained model into ONNX, each in a process of its own.

In: graph plans. Out: ONNX files with fixed shapes, weights embedded.

``torch.onnx`` keeps state between exports: a second export in the same process can silently freeze
a dimension or fall back to another route (measured with torch 2.13; near pytorch issues 115092 and
126339). So every graph gets a process that has exported nothing yet, the module is in ``eval``
mode, and the result is accepted only with operators of a known list; whether it computes what torch
computes is proven afterwards (`export.bundle.proof`).
"""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path

import onnx
import torch

from export.bundle.graph_plan import GraphPlan
from export.bundle.weights import operators, without_traces
from instrument.bundle.graph_check import ALLOWED_OPERATORS
from instrument.errors import EngineError

OPSET = 20


def export_graphs(plans: Mapping[str, GraphPlan], folder: Path, workers: int = 2) -> None:
    """Export graphs side by side to ``folder/NAME.onnx``.

    Parameters
    ----------
    plans
        By name.
    folder
        Scratch space.
    workers
        Processes at a time; 0 exports in this process, which is quicker for tiny networks and is
        trusted for nothing that ships.

    Raises
    ------
    EngineError
        An export failed; the message ends with the process's last words.
    """
    if not workers:
        for name, plan in plans.items():
            _export(name, plan, folder)
        return
    with ProcessPoolExecutor(workers, _fresh_processes(), max_tasks_per_child=1) as pool:
        # As bytes: torch would hand each tensor over through shared memory, of which containers
        # have little.
        contents = (pickle.dumps(plan) for plan in plans.values())
        try:
            list(pool.map(partial(_export_pickled, folder=folder), plans, contents))
        except BrokenProcessPool as reason:
            raise EngineError(f"exporting the graphs {', '.join(plans)} failed: {reason}") from None


def _fresh_processes() -> BaseContext:
    """Return how to make processes that have exported nothing.

    Linux forks them from one that has imported torch and done nothing else: three small graphs take
    20 instead of 40 s of CPU time, to the same bytes.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch._dynamo", "torch.onnx", "onnxscript", __name__])
    return context


def to_onnx(
    module: torch.nn.Module, inputs: Mapping[str, torch.Tensor], output_names: Sequence[str]
) -> onnx.ModelProto:
    """Export a module with the shapes of its example inputs; once per process.

    Raises
    ------
    EngineError
        The graph needs an operator that is not allowed.
    """
    # The exporter takes one tensor given as two inputs for one input: measured with torch 2.13.
    apart = tuple(tensor.clone() for tensor in inputs.values())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch's parts say to each other
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            module,
            apart,
            input_names=list(inputs),
            output_names=list(output_names),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = without_traces(program.model_proto)
    if foreign := sorted(operators(model) - ALLOWED_OPERATORS):
        raise EngineError(f"the graph uses operators that are not allowed: {', '.join(foreign)}")
    onnx.checker.check_model(model)
    return model


def _export_pickled(name: str, content: bytes, folder: Path) -> None:
    """Export a graph that our own parent process has sent."""
    _export(name, pickle.loads(content), folder)  # noqa: S301 - it comes from our own parent


def _export(name: str, plan: GraphPlan, folder: Path) -> None:
    """Export one graph in this process, which must not export another one."""
    torch.set_num_threads(1)
    try:
        model = to_onnx(plan.module.eval(), plan.inputs, list(plan.output_axes))
    except Exception as reason:  # torch's exporter raises of all sorts, few of which can be sent
        words = "\n".join(traceback.format_exc().strip().splitlines()[-12:])
        raise EngineError(f"exporting the graph {name} failed:\n{words}") from reason
    onnx.save(model, folder / f"{name}.onnx")
