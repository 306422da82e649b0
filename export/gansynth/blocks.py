"""The blocks of GANSynth's generator as plain operations, for export.

In: a trained block. Out: a module that computes the same, with three savings:

- scales of the equalised learning rate are multiplied into the weights;
- "repeat every value twice, then convolve" is four convolutions of 2x2, one for each of the four
  values that one becomes: 16 products instead of 36 (on a CPU also a fifth quicker than the
  transposed convolution that does the same, for which onnxruntime has no fast layout);
- only the first windows are computed, as many as are asked for.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.gansynth.network import EqualConv, FirstLayer, GeneratorBlock

_SLOPE, _EPSILON = 0.2, 1e-8


class PlainBlock(nn.Module):
    """One block of the generator, of which the first `rows` windows are computed."""

    mean: Tensor

    def __init__(self, block: GeneratorBlock, rows: int, height: int) -> None:
        super().__init__()
        self.is_first = block.is_first
        self.rows, self.height = rows, height
        if isinstance(block.conv0, FirstLayer):
            outputs, inputs = block.conv0.weight.shape[:2]
            kernel = block.conv0.weight.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, inputs)
            self.shape = (outputs, *block.conv0.weight.shape[2:])
            self.weight0 = nn.Parameter(kernel * block.conv0.scale)
        else:
            assert isinstance(block.conv0, EqualConv)
            self.weight0 = nn.Parameter(block.conv0.weight * block.conv0.scale)
        self.bias0 = nn.Parameter(block.conv0.bias.detach().clone())
        self.weight1 = nn.Parameter(block.conv1.weight * block.conv1.scale)
        self.bias1 = nn.Parameter(block.conv1.bias.detach().clone())
        channels = len(self.bias1)
        self.register_buffer("mean", torch.full((1, channels), 1.0 / channels))
        self.rgb_weight = nn.Parameter(block.to_rgb.weight * block.to_rgb.scale)
        self.rgb_bias = nn.Parameter(block.to_rgb.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Map the input vector, or the smaller block's windows, to this block's windows."""
        if self.is_first:
            x = F.linear(x, self.weight0).view(-1, *self.shape) + self.bias0[:, None, None]
            x = F.leaky_relu(x, _SLOPE)
        else:
            x = _doubled(x, self.weight0, self.bias0)
        x = x[:, :, : min(self.rows + 1, self.height)]
        x = self._pixel_norm(x)
        x = F.leaky_relu(F.conv2d(x, self.weight1, self.bias1, padding=1), _SLOPE)
        return self._pixel_norm(x[:, :, : self.rows])

    def image(self, x: Tensor) -> Tensor:
        """Return the windows' image within ±1."""
        return torch.tanh(F.conv2d(x, self.rgb_weight, self.rgb_bias))

    def _pixel_norm(self, x: Tensor) -> Tensor:
        """Normalise every pixel; a product of matrices is quicker here than a mean."""
        mean = self.mean @ (x * x).flatten(2)  # (1, channels) @ (n, channels, pixels)
        return x * torch.rsqrt(mean + _EPSILON).view(-1, 1, *x.shape[2:])


def rows_of_blocks(windows: int, start: int, blocks: int, last: int) -> list[int]:
    """Return how many windows of each block are needed for the first `windows` at full size."""
    needed = -(-windows // 2 ** (blocks - 1 - last))
    rows = [min(needed, start * 2**last)]
    for number in range(last, 0, -1):
        # One more for the second convolution, one more for the first, at half the size.
        below = -(-(min(rows[0] + 1, start * 2**number) + 1) // 2)
        image = -(-windows // 2 ** (blocks - number))
        rows.insert(0, min(max(below, image), start * 2 ** (number - 1)))
    return rows


def enlarged(image: Tensor, factor: int) -> Tensor:
    """Repeat every value `factor` times in both directions.

    Parameters
    ----------
    image
        float32, shape (n, channels, height, width).
    factor
        1 or more.
    """
    if factor == 1:
        return image
    count, channels, height, width = image.shape
    spread = image[:, :, :, None, :, None].expand(-1, -1, -1, factor, -1, factor)
    return spread.reshape(count, channels, factor * height, factor * width)


def pixel_norm(x: Tensor) -> Tensor:
    """Bring the channels of every pixel, or of a vector, to a mean square of 1."""
    return x * torch.rsqrt((x * x).mean(dim=1, keepdim=True) + _EPSILON)


def _doubled(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Double an image, convolve it with a 3x3 kernel, and bend what is negative.

    Of the doubled image, places 2a and 2a + 1 show place a of the image. So the three taps around
    an even place see a - 1, a, a, those around an odd one a, a, a + 1: two places, the taps of one
    of which are added up. The runtime adds them once, when a session is made.
    """
    values = []
    for row in range(2):
        tall = _two_taps(kernel, row, dim=2)
        for column in range(2):
            padded = F.pad(x, (1 - column, column, 1 - row, row))
            value = F.conv2d(padded, _two_taps(tall, column, dim=3), bias)
            values.append(F.leaky_relu(value, _SLOPE))  # here, the runtime does both at once
    return F.pixel_shuffle(torch.stack(values, dim=2).flatten(1, 2), 2)


def _two_taps(kernel: Tensor, place: int, dim: int) -> Tensor:
    first, second, third = (kernel.narrow(dim, tap, 1) for tap in range(3))
    return torch.cat([first + second, third] if place else [first, second + third], dim=dim)
