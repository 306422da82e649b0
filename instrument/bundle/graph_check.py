"""Look into an ONNX graph before it is opened: what it is made of, and how much it would compute.

In: the content of a graph's file, from anybody. Out: nothing, or a `ValueError` that says why it is
refused. Loops, functions and everything that is not plain arithmetic of the standard domain are;
so is a graph whose tensors have no fixed size, or are too large. Only the few fields of the format
(onnx/onnx.proto3) that say so are read, and nothing is unpacked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_OPERATORS = """
Abs Add And ArgMax ArgMin BatchNormalization Cast Ceil Clip Concat Constant Conv ConvTranspose Cos
CumSum DepthToSpace Div Elu Equal Erf Exp Expand Floor Gather GatherElements GatherND Gelu Gemm
Greater GreaterOrEqual Identity InstanceNormalization LSTM LayerNormalization LeakyRelu Less
LessOrEqual Log LogSoftmax MatMul Max Min Mod Mul Neg Not OneHot Or Pad Pow Reciprocal ReduceMax
ReduceMean ReduceMin ReduceSum Relu Reshape Round ScatterElements Shape Sigmoid Sign Sin Slice
Softmax Softplus Split Sqrt Squeeze Sub Tanh Tile Transpose Unsqueeze Where
"""
ALLOWED_OPERATORS = frozenset(_OPERATORS.split())
"""Arithmetic, recurrent layers and convolutions of the standard domain: nothing random, no loops,
no runtime's own."""
MOST_NODES = 10_000
BASE_BYTES, ROW_BYTES = 2**29, 2**27
"""What a run may hold in memory: so much, and so much more for each tone that it makes; a tone of a
full-grown GANSynth holds three quarters of it."""
MOST_ROWS = 128

_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_GRAPHS = (6, 11)  # of an attribute
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_ELEMENT_BYTES = {"tensor(float)": 4, "tensor(float16)": 2, "tensor(int32)": 4, "tensor(bool)": 1}


@dataclass(slots=True)
class GraphParts:
    """How a graph computes, by the names of its tensors.

    Attributes
    ----------
    nodes
        What each operation takes and gives, in order.
    inputs, outputs
        What comes in and out.
    """

    nodes: list[tuple[set[str], set[str]]] = field(default_factory=list)
    inputs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)


def read_parts(content: bytes) -> GraphParts:
    """Read how a graph computes.

    Raises
    ------
    ValueError
        It is no graph, or made of something that no graph of ours needs.
    """
    parts = GraphParts()
    for number, model_part in _fields(memoryview(content)):
        if number == _MODEL_FUNCTIONS:
            raise ValueError("it brings functions of its own")
        for kind, item in _fields(model_part) if number == _MODEL_GRAPH else ():
            if kind == _GRAPH_NODE:
                parts.nodes.append(_checked_node(item))
                if len(parts.nodes) > MOST_NODES:
                    raise ValueError(f"it has more than {MOST_NODES} nodes")
            elif kind in (_GRAPH_INPUT, _GRAPH_OUTPUT):
                names = {_text(name) for key, name in _fields(item) if key == 1}
                (parts.inputs if kind == _GRAPH_INPUT else parts.outputs).update(names)
    if not parts.outputs:
        raise ValueError("it is no ONNX graph: nothing comes out of it")
    return parts


def with_every_result(content: bytes, parts: GraphParts) -> bytes:
    """Return the graph with all its tensors as outputs: a message grows by what is appended."""
    results = set().union(*(gives for _, gives in parts.nodes)) - parts.outputs
    outputs = (_message(_GRAPH_OUTPUT, _message(1, name.encode())) for name in sorted(results))
    return content + _message(_MODEL_GRAPH, b"".join(outputs))


