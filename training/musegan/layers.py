"""Layers that MuseGAN's generators, encoders and critics are made of, channels last."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Grow(nn.Module):
    """A transposed convolution whose kernel is as long as its stride, along one axis.

    Nothing overlaps, so it is one matrix product: on a CPU several times faster than the general
    operator, and its second derivative too.

    Parameters
    ----------
    inputs, outputs
        Channels, which are the last axis.
    factor
        By which the axis becomes longer.
    axis
        1 for time, 2 for pitch, of (n, steps, pitches, channels).
    """

    def __init__(self, inputs: int, outputs: int, factor: int, axis: int) -> None:
        super().__init__()
        self.factor, self.axis, self.outputs = factor, axis, outputs
        bound = 1.0 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(factor * outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, steps, pitches, inputs) to the longer array with `outputs` channels."""
        n, steps, pitches, _ = x.shape
        y = F.linear(x, self.weight).view(n, steps, pitches, self.factor, self.outputs)
        if self.axis == 1:
            y = y.transpose(2, 3).reshape(n, steps * self.factor, pitches, self.outputs)
        else:
            y = y.reshape(n, steps, pitches * self.factor, self.outputs)
        return y + self.bias


class Shrink(nn.Module):
    """A convolution whose kernel is as long as its stride: the opposite of `Grow`."""

    def __init__(self, inputs: int, outputs: int, factor: int, axis: int) -> None:
        super().__init__()
        self.factor, self.axis = factor, axis
        self.linear = nn.Linear(factor * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, steps, pitches, inputs) to the shorter array."""
        n, steps, pitches, inputs = x.shape
        if self.axis == 1:
            x = x.view(n, steps // self.factor, self.factor, pitches, inputs).transpose(2, 3)
            x = x.reshape(n, steps // self.factor, pitches, self.factor * inputs)
        else:
            x = x.reshape(n, steps, pitches // self.factor, self.factor * inputs)
        y: Tensor = self.linear(x)
        return y


class ChannelNorm(nn.BatchNorm1d):
    """Batch norm of the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (..., channels)."""
        return super().forward(x.reshape(-1, x.shape[-1])).view(x.shape)
