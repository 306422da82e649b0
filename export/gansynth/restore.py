"""Bring a small GANSynth's bundle back into a run, so that it can learn more.

In: a bundle that `export_gansynth` wrote of ``gansynth-small``. Out: a run at step 0 that sounds
like it. Most tensors keep their names on the way to ONNX. Kernels behind a doubling are there as
four of 2x2, see `export.gansynth.blocks`, from which the 3x3 one follows; images of smaller blocks
are not there, because a full-grown generator has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from torch import Tensor

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.errors import BundleError, SettingError
from training.data.audio.waves import WaveSet
from training.gansynth.network import EqualConv, FirstLayer, Generator, GeneratorBlock, NetworkSize
from training.gansynth.small.learner import SYSTEM, SmallLearner
from training.trainer.run_card import Length
from training.trainer.trainer import Run, new_run

LARGEST_DIFFERENCE_DB = 0.1

_GRAPH, _HALF = "note_1", ".half"
_FIRST_BIAS = "unsqueeze"  # the first block's bias, shaped for its image


def begin_again(bundle: Bundle, recipe: str, waves: WaveSet, length: Length, folder: Path) -> Run:
    """Make a run that starts from a bundle's sound, and save it.

    Parameters
    ----------
    recipe
        Of ``gansynth-small``; its network must be of the bundle's size.
    waves
        What it goes on learning: all of the bundle's instruments must be in it.
    length, folder
        Of the run.

    Raises
    ------
    BundleError
        It is no such bundle.
    SettingError
        Recipe or wave set do not belong to it.
    """
    run = new_run(SYSTEM, recipe, waves, length, folder, torch.device("cpu"))
    learner = run.learner
    assert isinstance(learner, SmallLearner)
    card = bundle.sound
    network = card.training.get("network", {})
    size = msgspec.convert(network.get("size"), NetworkSize | None)
    if size != learner.config.size:
        raise SettingError(
            f"the recipe {recipe} has a network of another size than {card.name}",
            "Choose another --recipe.",
        )
    if learner.tones.names != tuple(card.latents):
        raise SettingError(
            f"{card.name} knows other instruments than the wave set {waves.name} has",
            f"It learned from {card.training.get('waves', 'others')}.",
        )
    restore_weights(learner.generator, bundle)
    learner.average.module.load_state_dict(learner.generator.state_dict())
    known = np.array([entry.latent for entry in card.latents.values()], np.float32)
    directions = torch.from_numpy(known / np.linalg.norm(known, axis=1, keepdims=True))
    learner.instruments.directions.copy_(directions)
    learner.instruments.position.fill_(learner.config.size.blocks - 1)
    _prove(learner, bundle)
    run.save()
    return run


def restore_weights(generator: Generator, bundle: Bundle) -> None:
    """Put a bundle's weights into a generator; images of smaller blocks stay as they are.

    Raises
    ------
    BundleError
        A tensor is missing or has another shape.
    """
    card = bundle.sound
    if card.kind != "gansynth" or _GRAPH not in card.graphs:
        raise BundleError(f"{bundle.what} has no graph {_GRAPH} of a GANSynth")
    model = onnx.load(bundle.path / card.graphs[_GRAPH].file, load_external_data=True)
    values = {
        tensor.name.removesuffix(_HALF): np.asarray(numpy_helper.to_array(tensor))
        for tensor in model.graph.initializer
    }
    doubled = iter(_doubled_kernels(model, values))
    try:
        with torch.no_grad():
            for number, block in enumerate(generator.blocks):
                assert isinstance(block, GeneratorBlock)
                _restore_block(block, f"blocks.{number}.", values, doubled)
    except (KeyError, ValueError, RuntimeError, StopIteration) as problem:
        raise BundleError(
            f"{bundle.what} cannot be learned on: {problem}",
            "Only models that `latentkeys export` wrote can learn more.",
        ) from problem


def _restore_block(
    block: GeneratorBlock,
    name: str,
    values: dict[str, NDArray[np.generic]],
    doubled: Iterator[NDArray[np.generic]],
) -> None:
    def put(parameter: Tensor, value: NDArray[np.generic], scale: float = 1.0) -> None:
        parameter.copy_(torch.from_numpy(np.array(value, np.float32)).reshape(parameter.shape))
        parameter.div_(scale)

    first = block.conv0
    if isinstance(first, FirstLayer):
        outputs, inputs, height, width = first.weight.shape
        kernel = np.asarray(values[f"{name}weight0"]).reshape(outputs, height, width, inputs)
        put(first.weight, kernel.transpose(0, 3, 1, 2)[:, :, ::-1, ::-1], first.scale)
        shape = (outputs, 1, 1)
        biases = [v for k, v in values.items() if k.startswith(_FIRST_BIAS) and v.shape == shape]
        put(first.bias, biases[0])
    else:
        assert isinstance(first, EqualConv)
        whole = values.get(f"{name}weight0")
        put(first.weight, next(doubled) if whole is None else whole, first.scale)
        put(first.bias, values[f"{name}bias0"])
    put(block.conv1.weight, values[f"{name}weight1"], block.conv1.scale)
    put(block.conv1.bias, values[f"{name}bias1"])
    if f"{name}rgb_weight" in values:
        put(block.to_rgb.weight, values[f"{name}rgb_weight"], block.to_rgb.scale)
        put(block.to_rgb.bias, values[f"{name}rgb_bias"])


def _doubled_kernels(
    model: ModelProto, values: dict[str, NDArray[np.generic]]
) -> list[NDArray[np.generic]]:
    """Return the 3x3 kernels of what stands there as four of 2x2, in the graph's order."""
    named = [
        name
        for tensor in model.graph.initializer
        if re.fullmatch(r"cat_\d+", name := tensor.name.removesuffix(_HALF))
        and values[name].shape[2:] == (2, 2)
    ]
    named.sort(key=lambda name: int(name.removeprefix("cat_")))
    fours = [[values[name] for name in named[i : i + 4]] for i in range(0, len(named), 4)]
    return [_three_taps(*four) for four in fours if len(four) == 4]


