"""One file of weights for several graphs."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from export.bundle.weights import WeightFile, operators, round_matrices, to_bytes, without_traces


def adding(name: str, weights: np.ndarray) -> ModelProto:
    """Return a graph that adds weights to its input."""
    shape = list(weights.shape)
    node = helper.make_node("Add", ["x", name], ["y"], doc_string="/home/someone/model.py")
    graph = helper.make_graph(
        [node],
        "adding",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(weights, name), numpy_helper.from_array(weights, "unused")],
        doc_string="made by /home/someone",
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def run(content: bytes, file: WeightFile, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    weights = bytes(file.content)  # must live until the session is there
    options.add_external_initializers_from_files_in_memory([file.name], [weights], [len(weights)])
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize("is_half", [True, False])
def test_shared_weights_compute_the_same_to_the_bit(is_half: bool) -> None:
    random = np.random.default_rng(0)
    weights = random.standard_normal((40, 30)).astype(np.float32)
    weights = weights.astype(np.float16).astype(np.float32) if is_half else weights
    x = random.standard_normal((40, 30)).astype(np.float32)
    file = WeightFile("weights.bin")
    model = without_traces(adding("w", weights))
    file.take_from(model)
    assert np.array_equal(run(to_bytes(model), file, x), x + weights)
    assert len(file.content) == weights.size * (2 if is_half else 4)


def test_equal_tensors_stand_in_the_file_once() -> None:
    weights = np.random.default_rng(0).standard_normal((40, 30)).astype(np.float32)
    file = WeightFile("weights.bin")
    for name in ("w", "v"):
        file.take_from(without_traces(adding(name, weights)))
    assert len(file.content) == weights.nbytes
    file.take_from(without_traces(adding("w", weights + 1)))
    assert len(file.content) >= 2 * weights.nbytes


def test_numbers_that_float16_cannot_hold_stay_whole() -> None:
    file = WeightFile("weights.bin")
    file.take_from(without_traces(adding("w", np.full((40, 30), 1e6, np.float32))))
    assert len(file.content) == 4 * 40 * 30


def test_traces_of_the_machine_and_unused_tensors_go() -> None:
    clean = without_traces(adding("w", np.ones((40, 30), np.float32)))
    assert b"someone" not in to_bytes(clean)
    assert [tensor.name for tensor in clean.graph.initializer] == ["w"]


def test_operators_inside_branches_count() -> None:
    def branch(kind: str, domain: str) -> GraphProto:
        node = helper.make_node(kind, [], ["out"], domain=domain)
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
        return helper.make_graph([node], kind, [], [out])

    node = helper.make_node(
        "If",
        ["c"],
        ["y"],
        then_branch=branch("RandomNormal", ""),
        else_branch=branch("Own", "vendor"),
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    assert operators(helper.make_model(graph)) == {"If", "RandomNormal", "vendor::Own"}


def test_rounding_touches_matrices_only_and_changes_little() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(50, 20)
    before = [parameter.detach().clone() for parameter in layer.parameters()]
    assert round_matrices(layer) == 1000
    matrix, bias = layer.parameters()
    assert torch.equal(matrix, matrix.half().float())
    assert torch.allclose(matrix, before[0], rtol=2**-11, atol=2**-24)
    assert torch.equal(bias, before[1])
