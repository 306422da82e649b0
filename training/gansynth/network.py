"""GANSynth's generator and critic (Engel et al., 2019, table 6), layer by layer.

Images are (n, 2, windows, bins): the log magnitude and the instantaneous frequency, time first.
Both networks grow: block b works at 1/2^(blocks - b) of the full size, and a *position* between 0
and blocks - 1 says which block's image counts, or between which two it is blended. What the paper
leaves open follows the authors' code (Magenta, models/gansynth), which published weights expect;
`tests/golden/gansynth` has what that code computes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.trainer.distributed import mean_over_processes

_SLOPE = 0.2
_EPSILON_NORM, _EPSILON_DEVIATION = 1e-8, 1e-6


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """Sizes of both networks; the defaults are the paper's best, 7.3 million weights each.

    Attributes
    ----------
    start
        Windows and bins of the first block's image.
    blocks
        Each doubles both.
    feature_base, feature_limit
        Block b has min(feature_base / 2^b, feature_limit) channels.
    latent_size, pitches
        Length of the timbre vector and of the one-hot pitch.
    """

    start: tuple[int, int] = (2, 16)
    blocks: int = 7
    feature_base: int = 4096
    feature_limit: int = 256
    latent_size: int = 256
    pitches: int = 61

    def channels(self, block: int) -> int:
        """Return the channels of a block, counted from 1; 0 stands for the input."""
        return min(self.feature_base >> block, self.feature_limit)

    @property
    def image(self) -> tuple[int, int]:
        """Windows and bins of the full image."""
        scale = 2 ** (self.blocks - 1)
        return self.start[0] * scale, self.start[1] * scale


class EqualConv(nn.Module):
    """A convolution whose weights are normal; their scale is applied on use, not at the start.

    Karras et al., 2018, section 4.1: every weight then learns at the same speed. Zeros keep the
    size, unless `is_valid`.

    Parameters
    ----------
    gain
        √2 before a leaky ReLU, 1 in the layers that end in images or scores.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        gain: float = math.sqrt(2.0),
        is_valid: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, *kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs * kernel[0] * kernel[1])
        self.padding = (0, 0) if is_valid else (kernel[0] // 2, kernel[1] // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (n, inputs, height, width)."""
        kernel, bias = _like(x, self.weight * self.scale), _like(x, self.bias)
        return F.conv2d(x, kernel, bias, padding=self.padding)


class FirstLayer(nn.Module):
    """The layer that turns the input vector into the first image.

    The original pads a 1x1 image with zeros and convolves it with a kernel of the image's size: a
    dense layer whose kernel is mirrored in time and frequency.
    """

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, *size))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = math.sqrt(2.0 / (inputs * size[0] * size[1]))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs) to (n, outputs, height, width)."""
        outputs, inputs, height, width = self.weight.shape
        kernel = self.weight.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, inputs)
        kernel, bias = _like(x, kernel * self.scale), _like(x, self.bias)
        return F.linear(x, kernel).view(-1, outputs, height, width) + bias[:, None, None]


class GeneratorBlock(nn.Module):
    """Double the image, two convolutions; and the way from there to an image."""

    def __init__(self, size: NetworkSize, number: int) -> None:
        super().__init__()
        self.is_first = number == 1
        channels = size.channels(number)
        self.conv0: nn.Module = (
            FirstLayer(size.latent_size + size.pitches, channels, size.start)
            if self.is_first
            else EqualConv(size.channels(number - 1), channels, (3, 3))
        )
        self.conv1 = EqualConv(channels, channels, (3, 3))
        self.to_rgb = EqualConv(channels, 2, (1, 1), gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, channels, height, width), at twice the size but for the first block."""
        if not self.is_first:
            x = F.interpolate(x, scale_factor=2.0)
        x = _pixel_norm(F.leaky_relu(self.conv0(x), _SLOPE))
        return _pixel_norm(F.leaky_relu(self.conv1(x), _SLOPE))

    def image(self, features: Tensor) -> Tensor:
        """Return the image (n, 2, height, width) that features stand for, within ±1."""
        return torch.tanh(self.to_rgb(_at_least_single(features)))


class Generator(nn.Module):
    """Latents and pitches to normalised images.

    `precision` may be set to ``torch.bfloat16``: the inner layers then compute in it, but pixel
    norm and images stay in single precision, as weights do.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.precision: torch.dtype | None = None
        self.size = size
        self.blocks = nn.ModuleList(GeneratorBlock(size, b + 1) for b in range(size.blocks))

    def forward(
        self,
        z: Tensor,
        pitch: Tensor,
        position: float | None = None,
        is_enlarged: bool = True,
    ) -> Tensor:
        """Generate images.

        Parameters
        ----------
        z
            float32, (n, latent_size), standard normal.
        pitch
            int64, (n,), from 0 to pitches - 1.
        position
            How far the networks have grown; fully when not given.
        is_enlarged
            Whether images of networks that still grow are brought to the full size.

        Returns
        -------
        Tensor
            float32, (n, 2, windows, bins).
        """
        full = self.size.blocks - 1
        position = float(full) if position is None else position
        top = full if is_enlarged else math.ceil(position)
        x, image = _in_precision(self.enter(z, pitch), self.precision), None
        for number, block in enumerate(self.blocks):
            assert isinstance(block, GeneratorBlock)
            x = block(x)
            share = blend_share(position, number + 1)
            if share > 0.0:
                part = share * _enlarge(block.image(x), 2 ** (top - number))
                image = part if image is None else image + part
            if number + 1 >= position + 1:
                break
        assert image is not None
        return image

    def enter(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Return what the first block sees, (n, latent_size + pitches); arguments as `forward`."""
        one_hot = F.one_hot(pitch, self.size.pitches).to(z.dtype)
        return _pixel_norm(torch.cat([z, one_hot], dim=1))


