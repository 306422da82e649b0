"""Networks of the small convolutional audio GAN: the source document's, and those that work.

Both make one-channel pictures (n, 1, windows, bands) within ±1 and judge them. The document's
generator (dense 128, 4x4x8, two transposed convolutions of stride 1 with 64 and 1 channels) ends at
4x4 while its critic (one convolution of stride 2 with 64 channels, dense 1) takes 64x64: they do
not fit. `DocumentGenerator` is every layer of it with the missing enlargement by four before each
transposed convolution. `TileGenerator` and `TileCritic` are the same idea at a size that can learn:
transposed convolutions of kernel 4 and stride 2, which divide evenly and so leave no checkerboard
(Odena et al., 2016), pixel norm instead of batch norm, and a critic that sees whether a batch
varies (both Karras et al., 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.2
DOCUMENT_SIDE = 64
"""Windows and bands of the document's tile."""
DOCUMENT_LATENT = 100


@dataclass(frozen=True, slots=True)
class TileSize:
    """Sizes of our networks.

    Attributes
    ----------
    windows, bands
        Size of a tile; each a multiple of 2^doublings.
    channels, channel_limit
        Next to the picture; every layer further in has twice as many, up to the limit.
    doublings
        Layers, each of which doubles both sides.
    latent
        Random numbers, standard normal.
    """

    windows: int = 64
    bands: int = 128
    channels: int = 16
    channel_limit: int = 128
    doublings: int = 5
    latent: int = 128

    @property
    def start(self) -> tuple[int, int]:
        """Windows and bands of the smallest picture."""
        return self.windows >> self.doublings, self.bands >> self.doublings

    def widths(self) -> list[int]:
        """Return channels from the picture inwards, the picture's own 1 first."""
        wide = (self.channels << layer for layer in range(self.doublings))
        return [1] + [min(channels, self.channel_limit) for channels in wide]


class TileGenerator(nn.Module):
    """Random numbers (n, latent) to tiles."""

    def __init__(self, size: TileSize) -> None:
        super().__init__()
        self.size = size
        widths = size.widths()[::-1]
        self.first = nn.Linear(size.latent, widths[0] * size.start[0] * size.start[1])
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, 2, padding=1) for before, after in pairwise(widths)
        )

    def forward(self, z: Tensor) -> Tensor:
        """Generate (n, 1, windows, bands)."""
        x = self.first(_pixel_norm(z)).view(len(z), -1, *self.size.start)
        for layer in self.layers:
            x = layer(_pixel_norm(F.leaky_relu(x, _SLOPE)))
        return torch.tanh(x)


class TileCritic(nn.Module):
    """Tiles to the logit that they are real, (n,)."""

    def __init__(self, size: TileSize) -> None:
        super().__init__()
        widths = size.widths()
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, padding=1) for before, after in pairwise(widths)
        )
        area = size.start[0] * size.start[1]
        self.mixed = nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1)
        self.verdict = nn.Linear(widths[-1] * area, 1)

    def forward(self, tiles: Tensor) -> Tensor:
        """Judge."""
        x = tiles
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
        x = F.leaky_relu(self.mixed(_with_deviation(x)), _SLOPE)
        verdict: Tensor = self.verdict(x.flatten(1))
        return verdict[:, 0]


class DocumentGenerator(nn.Module):
    """Random numbers (n, 100) to tiles of 64x64."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(DOCUMENT_LATENT, 128)
        self.second = nn.ConvTranspose2d(8, 64, 3, padding=1)
        self.third = nn.ConvTranspose2d(64, 1, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """Generate (n, 1, 64, 64)."""
        x = F.leaky_relu(self.first(z), _SLOPE).view(-1, 8, 4, 4)
        x = F.leaky_relu(self.second(F.interpolate(x, scale_factor=4.0)), _SLOPE)
        return torch.tanh(self.third(F.interpolate(x, scale_factor=4.0)))


class DocumentTileCritic(nn.Module):
    """Tiles of 64x64 to the logit that they are real; the document's sigmoid is in the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 64, 3, 2, padding=1)
        self.verdict = nn.Linear(64 * (DOCUMENT_SIDE // 2) ** 2, 1)

    def forward(self, tiles: Tensor) -> Tensor:
        """Judge."""
        verdict: Tensor = self.verdict(F.leaky_relu(self.first(tiles), _SLOPE).flatten(1))
        return verdict[:, 0]


def _pixel_norm(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def _with_deviation(x: Tensor) -> Tensor:
    """Append the standard deviation over the batch, averaged to one number, as a channel."""
    deviation = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
    return torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], dim=1)
