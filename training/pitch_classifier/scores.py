"""What a pitch classifier says of notes: accuracy, entropy, Inception score.

In: probabilities, float64, (n, classes). Out: a value per note, or the score of all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def probabilities(logits: NDArray[np.float32]) -> Values:
    """Turn logits (n, classes) into probabilities."""
    shifted = np.asarray(logits, np.float64) - logits.max(axis=1, keepdims=True)
    weights = np.exp(shifted)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def is_right(chances: Values, asked: NDArray[np.int64]) -> Values:
    """Return 1 for each note whose likeliest class is the asked one, else 0; shape (n,)."""
    return np.asarray(chances.argmax(axis=1) == asked, np.float64)


def entropies(chances: Values) -> Values:
    """Return how undecided the classifier is about each note: nats, shape (n,).

    Their mean is the paper's pitch entropy. That it means this, in nats, its own table shows: real
    notes have 0.22 and a score of 47.1, near exp(ln 61 - 0.22) = 49.
    """
    logs = np.log(chances, where=chances > 0.0, out=np.zeros_like(chances))
    return np.asarray(-(chances * logs).sum(axis=1))


def inception_score(chances: Values) -> float:
    """Return exp of the mean divergence of a note's classes from those of all notes.

    Salimans et al., 2016, section 4. At most it is the number of classes, where each note is one
    class for sure and all are as frequent.
    """
    marginal = entropies(chances.mean(axis=0, keepdims=True))[0]
    return float(np.exp(marginal - entropies(chances).mean()))
