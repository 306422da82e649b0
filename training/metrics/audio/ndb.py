"""NDB: in how many clusters of the data other samples differ (Richardson & Weiss, 2018).

In: training vectors. Out: bins, found by k-means; and for other vectors the number of bins whose
share differs from the training vectors' by a two-sample test of proportions at 5 %. Where both come
from one distribution, one bin in twenty differs by chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq

BINS = 50
_SIGNIFICANT = 1.959963984540054  # two-sided 5 % of the normal distribution
_ROUNDS = 25


class Bins:
    """Clusters of training vectors.

    Parameters
    ----------
    training
        float32, shape (n, d), at least as many as there are bins.
    count
        How many bins.
    seed
        The same vectors and seed give the same bins.
    """

    def __init__(self, training: NDArray[np.float32], count: int = BINS, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.middles, labels = kmeans2(training, count, _ROUNDS, minit="++", rng=random)
        self.counts = np.bincount(labels, minlength=count)

    def different(self, samples: NDArray[np.float32]) -> int:
        """Return the number of statistically different bins.

        Parameters
        ----------
        samples
            float32, shape (n, d).
        """
        counts = np.bincount(vq(samples, self.middles)[0], minlength=len(self.counts))
        return int((np.abs(proportion_z(self.counts, counts)) > _SIGNIFICANT).sum())


def proportion_z(counts: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return z of each bin's two shares, with the pooled standard error; 0 where both are empty.

    Parameters
    ----------
    counts, others
        int64, shape (bins,): how many of each sample lie in each bin.
    """
    size, other_size = counts.sum(), others.sum()
    pooled = (counts + others) / (size + other_size)
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / size + 1.0 / other_size))
    difference = counts / size - others / other_size
    return np.asarray(difference / np.where(error > 0.0, error, 1.0))
