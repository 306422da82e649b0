"""Bring a frame voice's bundle back into torch, so that it can learn more.

In: a bundle that `export.frame_voice.write` wrote. Out: the `FrameVoice` that computes what the
bundle's graphs compute. Most tensors keep their names on the way to ONNX; matrices of the part that
runs every hop are transposed there and are found by the bias that is added to their product, and
the ratios of the modes are folded with their gates.
"""

from __future__ import annotations

import msgspec
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, numpy_helper

from export.frame_voice.parity import LARGEST_DIFFERENCE, tone_difference
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.errors import BundleError
from training.data.audio.tone_set import Instrument, TuningTables
from training.frame_voice.config import FrameVoiceConfig
from training.frame_voice.model import FrameVoice

_GRAPH = "whole"
_BEFORE = "voice."
_HALF = ".half"


def restore_voice(bundle: Bundle) -> FrameVoice:
    """Rebuild the voice of a bundle.

    Returns
    -------
    FrameVoice
        On the CPU, in ``eval`` mode, with the bundle's rounded matrices.

    Raises
    ------
    BundleError
        It is no frame voice's bundle, or a tensor that a frame voice has is not in it.
    """
    card = bundle.sound
    if card.kind != "frame_voice" or _GRAPH not in card.graphs:
        raise BundleError(
            f"{bundle.what} is a {card.kind}, and only a frame voice learns from notes",
            "Choose another with --model; `latentkeys models list` shows their kinds.",
        )
    tensors = _tensors(bundle)
    tilt = tensors["tilt"]
    instruments = tuple(
        Instrument(name, entry.program or 0, entry.is_struck, False, float(tilt[row]))
        for row, (name, entry) in enumerate(card.latents.items())
    )
    config = msgspec.convert(card.training["voice"], FrameVoiceConfig)
    voice = FrameVoice(config, instruments, TuningTables.harmonic(len(instruments)))
    # The exporter writes equal tensors once: ones and zeros of layer norms may be missing, and
    # stand in a new voice already. Anything else that is not there shows in the comparison.
    known = {
        name: torch.from_numpy(tensors[name].copy())
        for name in voice.state_dict().keys() & tensors.keys()
    }
    try:
        voice.load_state_dict(known, strict=False)
    except RuntimeError as problem:
        raise BundleError(f"{bundle.what} cannot be learned on: {problem}") from problem
    _prove(voice.eval(), bundle)
    return voice


def _prove(voice: FrameVoice, bundle: Bundle) -> None:
    """Play a tone with both."""
    session = bundle.open_graph(_GRAPH, Runtime(threads=1, device="cpu"))
    difference = tone_difference(voice, session, _GRAPH, np.random.default_rng(0))
    if not difference <= LARGEST_DIFFERENCE:
        raise BundleError(
            f"{bundle.what} cannot be learned on: brought back, it differs by {difference:.1e}",
            "Only models that `latentkeys export` wrote can learn more.",
        )


def _tensors(bundle: Bundle) -> dict[str, NDArray[np.float32]]:
    """Read the voice's tensors by the names that they have in torch."""
    path = bundle.path / bundle.sound.graphs[_GRAPH].file
    model = onnx.load(path, load_external_data=True)
    values = {
        tensor.name.removesuffix(_HALF): np.asarray(numpy_helper.to_array(tensor), np.float32)
        for tensor in model.graph.initializer
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    }
    found = {
        name.removeprefix(_BEFORE): value
        for name, value in values.items()
        if name.startswith(_BEFORE)
    }
    for bias, matrix in _added_biases(model):
        if bias.startswith(_BEFORE) and matrix in values:
            name = bias.removeprefix(_BEFORE).removesuffix("bias") + "weight"
            found[name] = np.ascontiguousarray(values[matrix].T)
    found["mode_ratios"] = _ratios(model, values, found["mode_gates"])
    return found


def _added_biases(model: ModelProto) -> list[tuple[str, str]]:
    """List (bias, matrix) of every product to which a bias is added."""
    made_by = {output: node for node in model.graph.node for output in node.output}
    pairs = []
    for node in model.graph.node:
        product = made_by.get(node.input[0]) if node.op_type == "Add" else None
        if product is not None and product.op_type == "MatMul":
            pairs.append((node.input[1], product.input[1]))
    return pairs


def _ratios(
    model: ModelProto, values: dict[str, NDArray[np.float32]], gates: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Undo the product of ratios and gates, which the exporter computes once."""
    users = [node for node in model.graph.node if _multiplies_gates(node, values, gates)]
    if not users:
        return np.ones_like(gates)
    folded = values[users[0].input[1]]
    return np.asarray(np.where(gates > 0.0, folded / np.maximum(gates, 1e-12), 1.0), np.float32)


def _multiplies_gates(
    node: NodeProto, values: dict[str, NDArray[np.float32]], gates: NDArray[np.float32]
) -> bool:
    if node.op_type != "MatMul" or node.input[1].startswith(_BEFORE):
        return False
    matrix = values.get(node.input[1])
    return (
        matrix is not None and matrix.shape == gates.shape and bool((matrix[gates == 0] == 0).all())
    )