def _three_taps(
    even: NDArray[np.generic],
    even_odd: NDArray[np.generic],
    odd_even: NDArray[np.generic],
    odd: NDArray[np.generic],
) -> NDArray[np.generic]:
    """Undo `export.gansynth.blocks._two_taps` in both directions."""
    a, b, c, d = (np.asarray(part, np.float64) for part in (even, even_odd, odd_even, odd))
    k = np.zeros((*a.shape[:2], 3, 3))
    k[..., 0, 0], k[..., 0, 2], k[..., 2, 0], k[..., 2, 2] = (
        a[..., 0, 0],
        b[..., 0, 1],
        c[..., 1, 0],
        d[..., 1, 1],
    )
    k[..., 0, 1] = a[..., 0, 1] - k[..., 0, 2]
    k[..., 1, 0] = a[..., 1, 0] - k[..., 2, 0]
    k[..., 2, 1] = d[..., 1, 0] - k[..., 2, 0]
    k[..., 1, 2] = b[..., 1, 1] - k[..., 2, 2]
    k[..., 1, 1] = a[..., 1, 1] - k[..., 1, 2] - k[..., 2, 1] - k[..., 2, 2]
    return k


def _prove(learner: SmallLearner, bundle: Bundle) -> None:
    """Play a tone with both and compare what can be heard."""
    from export.gansynth.rounding import spectral_distance_db

    z = learner.instruments.latents()[:1]
    session = bundle.open_graph(_GRAPH, Runtime(threads=1, device="cpu"))
    there = session.run({"z": z.numpy(), "pitch": np.array([60])})["waveform"][0]
    with torch.no_grad():
        here = learner.rendering()(z, torch.tensor([60]))[0].numpy()
    difference = spectral_distance_db(there, here)
    if not difference <= LARGEST_DIFFERENCE_DB:
        raise BundleError(
            f"{bundle.what} cannot be learned on: brought back, it differs by {difference:.1f} dB"
        )
