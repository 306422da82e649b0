"""How far apart two sets of features are, as Gaussians: the Fréchet distance.

Heusel et al., 2017, equation 6, on the features of our pitch classifier. Few tones make it larger
than it is: only compare distances of equally many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The mean and covariance of features: float64, shapes (d,) and (d, d)."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @staticmethod
    def of(features: ArrayLike) -> Gaussian:
        """Fit one to features of shape (n, d), n at least 2."""
        values = np.asarray(features, np.float64)
        return Gaussian(values.mean(axis=0), np.atleast_2d(np.cov(values, rowvar=False)))


def frechet_distance(one: Gaussian, other: Gaussian) -> float:
    """Return |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½).

    The trace of the root is that of the symmetric (C1^½ C2 C1^½)^½, whose eigenvalues are real even
    where a covariance is singular.

    Parameters
    ----------
    one, other
        Of two sets of features of one width.
    """
    root = _root(one.covariance)
    shared = np.linalg.eigvalsh(root @ other.covariance @ root)
    trace = np.trace(one.covariance) + np.trace(other.covariance)
    apart = float(np.square(one.mean - other.mean).sum())
    return apart + float(trace - 2.0 * np.sqrt(shared.clip(min=0.0)).sum())


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(values.clip(min=0.0))) @ vectors.T)
