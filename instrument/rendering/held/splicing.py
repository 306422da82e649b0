"""Go on from the end of a wave with a piece of its steady stretch, joined where it fits best.

In: the stretch, and the last frames of what was made so far. Out: a piece that begins with the
cross-fade from those frames. The tones of a table that are held for long, and recordings that are
made longer for training, go on so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def next_piece(
    steady: Floats, end: Floats, look_frames: int, shortest: float, random: np.random.Generator
) -> Floats:
    """Return a piece of random place and length.

    Parameters
    ----------
    steady
        float32, shape (frames,): what it is taken from.
    end
        float32, shape (frames of the cross-fade,): replaced by the beginning of the piece.
    look_frames
        The best place to join is looked for within so many: a period of the lowest tone.
    shortest
        Share of `steady` that it has at least.
    random
        Draws length and place.

    Returns
    -------
    Floats
        float32, shape (frames,), at least twice as long as the cross-fade if `steady` is.
    """
    join = end.size
    length = max(round(random.uniform(shortest, 1.0) * steady.size), 2 * join)
    room = steady.size - length - look_frames
    start = int(random.integers(0, max(room, 0) + 1))
    start += _best_fit(steady[start : start + look_frames + join], end)
    piece = steady[start : start + length].copy()
    rise = np.linspace(0.0, 1.0, join, dtype=np.float32)
    piece[:join] = end + (piece[:join] - end) * rise
    return piece


def _best_fit(section: Floats, end: Floats) -> int:
    """Return where in a section a wave goes on as it ended."""
    fits = np.correlate(section, end, "valid")
    power = np.concatenate([[0.0], np.cumsum(np.square(section, dtype=np.float64))])
    return int(np.argmax(fits / np.sqrt(power[end.size :] - power[: -end.size] + 1e-12)))
