"""Draw from a network's logits, the same from the same seed.

In: logits (any float array of one dimension), controls, a generator. Out: an index. Temperature,
masks and top-p stay outside the graphs, because they change from note to note; this costs about
30 µs for 388 choices, a tenth of a step of a large network.

`NoteRandom` gives every note its own generator, a function of (seed, number of the note) alone
(Philox, Salmon et al. 2011): a composer that goes back some notes draws the same ones again.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ZEROS = np.zeros(4, np.uint64)
_HIGHEST = 2**64 - 1


class NoteRandom:
    """A counter-based source of randomness; `at` goes to any place in it at once.

    Parameters
    ----------
    seed
        Any whole number; its lowest 64 bits count.
    stream
        Keeps apart what must not share its numbers, such as two candidates of one seed.
    """

    def __init__(self, seed: int, stream: int = 0) -> None:
        self._key = np.array([seed & _HIGHEST, stream & _HIGHEST], np.uint64)
        self._bits = np.random.Philox(key=self._key)
        self._generator = np.random.Generator(self._bits)

    def at(self, index: int) -> np.random.Generator:
        """Return the generator of one note, at its beginning; the one before is used up by this.

        Setting the state takes 4 µs where a new generator takes 18.
        """
        counter = np.array([0, 0, 0, index & _HIGHEST], np.uint64)
        self._bits.state = {
            "bit_generator": "Philox",
            "state": {"counter": counter, "key": self._key},
            "buffer": _ZEROS,
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        return self._generator


def draw(
    logits: ArrayLike,
    random: np.random.Generator,
    temperature: float = 1.0,
    top_p: float = 1.0,
    allowed: NDArray[np.bool_] | None = None,
) -> int:
    """Draw an index from a softmax.

    Parameters
    ----------
    logits
        Shape (n,).
    random
        One uniform number is taken from it, whatever the settings.
    temperature
        Divides the logits; 0 returns the likeliest index.
    top_p
        Keep the likeliest indices until they have this share (Holtzman et al. 2020); at least one
        is kept.
    allowed
        Bool, shape (n,): the others have no chance.

    Returns
    -------
    int
        The index.

    Raises
    ------
    ValueError
        Nothing is allowed.
    """
    number = float(random.random())
    values = np.asarray(logits, np.float64).reshape(-1)
    if allowed is not None:
        if not allowed.any():
            raise ValueError("nothing is allowed to be drawn")
        values = np.where(allowed, values, -np.inf)
    if temperature <= 0.0:
        return int(values.argmax())
    shares = np.exp((values - values.max()) / temperature)
    if top_p >= 1.0:
        return _pick(shares, number)
    order = np.argsort(-shares, kind="stable")
    kept = shares[order]
    enough = int(np.searchsorted(kept.cumsum(), top_p * kept.sum())) + 1
    return int(order[_pick(kept[:enough], number)])


def nats(logits: ArrayLike, index: int) -> float:
    """Return how surprising an index is to a softmax of logits, shape (n,): -log of its share."""
    values = np.asarray(logits, np.float64)
    highest = float(values.max())
    return highest + math.log(float(np.exp(values - highest).sum())) - float(values[index])


def probabilities(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the softmax of logits, shape (n,); temperature must be above 0."""
    values = np.asarray(logits, np.float64)
    shares = np.exp((values - values.max()) / temperature)
    softmax: NDArray[np.float64] = shares / shares.sum()
    return softmax


def _pick(shares: NDArray[np.float64], number: float) -> int:
    """Return where a number in [0, 1) falls among cumulated shares."""
    totals = shares.cumsum()
    place = int(np.searchsorted(totals, number * totals[-1], side="right"))
    return min(place, int(np.flatnonzero(shares)[-1]))
