"""Graphs from anybody: only plain arithmetic of fixed sizes is opened."""

import itertools
import time
from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from instrument.bundle.graph_check import (
    ALLOWED_OPERATORS,
    MOST_NODES,
    check_cost,
    read_parts,
    with_every_result,
)
from instrument.bundle.inference import Runtime
from instrument.errors import BundleError

GIB = 2**30
Node = tuple[str, list[str], list[str]]


def a_graph(
    nodes: Sequence[Node | NodeProto], constants: dict[str, np.ndarray] | None = None, size: int = 4
) -> onnx.ModelProto:
    """Return a graph from x, (size,), to y."""
    made = [n if isinstance(n, NodeProto) else helper.make_node(*n) for n in nodes]
    given = [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()]
    come = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [size])]
    leave = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(made, "graph", come, leave, given)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def check(model: onnx.ModelProto, rows: int = 1, memory: int = 64 * GIB) -> None:
    content = model.SerializeToString()
    parts = read_parts(content)
    results = Runtime(device="cpu").results_in(with_every_result(content, parts), {})
    check_cost(parts, results, rows, memory)


def test_plain_arithmetic_passes() -> None:
    check(a_graph([("Add", ["x", "x"], ["s"]), ("Tanh", ["s"], ["y"])]))


def the_loop() -> NodeProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, [4]),
        ],
        [
            helper.make_tensor_value_info("d", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [4]),
        ],
    )
    return helper.make_node("Loop", ["", "true", "x"], ["y"], body=body)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (the_loop(), "a graph inside a node"),
        (("RandomNormalLike", ["x"], ["y"]), "needs the operator 'RandomNormalLike'"),
        (("NonZero", ["x"], ["y"]), "needs the operator 'NonZero'"),
        (helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft"), "of 'com.microsoft'"),
    ],
)
def test_what_is_not_plain_arithmetic_is_refused(node: Node | NodeProto, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_parts(a_graph([node]).SerializeToString())


def test_a_graph_that_brings_functions_is_refused() -> None:
    model = a_graph([("Add", ["x", "x"], ["y"])])
    opset = [helper.make_opsetid("", 20)]
    inner = helper.make_node("Add", ["a", "a"], ["b"])
    model.functions.append(helper.make_function("own", "f", ["a"], ["b"], [inner], opset))
    with pytest.raises(ValueError, match="functions of its own"):
        read_parts(model.SerializeToString())


def test_a_graph_of_endless_nodes_is_refused() -> None:
    names = ["x", *(f"t{number}" for number in range(MOST_NODES)), "y"]
    chain: list[Node | NodeProto] = [("Abs", [a], [b]) for a, b in itertools.pairwise(names)]
    with pytest.raises(ValueError, match="more than 10000 nodes"):
        read_parts(a_graph(chain).SerializeToString())


@pytest.mark.parametrize("content", [b"", b"not onnx", b"\x08\x0a" * 1000, b"\xff" * 100])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no ONNX graph"):
        read_parts(content)


def test_no_beginning_of_a_graph_does_harm() -> None:
    content = a_graph([("Add", ["x", "x"], ["s"]), ("Tanh", ["s"], ["y"])]).SerializeToString()
    for size in range(len(content)):
        try:
            read_parts(content[:size])
        except ValueError as refusal:
            assert "ONNX" in str(refusal)


def test_sizes_that_depend_on_the_input_are_refused() -> None:
    nodes: list[Node | NodeProto] = [
        helper.make_node("Cast", ["x"], ["n"], to=TensorProto.INT64),
        ("Expand", ["c", "n"], ["y"]),
    ]
    with pytest.raises(ValueError, match="depends on what comes in"):
        check(a_graph(nodes, {"c": np.ones(1, np.float32)}))


def expanded(count: int, uses: str) -> onnx.ModelProto:
    """Make `count` tensors of 256 MiB, of a constant or of the input, and use each at once."""
    shape = np.array([2**26], np.int64)
    nodes: list[Node | NodeProto] = [helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0)]
    for number in range(count):
        nodes.append(("Expand", [uses, "shape"], [f"big{number}"]))
        nodes.append(helper.make_node("ReduceMax", [f"big{number}"], [f"s{number}"], keepdims=0))
    names = [f"s{number}" for number in range(count)]
    nodes.append(("Max", names, ["y"]))
    return a_graph(nodes, {"shape": shape, "one": np.ones((), np.float32)})


def test_what_is_held_in_memory_is_counted_until_its_last_use() -> None:
    check(expanded(8, "m"))  # one at a time
    with pytest.raises(ValueError, match=r"would hold 2\.1 GB"):  # constants are kept for ever
        check(expanded(8, "one"))
    check(expanded(8, "one"), rows=16)


def test_no_graph_may_hold_half_of_a_small_machine() -> None:
    with pytest.raises(ValueError, match=r"would hold 0\.3 GB in memory, may hold 0\.2"):
        check(expanded(1, "m"), memory=400_000_000)


def test_rows_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match="makes 1000 tones at once"):
        check(a_graph([("Abs", ["x"], ["y"])]), rows=1000)


def test_every_allowed_operator_is_one_of_the_standard() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    assert known >= ALLOWED_OPERATORS


@pytest.mark.slow
def test_a_run_that_takes_too_long_is_abandoned_and_the_next_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["w", *(f"t{number}" for number in range(2000))]
    chain: list[Node | NodeProto] = [helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0)]
    chain.append(("Add", ["matrix", "m"], ["w"]))
    chain += [("MatMul", [a, "matrix"], [b]) for a, b in itertools.pairwise(names)]
    model = a_graph([*chain, ("Abs", [names[-1]], ["y"])], {"matrix": np.eye(700, dtype="f4")})
    session = Runtime(device="cpu").open(model.SerializeToString(), {})
    monkeypatch.setattr("instrument.bundle.open_graph.RUN_SECONDS", -699.5)  # it has 700 rows
    began = time.monotonic()
    with pytest.raises(BundleError, match="a graph has not answered within 0 s"):
        session.warm_up()
    assert time.monotonic() - began < 5.0
    monkeypatch.undo()
    assert session.run({"x": np.zeros(4, np.float32)})["y"].shape == (700, 700)
