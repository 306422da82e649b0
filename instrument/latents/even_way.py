"""A way from one sound to another on which every step is heard to be as long as the others.

In: a renderer and two points of its latent space. Out: an `EvenWay`, which says how far along the
latent's own way (`latent.between`) one has to be, so that a share of the *audible* change has been
done. Without it most of what changes does so in the middle: the network goes from one instrument to
the next within a small part of the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instrument.bundle.card import VoiceCard
from instrument.latents.latent import between
from instrument.latents.timbre_distance import Likeness
from instrument.rendering.renderer import ToneRenderer

STEPS = 40
PITCHES = (45, 57, 69)
SECONDS = 0.5
_LEAST = 0.1
"""Of the mean step: a stretch on which nothing is heard to change is passed quickly, not jumped."""
_BATCH = 16


class EvenWay:
    """Say how far to go for a share of the change.

    Parameters
    ----------
    steps_db
        What is heard to change from each of evenly spaced points to the next, dB; none: it is even
        already.
    """

    def __init__(self, steps_db: Sequence[float] = ()) -> None:
        steps = np.asarray(steps_db, np.float64)
        if not steps.sum() > 0.0:
            steps = np.ones(1)
        done = np.cumsum(np.maximum(steps, _LEAST * steps.mean()))
        self._shares = np.concatenate([[0.0], done / done[-1]])
        self._amounts = np.linspace(0.0, 1.0, len(self._shares))

    def amount(self, share: float) -> float:
        """Return how far to go, 0 to 1, for a share of the change, 0 to 1."""
        return float(np.interp(share, self._shares, self._amounts))


def heard_way(
    renderer: ToneRenderer, card: VoiceCard, start: ArrayLike, end: ArrayLike
) -> tuple[float, ...]:
    """Return what is heard to change along a way, for `EvenWay`: `STEPS` distances in dB.

    Notes of half a second are compared (`Likeness`), each with its neighbour.

    Parameters
    ----------
    card
        The renderer's.
    start, end
        Latents, shape (latent_size,).
    """
    amounts = np.linspace(0.0, 1.0, STEPS + 1)
    latents = np.array([between(card, start, end, float(amount)) for amount in amounts], np.float32)
    lowest, highest = renderer.info.pitch_range
    found = [
        steps_of(renderer, latents, min(max(pitch, lowest), highest), SECONDS) for pitch in PITCHES
    ]
    return tuple(np.mean(found, axis=0).tolist())


def steps_of(
    renderer: ToneRenderer, latents: NDArray[np.float32], pitch: int, seconds: float
) -> NDArray[np.float64]:
    """Return how far each sound is from the one before, in dB: shape (len(latents) - 1,).

    Parameters
    ----------
    latents
        Shape (n, latent_size).
    seconds
        Of the notes that are compared.
    """
    rate_hz = renderer.info.sample_rate_hz
    frames = min(round(seconds * rate_hz), renderer.info.longest_frames)
    likeness, prints = Likeness(rate_hz, frames), []
    for begin in range(0, len(latents), _BATCH):
        some = latents[begin : begin + _BATCH]
        tones = renderer.render(np.full(len(some), pitch), some, frames=frames)
        prints += [likeness.fingerprint(tone) for tone in tones]
    pairs = pairwise(prints)
    return np.array([likeness.distance_db(one, other) for one, other in pairs])
