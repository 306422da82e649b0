"""A composer's self-test: run its graphs on seeded inputs and compare a few numbers.

In: a bundle whose card holds `GraphTest` entries. Out: the largest difference, or an error that
names the graph. The same inputs are made here and on the machine that exported the bundle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import Graph
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import Tensors
from instrument.errors import BundleError


def seeded_inputs(graph: Graph, seed: int) -> Tensors:
    """Draw inputs for one run of a graph: within their limits, or standard normal without any."""
    random = np.random.Generator(np.random.Philox(key=seed))
    tensors: Tensors = {}
    for tensor in graph.inputs:
        low, high = tensor.limits or (0.0, 0.0)
        values: NDArray[Any]
        if tensor.dtype == "int64":
            values = random.integers(int(low), int(high) + 1, tensor.shape)
        elif tensor.limits:
            values = random.uniform(low, high, tensor.shape)
        else:
            values = random.standard_normal(tensor.shape)
        tensors[tensor.name] = values.astype(tensor.dtype)
    return tensors


def check_graphs(bundle: Bundle, runtime: Runtime) -> float:
    """Run every graph that the card tests and compare with the exporting machine.

    Returns
    -------
    float
        The largest absolute difference.

    Raises
    ------
    BundleError
        A number differs by more than its tolerance: this runtime computes something else.
    """
    largest = 0.0
    for test in bundle.music.self_test:
        session = bundle.open_graph(test.graph, runtime)
        outputs = session.run(seeded_inputs(bundle.graph(test.graph), test.seed))
        found = outputs[test.output].reshape(-1)[np.asarray(test.places)]
        difference = np.abs(found - np.asarray(test.values))
        worst = int(np.argmax(difference))
        if not difference[worst] <= test.tolerance:
            raise BundleError(
                f"{bundle.what}: self-test: graph {test.graph}, {test.output}, place "
                f"{test.places[worst]} must be {test.values[worst]:.6f} within "
                f"{test.tolerance:g}, got {found[worst]:.6f}",
                "This onnxruntime computes something else: try another version.",
            )
        largest = max(largest, float(difference[worst]))
    return largest