class CriticBlock(nn.Module):
    """From an image or a larger block's features to features of half the size."""

    def __init__(self, size: NetworkSize, number: int) -> None:
        super().__init__()
        channels, below = size.channels(number), size.channels(number - 1)
        self.from_rgb = EqualConv(2, channels, (1, 1))
        if number == 1:
            self.conv0 = EqualConv(channels + 1, channels, (3, 3))
            self.conv1 = EqualConv(channels, below, size.start, is_valid=True)
        else:
            self.conv0 = EqualConv(channels, channels, (3, 3))
            self.conv1 = EqualConv(channels, below, (3, 3))

    def features(self, image: Tensor) -> Tensor:
        """Look at an image of this block's size."""
        return F.leaky_relu(self.from_rgb(image), _SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        """Two convolutions."""
        x = F.leaky_relu(self.conv0(x), _SLOPE)
        return F.leaky_relu(self.conv1(x), _SLOPE)


class Critic(nn.Module):
    """Normalised images to a score, and to the pitch that the critic hears.

    `precision` is as `Generator` has it; what comes in and goes out is in single precision. While
    `shares_batch`, images are part of one batch with those that other processes judge: all must.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.precision: torch.dtype | None = None
        self.shares_batch = False
        self.size = size
        self.blocks = nn.ModuleList(CriticBlock(size, b + 1) for b in range(size.blocks))
        self.score = EqualConv(size.channels(0), 1, (1, 1), gain=1.0)
        self.pitch = EqualConv(size.channels(0), size.pitches, (1, 1), gain=1.0)

    def forward(self, image: Tensor, position: float | None = None) -> tuple[Tensor, Tensor]:
        """Judge images.

        Parameters
        ----------
        image
            float32, (n, 2, windows, bins), normalised and within ±1; of the full size or of any
            block's that has grown.
        position
            See `Generator.forward`.

        Returns
        -------
        Tensor
            Scores, (n,).
        Tensor
            Logits of the pitch, (n, pitches).
        """
        full = self.size.blocks - 1
        position = float(full) if position is None else position
        top = (image.shape[2] // self.size.start[0]).bit_length() - 1
        x: Tensor | None = None
        for number in range(min(full, math.ceil(position)), -1, -1):
            block = self.blocks[number]
            assert isinstance(block, CriticBlock)
            share = min(max(number + 1 - position, 0.0), 1.0) if x is not None else 1.0
            if share > 0.0:
                features = block.features(F.avg_pool2d(image, 2 ** (top - number)))
                seen = share * _in_precision(features, self.precision)
                x = seen if x is None else seen + (1.0 - share) * x
            assert x is not None
            x = (
                F.avg_pool2d(block(x), 2)
                if number > 0
                else block(_with_deviation(x, self.shares_batch))
            )
        assert x is not None
        x = _at_least_single(x)
        return self.score(x).flatten(), self.pitch(x).flatten(1)


def blend_share(position: float, block: int) -> float:
    """Return the share of a block's image: a triangle with its peak at position = block - 1."""
    return max(0.0, min(position - (block - 2), block - position))


def blend_real(image: Tensor, position: float, blocks: int) -> Tensor:
    """Blur real images as far as the generator has not grown yet."""
    total = torch.zeros_like(image)
    for block in range(1, blocks + 1):
        share = blend_share(position, block)
        if share > 0.0:
            factor = 2 ** (blocks - block)
            total = total + share * _enlarge(F.avg_pool2d(image, factor), factor)
    return total


def _pixel_norm(x: Tensor) -> Tensor:
    power = _at_least_single(x).square().mean(dim=1, keepdim=True)
    return x * _like(x, torch.rsqrt(power + _EPSILON_NORM))


def _enlarge(image: Tensor, factor: int) -> Tensor:
    return image if factor == 1 else F.interpolate(image, scale_factor=float(factor))


def _with_deviation(x: Tensor, is_shared: bool) -> Tensor:
    """Append the standard deviation over the batch, averaged to one number, as a channel."""
    deviation = (_variance(_at_least_single(x), is_shared) + _EPSILON_DEVIATION).sqrt().mean()
    return torch.cat([x, _like(x, deviation).expand(x.shape[0], 1, *x.shape[2:])], dim=1)


def _variance(x: Tensor, is_shared: bool) -> Tensor:
    """Return the variance over the batch of this process, or of all."""
    if not is_shared:
        return x.var(dim=0, unbiased=False)
    difference = x - mean_over_processes(x.mean(dim=0))
    return mean_over_processes(difference.square().mean(dim=0))


# Types are changed only where they differ: exported graphs hold no idle casts.


def _like(x: Tensor, value: Tensor) -> Tensor:
    return value if value.dtype == x.dtype else value.to(x.dtype)


def _at_least_single(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _in_precision(x: Tensor, precision: torch.dtype | None) -> Tensor:
    return x if precision is None else x.to(precision)
