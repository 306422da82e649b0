"""How far generated tiles are from real ones: the sliced Wasserstein distance, in dB.

In: two sets of tiles of levels. Out: one number for their overall shape and one for their detail
(after Karras et al., 2018, section 5, which slices the levels of a pyramid). Sets of one
distribution are not at 0 but at what chance leaves; compare with the distance of real sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_SLICES = 256
_POOL = 4
_PATCH = 8
_PATCHES = 16


@dataclass(frozen=True, slots=True)
class TileDistance:
    """Two sliced Wasserstein distances, dB.

    Attributes
    ----------
    shape
        Of whole tiles at a quarter of their size: which sounds there are, and how often.
    detail
        Of patches of 8x8 from what that size cannot show: partials, onsets, noise.
    """

    shape: float
    detail: float

    @property
    def total(self) -> float:
        """The sum of both."""
        return self.shape + self.detail


def tile_distance(tiles: Tensor, others: Tensor, seed: int = 0) -> TileDistance:
    """Compare two sets of equal size.

    Parameters
    ----------
    tiles, others
        Levels in dB, (n, 1, windows, bands).
    seed
        Of the directions and places that are compared.
    """
    assert tiles.shape == others.shape
    generator = torch.Generator().manual_seed(seed)
    coarse = [F.avg_pool2d(x.cpu().float(), _POOL) for x in (tiles, others)]
    shape = _sliced(coarse[0].flatten(1), coarse[1].flatten(1), generator)
    fine = [
        x.cpu().float() - F.interpolate(c, scale_factor=float(_POOL))
        for x, c in zip((tiles, others), coarse, strict=True)
    ]
    places = _places(tiles, generator)
    detail = _sliced(_patches(fine[0], places), _patches(fine[1], places), generator)
    return TileDistance(shape, detail)


def _sliced(points: Tensor, others: Tensor, generator: torch.Generator) -> float:
    """Return the mean distance of both sets' (n, d) sorted shadows in random directions."""
    directions = torch.randn(points.shape[1], _SLICES, generator=generator)
    directions = directions / directions.norm(dim=0)
    shadows = [(x @ directions).sort(dim=0).values for x in (points, others)]
    return float((shadows[0] - shadows[1]).abs().mean())


def _places(tiles: Tensor, generator: torch.Generator) -> list[tuple[int, int]]:
    windows, bands = tiles.shape[2] - _PATCH + 1, tiles.shape[3] - _PATCH + 1
    rows = torch.randint(windows, (_PATCHES,), generator=generator).tolist()
    columns = torch.randint(bands, (_PATCHES,), generator=generator).tolist()
    return list(zip(rows, columns, strict=True))


def _patches(tiles: Tensor, places: list[tuple[int, int]]) -> Tensor:
    cuts = [tiles[:, 0, row : row + _PATCH, col : col + _PATCH] for row, col in places]
    return torch.stack(cuts, dim=1).flatten(0, 1).flatten(1)
