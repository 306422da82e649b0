"""Lay points of many dimensions out on a plane so that neighbours stay neighbours.

t-SNE (L. van der Maaten & G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008), exact, begun
from the two principal components instead of by chance: the same points give the same plane.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PERPLEXITY = 8.0
_ROUNDS = 400
_EARLY_ROUNDS = 100
_EXAGGERATION = 4.0
_RATE = 20.0
_EPSILON = 1e-12


def flattened(points: Array) -> Array:
    """Return a place for each point.

    Parameters
    ----------
    points
        Shape (count, dimensions).

    Returns
    -------
    ndarray
        Shape (count, 2), the middle of all at 0.
    """
    begin = _principal(points)
    if len(points) < 3 * _PERPLEXITY:
        return begin
    wanted = _affinities(_squared_distances(points))
    places, moved = 1e-2 * begin / max(float(begin.std()), _EPSILON), np.zeros_like(begin)
    for number in range(_ROUNDS):
        is_early = number < _EARLY_ROUNDS
        slope = _slope(wanted * (_EXAGGERATION if is_early else 1.0), places)
        moved = (0.5 if is_early else 0.8) * moved - _RATE * slope
        places = places + moved
        places -= places.mean(axis=0)
    return places


def _principal(points: Array) -> Array:
    """Return the two directions of most variance, their signs fixed (K. Pearson, 1901)."""
    centred = points - points.mean(axis=0)
    rows = np.linalg.svd(centred, full_matrices=True)[2]
    rows = np.vstack([rows, np.zeros_like(rows[:1])])[:2]
    signs = np.sign(rows[[0, 1], np.abs(rows).argmax(axis=1)])
    flat: Array = centred @ (rows * np.where(signs == 0, 1, signs)[:, None]).T
    return flat


def _squared_distances(points: Array) -> Array:
    squared = (points**2).sum(axis=1)
    distances: Array = squared[:, None] + squared - 2.0 * points @ points.T
    return distances


def _affinities(squared: Array) -> Array:
    """Return how much each two belong together (equation 1, and its symmetric form)."""
    np.fill_diagonal(squared, np.inf)
    squared = squared - squared.min(axis=1, keepdims=True)
    low, high = np.full(len(squared), 1e-6), np.full(len(squared), 1e6)
    for _ in range(50):  # the width at which each point has `_PERPLEXITY` neighbours
        width = np.sqrt(low * high)
        share = np.exp(-squared * width[:, None])
        share /= share.sum(axis=1, keepdims=True)
        entropy = -(share * np.log(share + _EPSILON)).sum(axis=1)
        is_wide = entropy > np.log(_PERPLEXITY)
        low, high = np.where(is_wide, width, low), np.where(is_wide, high, width)
    shared: Array = np.maximum((share + share.T) / (2 * len(share)), _EPSILON)
    return shared


def _slope(wanted: Array, places: Array) -> Array:
    """Return the gradient (equation 5)."""
    near = 1.0 / (1.0 + _squared_distances(places))
    np.fill_diagonal(near, 0.0)
    pull = (wanted - near / near.sum()) * near
    slope: Array = 4.0 * (pull.sum(axis=1)[:, None] * places - pull @ places)
    return slope
