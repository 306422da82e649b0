"""Open GANSynth models that Magenta published, without TensorFlow.

In: an unpacked checkpoint directory. Out: the generator with the averaged weights (the ones that
the authors generate with), as far as it had grown when it was saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from export.magenta.folder import EXPERIMENT, Experiment, StageFolder
from export.magenta.tensorflow_checkpoint import TensorBundle
from instrument.errors import FileError
from training.audio.spectrogram import Spectrogram
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.tones import GansynthTones, Normalizer

_VARIABLE = (
    "Generator/progressive_gan_generator/progressive_gan_block_{block}/{layer}/{part}"
    "/ExponentialMovingAverage"
)
_MOST_PITCHES = 128


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
        How far it had grown.
    full
        How far it grows: blocks - 1.
    stage
        Name of the stage folder.
    """

    notes: GansynthTones
    step: int
    position: float
    full: int
    stage: str


def open_magenta(folder: Path) -> MagentaModel:
    """Open a checkpoint directory's last stage, or the stage that is given.

    Raises
    ------
    FileError
        The folder is none, a file is truncated or foreign, or it is a model of another kind.
    """
    stage = StageFolder.open(folder)
    bundle = TensorBundle.open(stage.checkpoint)
    step = int(bundle.read("global_step"))
    experiment = stage.experiment
    size = experiment.size(_pitches(bundle, experiment.latent_vector_size))
    position = experiment.position(step, stage.blocks)
    normalizer = Normalizer(
        experiment.mag_normalizer_a,
        experiment.mag_normalizer_b,
        experiment.p_normalizer_a,
        experiment.p_normalizer_b,
    )
    generator = _generator(size, stage.blocks, bundle)
    spectrogram = _spectrogram(size, experiment, stage)
    notes = GansynthTones(generator, normalizer, spectrogram, position)
    notes.eval().requires_grad_(False)
    return MagentaModel(notes, step, position, size.blocks - 1, stage.path.name)


def _pitches(bundle: TensorBundle, latent_size: int) -> int:
    """Tell from the first layer's inputs how many pitches the model knows."""
    name = _VARIABLE.format(block=1, layer="conv0", part="conv2d/kernel")
    variable = bundle.variables.get(name)
    pitches = variable.shape[2] - latent_size if variable and len(variable.shape) == 4 else 0
    if not 1 <= pitches <= _MOST_PITCHES:
        raise FileError(
            f"{bundle.data_path} is not of GANSynth's generator: it has no {name} that takes a "
            f"latent of {latent_size} numbers and pitches"
        )
    return pitches


def _spectrogram(size: NetworkSize, experiment: Experiment, stage: StageFolder) -> Spectrogram:
    spectrogram = Spectrogram("mel", *size.image, experiment.audio_length)
    if spectrogram.lead_frames < 0:
        raise FileError(
            f"{stage.path.parent}: images of {size.image[0]} x {size.image[1]} do not hold "
            f"{experiment.audio_length} samples, as {EXPERIMENT} says"
        )
    return spectrogram


def _generator(size: NetworkSize, blocks: int, bundle: TensorBundle) -> Generator:
    """Fill a generator; the blocks that it has not grown yet stay random and are never run."""
    generator = Generator(size)
    with torch.no_grad():
        for number, block in enumerate(generator.blocks[:blocks], start=1):
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
