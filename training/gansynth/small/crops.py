"""Images drawn in part: a few windows of a note cost a few windows.

In: a generator, latents, pitches, and where. Out: those windows of its images. And which windows a
step looks at.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.gansynth.network import FirstLayer, Generator, GeneratorBlock, NetworkSize

CROP_ROWS = 8
"""Of the block whose windows are four times as long as an image's."""

_PITCH_GAIN = 12.0
_HALO_ROWS, _ATTACK_CROPS, _END_CROPS = 2, 0.25, 0.15


def draw_part(
    generator: Generator, z: Tensor, pitch: Tensor, position: float, crop: int | None
) -> Tensor:
    """Return images at the size of the largest block that counts, or a few windows of them.

    The two largest blocks compute nothing but those windows and a margin as wide as they look.
    """
    blocks = [block for block in generator.blocks if isinstance(block, GeneratorBlock)]
    last = math.ceil(position)
    x, below = generator.enter(z, pitch), None
    skip, rows = 0, -1
    for number, block in enumerate(blocks[: last + 1]):
        if crop is not None and number == last - 1:
            first = max(0, crop - _HALO_ROWS)
            x = x[:, :, first : crop + CROP_ROWS + _HALO_ROWS]
            skip, rows = 4 * (crop - first), 4 * CROP_ROWS
        below, x = x, block(x)
    image: Tensor = blocks[last].image(x)
    share = position - (last - 1)
    if share < 1.0:
        assert below is not None
        image = share * image + (1.0 - share) * F.interpolate(
            blocks[last - 1].image(below), scale_factor=2.0
        )
    return image if crop is None else image[:, :, skip : skip + rows]


def heed_pitch(generator: Generator) -> None:
    """Begin with a pitch that matters as much as the latent, which is sixteen times as long."""
    first = generator.blocks[0].conv0
    assert isinstance(first, FirstLayer)
    with torch.no_grad():
        first.weight[:, generator.size.latent_size :] *= _PITCH_GAIN


def choose_crop(random: np.random.Generator, size: NetworkSize) -> int | None:
    """Choose windows, the attack and the end more often; None where the image is too small."""
    rows = size.image[0] // 4
    if rows < CROP_ROWS + 2 * _HALO_ROWS:
        return None
    last, chance = rows - CROP_ROWS, random.uniform()
    if chance < _ATTACK_CROPS + _END_CROPS:
        return 0 if chance < _ATTACK_CROPS else last
    return int(random.integers(0, last + 1))
