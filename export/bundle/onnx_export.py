"""Turn one graph of a trained voice into ONNX, in a process of its own.

In: a run's folder and a graph name. Out: an ONNX file with fixed shapes, weights embedded.

``torch.onnx`` keeps state between exports: a second export in the same process can silently freeze
a dimension or fall back to another route (measured with torch 2.13; near pytorch issues 115092 and
126339). So every graph gets a fresh interpreter, the module is in ``eval`` mode, and the result is
accepted only if it computes what torch computes (`export.bundle.parity`) with operators of a known
list.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import torch

from export.bundle.weights import operators, round_matrices, without_traces
from export.frame_voice.graphs import plan
from instrument.errors import EngineError
from training.frame_voice.run import load_voice

OPSET = 20
_PLAIN_OPERATORS = """
Abs Add Cast Clip Concat Cos Div Exp Expand Gather Gemm Greater GreaterOrEqual Identity
LayerNormalization Log MatMul Max Min Mul Neg Pow ReduceSum Reshape Round Sigmoid Sin Slice Softmax
Softplus Sqrt Squeeze Sub Transpose Unsqueeze Where
"""
ALLOWED_OPERATORS = frozenset(_PLAIN_OPERATORS.split())
"""Plain arithmetic of the standard domain: nothing random, no loops, no runtime's own."""


def export_graphs(run: Path, names: tuple[str, ...], folder: Path, workers: int = 2) -> None:
    """Export graphs side by side, each in its own process, to ``folder/NAME.onnx``.

    Raises
    ------
    EngineError
        An export failed; the message ends with the process's last words.
    """
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda n: run_export(__name__, n, str(run), n, str(folder)), names))


def run_export(module: str, graph: str, *arguments: str) -> None:
    """Run ``python -m module arguments``, which exports one graph.

    Raises
    ------
    EngineError
        It failed; the message ends with the process's last words.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise EngineError(f"exporting the graph {graph} failed:\n{words}")


def export_here(run: Path, name: str, folder: Path) -> None:
    """Export one graph in this process, which must not export another one."""
    torch.set_num_threads(1)
    voice, _ = load_voice(run)
    round_matrices(voice.network)
    graph = plan(voice, name)
    model = to_onnx(graph.module, graph.inputs, list(graph.output_axes), ALLOWED_OPERATORS)
    onnx.save(model, folder / f"{name}.onnx")


def to_onnx(
    module: torch.nn.Module,
    inputs: Mapping[str, torch.Tensor],
    output_names: Sequence[str],
    allowed: frozenset[str],
) -> onnx.ModelProto:
    """Export a module with the shapes of its example inputs; once per process.

    Raises
    ------
    SystemExit
        The graph needs an operator that is not allowed.
    """
    # The exporter takes one tensor given as two inputs for one input: measured with torch 2.13.
    apart = tuple(tensor.clone() for tensor in inputs.values())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch's parts say to each other
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
    if foreign := sorted(operators(model) - allowed):
        raise SystemExit(f"the graph uses operators that are not allowed: {', '.join(foreign)}")
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    export_here(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