def check_cost(
    parts: GraphParts,
    results: Mapping[str, tuple[str, tuple[object, ...]]],
    rows: int,
    memory_bytes: int,
) -> None:
    """Refuse a graph that would hold too much in memory.

    Parameters
    ----------
    results
        Element type and shape of every tensor, by name.
    rows
        How many tones or voices one run makes.
    memory_bytes
        Of this machine; no graph gets more than half of it.

    Raises
    ------
    ValueError
        It would, or the size of a tensor is not fixed.
    """
    if rows > MOST_ROWS:
        raise ValueError(f"it makes {rows} tones at once, may make {MOST_ROWS}")
    peak = _peak_bytes(parts, {name: _bytes_of(name, *tensor) for name, tensor in results.items()})
    allowed = allowed_bytes(rows, memory_bytes)
    if peak > allowed:
        raise ValueError(
            f"it would hold {peak / 1e9:.1f} GB in memory, may hold {allowed / 1e9:.1f}"
        )


def allowed_bytes(rows: int, memory_bytes: int) -> int:
    """Return what a run that makes so many tones may hold in memory."""
    return min(BASE_BYTES + ROW_BYTES * rows, memory_bytes // 2)


def _bytes_of(name: str, kind: str, shape: tuple[object, ...]) -> int:
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) != len(shape):
        raise ValueError(f"the size of {name[:40]!r} inside depends on what comes in")
    return math.prod(sizes) * _ELEMENT_BYTES.get(kind, 8)


def _peak_bytes(parts: GraphParts, sizes: Mapping[str, int]) -> int:
    """Return the most that is held at once: until its last use, or for ever if it is constant.

    Constants are computed when the graph is opened, and kept.
    """
    last_use = {name: at for at, (takes, _) in enumerate(parts.nodes) for name in takes}
    moving, held, peak = set(parts.inputs), 0, 0
    for at, (takes, gives) in enumerate(parts.nodes):
        held += sum(sizes.get(name, 0) for name in gives)
        peak = max(peak, held)
        if takes & moving:
            moving |= gives
        over = {name for name in takes | gives if last_use.get(name, at) == at}
        held -= sum(sizes.get(name, 0) for name in over & moving - parts.outputs - parts.inputs)
    return peak


def _checked_node(node: memoryview) -> tuple[set[str], set[str]]:
    """Return the names of what a node takes and gives."""
    operator, domain = "", ""
    takes: set[str] = set()
    gives: set[str] = set()
    for number, value in _fields(node):
        if number == _NODE_INPUT:
            takes.add(_text(value))
        elif number == _NODE_OUTPUT:
            gives.add(_text(value))
        elif number == _NODE_OPERATOR:
            operator = _text(value)
        elif number == _NODE_DOMAIN:
            domain = _text(value)
        elif number == _NODE_ATTRIBUTE and any(key in _GRAPHS for key, _ in _fields(value)):
            raise ValueError("it has a graph inside a node: a loop or a branch")
    if domain not in ("", "ai.onnx"):
        raise ValueError(f"it needs operators of {domain[:40]!r}")
    if operator not in ALLOWED_OPERATORS:
        raise ValueError(f"it needs the operator {operator[:40]!r}")
    return takes - {""}, gives - {""}


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the number and the bytes of a protocol buffer's fields; numbers have none."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire, size = tag & 7, 0
        if wire == _VARINT:
            _, at = _varint(message, at)
        elif wire in (_FIXED32, _FIXED64):
            at += 4 if wire == _FIXED32 else 8
        elif wire == _BYTES:
            size, at = _varint(message, at)
        else:
            raise ValueError("it is no ONNX graph")
        if at + size > len(message):
            raise ValueError("it is cut short, or no ONNX graph")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            break
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError("it is cut short, or no ONNX graph")


def _message(number: int, content: bytes) -> bytes:
    """Write one field of bytes."""
    size, head = len(content), bytearray()
    for value in (number << 3 | _BYTES, size):
        while value >= 0x80:
            head.append(value & 0x7F | 0x80)
            value >>= 7
        head.append(value)
    return bytes(head) + content


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8", "replace")
