"""Open GANSynth models that Magenta published, without TensorFlow.

In: an unpacked checkpoint directory: ``experiment.json`` and ``stage_000NN`` folders. Out: the
generator with the averaged weights (the ones that the authors generate with), as far as it had
grown when it was saved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import torch
from msgspec import Meta
from torch import Tensor

from export.tensor_bundle import TensorBundle
from instrument.errors import FileError
from training.gansynth_network import Generator, NetworkSize
from training.gansynth_notes import GansynthNotes, Normalizer

EXPERIMENT = "experiment.json"
_LIMIT_BYTES = 2**20
_VARIABLE = (
    "Generator/progressive_gan_generator/progressive_gan_block_{block}/{layer}/{part}"
    "/ExponentialMovingAverage"
)
_Small = Annotated[int, Meta(ge=1, le=16)]
_Side = Annotated[int, Meta(ge=1, le=4096)]
_Images = Annotated[int, Meta(ge=1, le=10**12)]


class _Experiment(msgspec.Struct, frozen=True):
    """The settings that decide what a generator computes; others are the trainer's alone."""

    data_type: Literal["mel"]
    to_rgb_activation: Literal["tanh"]
    simple_arch: Literal[False]
    kernel_size: Literal[3]
    scale_base: Literal[2]
    fmap_decay: Annotated[float, Meta(ge=1, le=1)]
    num_resolutions: _Small
    start_height: _Side
    start_width: _Side
    fmap_base: Annotated[int, Meta(ge=1, le=2**16)]
    fmap_max: _Side
    latent_vector_size: _Side
    stable_stage_num_images: _Images
    transition_stage_num_images: _Images
    mag_normalizer_a: float
    mag_normalizer_b: float
    p_normalizer_a: float
    p_normalizer_b: float


@dataclass(frozen=True, slots=True)
class MagentaModel:
    """A published model, opened.

    Attributes
    ----------
    notes
        Renders notes, in ``eval`` mode.
    step
        Images that it had seen.
    position
        How far it had grown, at most blocks - 1.
    stage
        Name of the stage folder.
    """

    notes: GansynthNotes
    step: int
    position: float
    stage: str


def open_magenta(folder: Path) -> MagentaModel:
    """Open the last stage of a checkpoint directory.

    Raises
    ------
    FileError
        The folder is none, a file is truncated or foreign, or it is a model of another kind.
    """
    settings = _read_settings(folder / EXPERIMENT)
    stage = _last_stage(folder)
    bundle = TensorBundle.open(stage / _checkpoint_name(stage))
    step = int(bundle.read("global_step"))
    size = NetworkSize(
        start=(settings.start_height, settings.start_width),
        blocks=settings.num_resolutions,
        feature_base=settings.fmap_base,
        feature_limit=settings.fmap_max,
        latent_size=settings.latent_vector_size,
    )
    position = growth(
        step,
        size.blocks,
        settings.stable_stage_num_images,
        settings.transition_stage_num_images,
    )
    generator = _generator(size, bundle)
    normalizer = Normalizer(
        settings.mag_normalizer_a,
        settings.mag_normalizer_b,
        settings.p_normalizer_a,
        settings.p_normalizer_b,
    )
    notes = GansynthNotes(generator, normalizer, position=position).eval().requires_grad_(False)
    return MagentaModel(notes, step, position, stage.name)


def growth(step: int, blocks: int, stable: int, transition: int) -> float:
    """Return how far networks have grown after `step` images.

    Parameters
    ----------
    stable, transition
        Images of each stage at rest, and of each stage in which a block is blended in.
    """
    whole = blocks * stable + (blocks - 1) * transition
    seen = min(step, whole - 1)
    block, rest = divmod(seen, stable + transition)
    return block + max(0.0, (rest - stable) / transition)


def _read_settings(path: Path) -> _Experiment:
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise FileError(f"{path} is larger than a settings file")
        return msgspec.convert(json.loads(path.read_bytes()), _Experiment)
    except OSError as reason:
        raise FileError(
            f"{path.parent} has no {EXPERIMENT}: {reason.strerror}",
            "Give the folder that acoustic_only.zip or all_instruments.zip unpacks to.",
        ) from reason
    except (ValueError, RecursionError) as reason:
        raise FileError(
            f"{path}: {reason}",
            "Only GANSynth models of mel images can be imported, such as Magenta's two.",
        ) from reason


def _last_stage(folder: Path) -> Path:
    stages = sorted(path for path in folder.glob("stage_[0-9]*") if path.is_dir())
    if not stages:
        raise FileError(f"{folder} has no stage folder such as stage_00012")
    return stages[-1]


def _checkpoint_name(stage: Path) -> str:
    """Read the text file that says which checkpoint is the newest; only its name counts."""
    path = stage / "checkpoint"
    try:
        first = path.read_text("utf-8", "replace")[:4096].splitlines()[0]
    except (OSError, IndexError) as reason:
        raise FileError(f"{stage} has no file named checkpoint that says which to use") from reason
    key, _, value = first.partition(":")
    name = Path(value.strip().strip('"')).name
    if key != "model_checkpoint_path" or not name:
        raise FileError(f"{path} does not name a checkpoint: {first[:80]!r}")
    return name


def _generator(size: NetworkSize, bundle: TensorBundle) -> Generator:
    generator = Generator(size)
    with torch.no_grad():
        for number, block in enumerate(generator.blocks, start=1):
            for layer in ("conv0", "conv1", "to_rgb"):
                own = getattr(block, layer)
                _fill(own.weight, bundle, number, layer, "conv2d/kernel")
                _fill(own.bias, bundle, number, layer, "bias")
    return generator


def _fill(target: Tensor, bundle: TensorBundle, block: int, layer: str, part: str) -> None:
    """Copy a variable; kernels come as height, width, inputs, outputs."""
    name = _VARIABLE.format(block=block, layer=layer, part=part)
    value = torch.from_numpy(bundle.read(name))
    value = value.permute(3, 2, 0, 1) if value.dim() == 4 else value
    if value.shape != target.shape:
        raise FileError(
            f"{bundle.data_path}: {name} has the shape {list(value.shape)}, the settings in "
            f"{EXPERIMENT} ask for {list(target.shape)}"
        )
    target.copy_(value)
