"""Put the weights of several ONNX graphs into one file, and nothing else into the graphs.

In: graphs with embedded tensors, as the exporter writes them. Out: the same graphs with every
large tensor as external data, and one file in which each distinct tensor stands once. A bundle of
six graphs of one network is then hardly larger than one.

Tensors whose every value float16 can hold exactly are kept as float16, with a ``Cast`` that
onnxruntime folds away when it opens the graph: half the file, the same float32 arithmetic, to the
bit. The network's matrices are rounded to such values before export (`round_matrices`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

EMBEDDED_BYTES = 512
"""Smaller tensors stay in the graph: a shape or a scalar reads better there."""
ALIGNMENT_BYTES = 64


def round_matrices(network: torch.nn.Module, with_kernels: bool = False) -> int:
    """Round a network's matrices to the nearest float16, in place; vectors and tables stay.

    Parameters
    ----------
    with_kernels
        Round the kernels of convolutions too.

    Returns
    -------
    int
        How many numbers were rounded. The relative change of each is at most 2**-11.
    """
    rounded = 0
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 2 or (with_kernels and parameter.dim() > 2):
                parameter.copy_(parameter.half().float())
                rounded += parameter.numel()
    return rounded


@dataclass(slots=True)
class WeightFile:
    """The content of the shared file while it grows; tensors are found by what they contain."""

    name: str
    content: bytearray = field(default_factory=bytearray)
    offsets: dict[bytes, int] = field(default_factory=dict)

    def place(self, values: bytes) -> int:
        """Return where a tensor's bytes stand, adding them if they are new."""
        key = hashlib.sha256(values).digest()
        if key not in self.offsets:
            self.content.extend(bytes(-len(self.content) % ALIGNMENT_BYTES))
            self.offsets[key] = len(self.content)
            self.content.extend(values)
        return self.offsets[key]

    def take_from(self, model: ModelProto) -> None:
        """Move every large tensor of a graph into this file."""
        casts = []
        for tensor in model.graph.initializer:
            values = np.ascontiguousarray(numpy_helper.to_array(tensor))
            if values.nbytes <= EMBEDDED_BYTES:
                continue
            if _fits_half(values):
                casts.append(helper.make_node("Cast", [f"{tensor.name}.half"], [tensor.name], to=1))
                values = values.astype(np.float16)
                tensor.name, tensor.data_type = f"{tensor.name}.half", TensorProto.FLOAT16
            _refer(tensor, self.name, self.place(values.tobytes()), values.nbytes)
        nodes = [*casts, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)


def without_traces(model: ModelProto) -> ModelProto:
    """Drop what the exporter notes about the machine: stack traces, paths, doc strings.

    Also drops tensors that no node uses, which the optimiser leaves behind.
    """
    clean = ModelProto()
    clean.CopyFrom(model)
    clean.doc_string = ""
    clean.producer_name, clean.producer_version = "latentkeys", ""
    del clean.metadata_props[:]
    graph = clean.graph
    graph.doc_string = ""
    del graph.metadata_props[:], graph.value_info[:], graph.quantization_annotation[:]
    used = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for index, node in enumerate(graph.node):
        node.name, node.doc_string = f"{node.op_type}_{index}", ""
        del node.metadata_props[:]
    for item in (*graph.initializer, *graph.input, *graph.output):
        item.doc_string = ""
        del item.metadata_props[:]
    return clean


def operators(model: ModelProto) -> set[str]:
    """Name every operator of a graph with its domain; functions and subgraphs count too."""
    found: set[str] = set()
    pending: list[NodeProto] = list(model.graph.node)
    for function in model.functions:
        pending.extend(function.node)
    while pending:
        node = pending.pop()
        found.add(f"{node.domain}::{node.op_type}" if node.domain else node.op_type)
        for attribute in node.attribute:
            pending.extend(attribute.g.node)
    return found


def to_bytes(model: ModelProto) -> bytes:
    """Turn a graph into the content of a file, always the same."""
    return bytes(model.SerializeToString(deterministic=True))


def _fits_half(values: NDArray[np.generic]) -> bool:
    if values.dtype != np.float32:
        return False
    with np.errstate(over="ignore"):
        return bool(np.array_equal(values.astype(np.float16).astype(np.float32), values))


def _refer(tensor: TensorProto, location: str, offset: int, length: int) -> None:
    tensor.ClearField("raw_data")
    for values in ("float_data", "int64_data", "int32_data", "double_data"):
        tensor.ClearField(values)
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
