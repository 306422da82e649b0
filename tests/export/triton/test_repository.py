"""The model repository against Triton's own schema, and its graphs against the bundle's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from export.triton.repository import write_repository
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import shipped_models_folder
from instrument.bundle.self_test import seeded_inputs
from instrument.errors import BundleError, FileError
from tests.helpers.models.plain_gansynth import plain_gansynth
from tests.helpers.models.tiny_model import tiny_bundle


@pytest.mark.parametrize("made", [tiny_bundle, plain_gansynth])
def test_a_repository_has_the_bundles_graphs_to_the_bit(
    made: Callable[[], Path], tmp_path: Path
) -> None:
    bundle = Bundle.load(made())
    names = write_repository(bundle, tmp_path)
    assert write_repository(bundle, tmp_path) == names  # replaced
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    for model, (name, graph) in zip(names, bundle.card.graphs.items(), strict=True):
        content = (tmp_path / model / "config.pbtxt").read_text()
        config = text_format.Parse(content, model_config_pb2.ModelConfig())
        assert (config.name, config.max_batch_size) == (model, 0)
        for said, tensors in ((config.input, graph.inputs), (config.output, graph.outputs)):
            assert [(one.name, tuple(one.dims)) for one in said] == [
                (tensor.name, tensor.shape) for tensor in tensors
            ]
        inputs = seeded_inputs(graph, seed=3)
        if "pitch" in inputs:
            inputs["pitch"][:] = bundle.card.pitch_range[0] + 3
        here = bundle.open_graph(name, Runtime(threads=1, device="cpu")).run(inputs)
        session = onnxruntime.InferenceSession(tmp_path / model / "1" / "model.onnx")
        there = session.run(list(here), inputs)
        for output, array in zip(here.values(), there, strict=True):
            np.testing.assert_array_equal(output, array)


def test_composers_and_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a composer"):
        write_repository(Bundle.load(shipped_models_folder() / "crnngan"), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be written"):
        write_repository(Bundle.load(tiny_bundle()), tmp_path / "file")
