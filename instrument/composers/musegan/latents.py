"""The chance in a MuseGAN's phrases: its latents, of a phrase or of the whole piece.

In: a source of randomness, and which phrase of a piece it is. Out: latents by name, standard normal
but for the temperature.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.open_graph import Tensors
from instrument.music.sampling import NoteRandom


def latents_of(
    shapes: Mapping[str, tuple[int, ...]],
    random: NoteRandom,
    at: int,
    way: float,
    temperature: float,
) -> Tensors:
    """Draw all latents of a phrase.

    Parameters
    ----------
    shapes
        By name; those with "time" in theirs are of a phrase, the others of the whole piece.
    at
        Number of the phrase in its piece, from 0.
    way
        Where the piece is between its first latents and its last ones, 0 to 1.
    temperature
        Widens or narrows them.

    Returns
    -------
    Tensors
        float32, of those shapes.
    """
    return {
        name: _latent(name, index, shapes[name], random, at, way) * np.float32(temperature)
        for index, name in enumerate(sorted(shapes))
    }


def _latent(
    name: str, index: int, shape: tuple[int, ...], random: NoteRandom, at: int, way: float
) -> NDArray[np.float32]:
    if "time" in name:
        return _normal(random, 1000 * (at + 2) + index, shape)
    return slerp(_normal(random, index, shape), _normal(random, 100 + index, shape), way / 2)


def slerp(
    start: NDArray[np.float32], end: NDArray[np.float32], amount: float
) -> NDArray[np.float32]:
    """Go from one latent to another around the origin (Shoemake 1985), row by row.

    Draws of a normal distribution all lie about equally far from it; the straight way between two
    would lead through latents that training never saw.
    """
    lengths = (
        np.linalg.norm(start, axis=-1, keepdims=True),
        np.linalg.norm(end, axis=-1, keepdims=True),
    )
    cosine = np.sum(start * end, axis=-1, keepdims=True) / np.maximum(lengths[0] * lengths[1], 1e-9)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    sine = np.maximum(np.sin(angle), 1e-6)
    way = (np.sin((1 - amount) * angle) * start + np.sin(amount * angle) * end) / sine
    straight = (1 - amount) * start + amount * end
    return np.where(angle < 1e-3, straight, way).astype(np.float32)


def _normal(random: NoteRandom, index: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return random.at(index).standard_normal(shape).astype(np.float32)
