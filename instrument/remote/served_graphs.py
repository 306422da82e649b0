"""A bundle's graphs on a server, as renderers open and run them.

Does for a server what `instrument.bundle.inference` does for this machine's onnxruntime; what the
server says that a graph takes and gives is compared with the card in the same place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from instrument.bundle.bundle import Bundle, Signature
from instrument.bundle.card import Graph
from instrument.bundle.open_graph import Tensors
from instrument.remote.served_names import served_name
from instrument.remote.server import Server

ANSWER_SECONDS = 0.9
"""A hand that waits for its tone does not wait longer for a server."""
FIRST_SECONDS = 20.0
"""A server may load a graph, and choose its algorithms, when it is asked for the first time."""


@dataclass(slots=True)
class ServedGraphs:
    """Open graphs on a server.

    Attributes
    ----------
    server
        Has them.
    limit_seconds
        So long each answer may take.
    """

    server: Server
    limit_seconds: float = ANSWER_SECONDS

    @property
    def notice(self) -> str:
        """There is nothing to say: it runs where it should."""
        return ""

    def open_graph(self, bundle: Bundle, name: str) -> ServedGraph:
        """Ask for a graph of a bundle.

        Raises
        ------
        ServerError
            The server does not have it, or does not answer.
        """
        model = served_name(bundle, name)
        inputs, outputs = self.server.signature(model, self.limit_seconds)
        return ServedGraph(self, model, bundle.graph(name), inputs, outputs)


@dataclass(frozen=True, slots=True)
class ServedGraph:
    """A graph on a server; see `instrument.bundle.open_graph.RunnableGraph`."""

    graphs: ServedGraphs
    model: str
    card: Graph
    inputs: Signature
    outputs: Signature
    provider: str = "remote"

    @property
    def session(self) -> ServedGraph:
        """What is run: itself."""
        return self

    def run(self, tensors: Tensors) -> Tensors:
        """Run the graph once.

        Raises
        ------
        ServerError
            It does not answer in time, or not as the card says.
        """
        graphs = self.graphs
        return graphs.server.run(self.model, tensors, self.card.outputs, graphs.limit_seconds)

    def warm_up(self) -> None:
        """Run on zeros."""
        shapes = {tensor.name: (tensor.shape, tensor.dtype) for tensor in self.card.inputs}
        self.run({name: np.zeros(shape, dtype) for name, (shape, dtype) in shapes.items()})

    def bind(self) -> ServedGraph:
        """Return it: there are no buffers to keep here."""
        return self
