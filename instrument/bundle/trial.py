"""Run every graph of a bundle once, each in a process of its own that can be killed.

In: a bundle from anybody. Out: nothing, or an error that names the graph.
``python -m instrument.bundle.trial FOLDER GRAPH`` is the process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from instrument.bundle.bundle import FETCH_AGAIN, Bundle
from instrument.bundle.card import Graph
from instrument.bundle.graph_check import allowed_bytes
from instrument.bundle.inference import Runtime
from instrument.bundle.limits import limit_process, memory_bytes
from instrument.bundle.open_graph import Tensors
from instrument.bundle.self_test import seeded_inputs
from instrument.errors import BundleError

_CPU_SECONDS, _ROW_CPU_SECONDS = 6, 1
_WALL_SECONDS = 10
"""So much longer than its processor time a trial may take on a busy machine."""
_RUNTIME_BYTES = 2**29
_REFUSED = 2


def try_every_graph(bundle: Bundle) -> None:
    """Run all graphs on made-up inputs, with a limit to their time and memory.

    Raises
    ------
    BundleError
        A graph is refused, fails, takes too much, or gives something that is no number.
    """
    for name in bundle.card.graphs:
        _try(bundle, name)


def _try(bundle: Bundle, name: str) -> None:
    where = f"{bundle.what}, graph {name[:40]}"
    seconds = _cpu_seconds(bundle.graph(name))
    command = [sys.executable, "-m", __name__, str(bundle.path), name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_WALL_SECONDS * seconds
        )
    except subprocess.TimeoutExpired:
        raise BundleError(f"{where}: has not answered within {seconds} s", FETCH_AGAIN) from None
    if done.returncode == _REFUSED:
        raise BundleError(done.stdout.strip(), FETCH_AGAIN)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1][:200]
        raise BundleError(
            f"{where}: ended the process that tried it, which may take {seconds} s of a processor "
            f"(exit code {done.returncode}) {last}".rstrip(),
            FETCH_AGAIN,
        )


def main() -> None:
    """Run one graph of a bundle; what is wrong with it goes to stdout."""
    try:
        bundle, name = Bundle.load(Path(sys.argv[1])), sys.argv[2]
        graph = bundle.graph(name)
        weights = bundle.card.files[bundle.card.weights].size_bytes
        may_hold = allowed_bytes(graph.rows, memory_bytes())
        limit_process(may_hold + 8 * weights + _RUNTIME_BYTES, _cpu_seconds(graph))
        session = bundle.open_graph(name, Runtime(threads=1, device="cpu"))
        _check_numbers(f"{bundle.what}, graph {name[:40]}", session.run(_inputs(bundle, graph)))
    except BundleError as problem:
        sys.stdout.write(problem.message)
        sys.exit(_REFUSED)


def _cpu_seconds(graph: Graph) -> int:
    return _CPU_SECONDS + _ROW_CPU_SECONDS * graph.rows


def _inputs(bundle: Bundle, graph: Graph) -> Tensors:
    """Make inputs up; a voice is asked for what a player could ask it for."""
    tensors = seeded_inputs(graph, seed=1)
    lowest, highest = bundle.card.pitch_range
    limits = {"pitch": (lowest, highest), "velocity": (0.1, 1.0)}
    random = np.random.default_rng(1)
    for name in limits.keys() & tensors.keys():
        low, high = limits[name]
        tensors[name] = random.uniform(low, high, tensors[name].shape).astype(tensors[name].dtype)
    return tensors


def _check_numbers(where: str, outputs: Tensors) -> None:
    for name, values in outputs.items():
        if not np.isfinite(values).all():
            raise BundleError(f"{where}: gives no finite numbers in {name[:40]}")


if __name__ == "__main__":
    main()
