"""How sure a mean is: bootstrap confidence intervals over pieces.

In: one value per piece. Out: the mean and where it would lie in 95 of 100 repetitions with other
pieces of the same kind (Efron 1979, percentile method). Pieces, not notes, are drawn again: notes
of one piece resemble each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_DRAWS = 2000
_LOW, _HIGH = 2.5, 97.5


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, the ends of its 95 % interval, and over how many pieces; NaN over none."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        """Write as a table does: ``0.42 [0.40, 0.44]``; the value alone where no interval is."""
        if np.isnan(self.low):
            return "–" if np.isnan(self.value) else f"{self.value:.3g}"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def mean_of(values: ArrayLike, seed: int = 0) -> Mean:
    """Average the values of pieces; NaN marks pieces that have none.

    Parameters
    ----------
    values
        Shape (pieces,).
    seed
        The same values and seed give the same interval.
    """
    known = np.asarray(values, np.float64)
    return ratio_of(known, np.ones(known.shape), seed)


def ratio_of(totals: ArrayLike, sizes: ArrayLike, seed: int = 0) -> Mean:
    """Average over everything in the pieces: the sum of totals over the sum of sizes.

    Nats per note, for example: each piece's nats and its number of notes.

    Parameters
    ----------
    totals, sizes
        Shape (pieces,).
    """
    above, below = np.asarray(totals, np.float64), np.asarray(sizes, np.float64)
    known = np.isfinite(above) & (below > 0)
    above, below = above[known], below[known]
    if not len(above):
        return Mean(np.nan, np.nan, np.nan, 0)
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(above), (_DRAWS, len(above)))
    means = above[drawn].sum(axis=1) / below[drawn].sum(axis=1)
    low, high = np.percentile(means, [_LOW, _HIGH])
    return Mean(float(above.sum() / below.sum()), float(low), float(high), len(above))


def statistic_of(
    values: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], float],
    draws: int = 400,
    seed: int = 0,
) -> Mean:
    """Return any statistic of a sample, a percentile for example, with its interval.

    Parameters
    ----------
    values
        Shape (n, ...): one value or row per piece.
    statistic
        Takes values of that shape.
    draws
        How many repetitions.
    """
    if not len(values):
        return Mean(np.nan, np.nan, np.nan, 0)
    random = np.random.default_rng(seed)
    repeated = [
        statistic(values[random.integers(0, len(values), len(values))]) for _ in range(draws)
    ]
    low, high = np.percentile(repeated, [_LOW, _HIGH])
    return Mean(float(statistic(values)), float(low), float(high), len(values))


def quartiles(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Return the first and third quartile of the known values, shape (n,); NaN without any."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, [25, 75])
    return float(low), float(high)
