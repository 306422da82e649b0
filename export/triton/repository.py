"""Write the graphs of a bundle as a model repository, as Triton and other servers read it.

In: a checked bundle. Out: for each graph ``NAME-VERSION-GRAPH/config.pbtxt`` and ``1/model.onnx``,
the same operations and numbers as the bundle's, its weights inside. What else lies in the folder is
left alone, so that one repository may hold many models.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import Graph, Tensor
from instrument.errors import FileError
from instrument.remote.served_names import served_name

_TYPES = {"float32": "TYPE_FP32", "int64": "TYPE_INT64"}
_HEURISTIC = "1"
"""For cuDNN: as this instrument's own runtime asks for it, the default tries every algorithm."""


def write_repository(bundle: Bundle, folder: Path) -> list[str]:
    """Write every graph of a bundle; a model of the same name is replaced.

    Returns
    -------
    list of str
        The models' names.

    Raises
    ------
    BundleError
        It is a composer's: those answer within milliseconds where they are.
    FileError
        The folder cannot be written.
    """
    _ = bundle.sound
    names = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, graph in bundle.card.graphs.items():
            model = served_name(bundle, name)
            with tempfile.TemporaryDirectory(prefix=".", dir=folder) as scratch:
                _write_model(bundle, graph, model, Path(scratch) / model)
                shutil.rmtree(folder / model, ignore_errors=True)
                (Path(scratch) / model).rename(folder / model)
            names.append(model)
    except OSError as reason:
        raise FileError(f"{folder} cannot be written: {reason.strerror or reason}") from reason
    return names


def _write_model(bundle: Bundle, graph: Graph, model: str, folder: Path) -> None:
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(_config(model, graph), encoding="utf-8")
    content = onnx.load_model_from_string(bundle.read(graph.file))
    _take_in(content, bundle.read(bundle.card.weights))
    (folder / "1" / "model.onnx").write_bytes(content.SerializeToString())


def _take_in(model: onnx.ModelProto, weights: bytes) -> None:
    """Put the numbers that lie in the bundle's file of weights into the graph itself."""
    for tensor in model.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        where = {entry.key: entry.value for entry in tensor.external_data}
        start = int(where.get("offset", 0))
        tensor.raw_data = weights[start : start + int(where["length"])]
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _config(model: str, graph: Graph) -> str:
    """Write Triton's model configuration: a protocol buffer in its text form."""
    return "\n".join(
        [
            f"name: {json.dumps(model)}",
            'platform: "onnxruntime_onnx"',
            "max_batch_size: 0",
            *_tensors("input", graph.inputs),
            *_tensors("output", graph.outputs),
            "parameters { key: "
            f'"cudnn_conv_algo_search" value: {{ string_value: "{_HEURISTIC}" }} }}',
            "",
        ]
    )


def _tensors(sort: str, tensors: tuple[Tensor, ...]) -> Iterator[str]:
    for tensor in tensors:
        dims = ", ".join(map(str, tensor.shape))
        kind = _TYPES[tensor.dtype]
        yield f"{sort} {{ name: {json.dumps(tensor.name)} data_type: {kind} dims: [ {dims} ] }}"
