"""Points in a model's latent space: between two, drawn from the prior, named after instruments.

In and out: latents as float64 arrays of shape (latent_size,); the prior and the learned
instruments come from the bundle's card.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instrument.card import Prior, SoundCard
from instrument.errors import PresetError
from instrument.fields import nearest
from instrument.preset import Recipe

Latent = NDArray[np.float64]


def lerp(start: ArrayLike, end: ArrayLike, amount: float) -> Latent:
    """Go straight from one point to another; amount 0 is the start, 1 the end."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    return a + amount * (b - a)


def slerp(start: ArrayLike, end: ArrayLike, amount: float, prior: Prior) -> Latent:
    """Go from one point to another around the prior's centre (Shoemake 1985), not through it.

    The half-way point of two independent draws lies sqrt(2) nearer to the centre, where sounds are
    more average; this keeps the distance, which is itself interpolated. Both points are first made
    round (whitened) with the prior. Points in line with the centre fall back to `lerp`.
    """
    a, b = _whiten(start, prior), _whiten(end, prior)
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    if min(length_a, length_b) < 1e-9:
        return lerp(start, end, amount)
    cosine = np.clip(a @ b / (length_a * length_b), -1, 1)
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:
        return lerp(start, end, amount)
    direction = (
        np.sin((1 - amount) * angle) * a / length_a + np.sin(amount * angle) * b / length_b
    ) / np.sin(angle)
    length = (1 - amount) * length_a + amount * length_b
    point: Latent = np.asarray(prior.mean) + np.asarray(prior.factor) @ (length * direction)
    return point


def draw(prior: Prior, seed: int, spread: float = 1.0) -> Latent:
    """Draw a point from the prior; the same seed gives the same point.

    Parameters
    ----------
    spread
        1 = as varied as the learned instruments; below 1 tamer, above 1 stranger.
    """
    normal = np.random.Generator(np.random.PCG64(seed)).standard_normal(len(prior.mean))
    return np.asarray(prior.mean) + spread * np.asarray(prior.factor) @ normal


def blend(card: SoundCard, shares: Mapping[str, float]) -> Latent:
    """Mix learned instruments by their shares, which are scaled to a sum of one.

    A share below 0 goes away from an instrument.

    Raises
    ------
    PresetError
        The model knows no such instrument, or the shares cancel out.
    """
    total = sum(shares.values())
    if abs(total) < 1e-6:
        raise PresetError("[recipe] blend: the shares add up to 0", "Make one of them larger.")
    point = np.zeros(card.latent_size)
    for name, share in shares.items():
        if name not in card.latents:
            remedy = nearest(name, card.latents) or f"It has: {', '.join(card.latents)}."
            raise PresetError(f"[recipe] blend: {card.name} has no instrument {name!r}", remedy)
        point += share / total * np.asarray(card.latents[name].latent)
    return point


def follow(recipe: Recipe, card: SoundCard) -> Latent:
    """Make the latent that a recipe describes with this model."""
    return blend(card, recipe.blend) if recipe.blend else draw(card.prior, recipe.seed or 0)


def neighbours(card: SoundCard, latent: ArrayLike, count: int = 3) -> list[tuple[str, float]]:
    """Name the learned instruments nearest to a point.

    Returns
    -------
    list of (str, float)
        Instrument and distance in standard deviations of the prior, nearest first.
    """
    point = _whiten(latent, card.prior)
    distances = {
        name: float(np.linalg.norm(_whiten(entry.latent, card.prior) - point))
        for name, entry in card.latents.items()
    }
    return sorted(distances.items(), key=lambda item: item[1])[:count]


def _whiten(latent: ArrayLike, prior: Prior) -> Latent:
    """Express a point in standard deviations of the prior from its mean."""
    offset = np.asarray(latent, np.float64) - np.asarray(prior.mean)
    whitened: Latent = np.linalg.solve(np.asarray(prior.factor), offset)
    return whitened
