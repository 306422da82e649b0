"""Points in a model's latent space: between two, drawn from the prior, named after instruments.

In and out: latents as float64 arrays of shape (latent_size,); the prior and the learned
instruments come from the bundle's card.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instrument.bundle.card import Prior, VoiceCard
from instrument.errors import PresetError
from instrument.preset.sections import Recipe
from instrument.schema import nearest

Latent = NDArray[np.float64]


def lerp(start: ArrayLike, end: ArrayLike, amount: float) -> Latent:
    """Go straight from one point to another; amount 0 is the start, 1 the end."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    return a + amount * (b - a)


def slerp(start: ArrayLike, end: ArrayLike, amount: float, prior: Prior) -> Latent:
    """Go from one point to another around the prior's centre (Shoemake 1985), not through it.

    The half-way point of two independent draws lies sqrt(2) nearer to the centre, where sounds are
    more average; this keeps the distance of two points that are equally far. As in Magenta's
    gansynth ``generate_util.slerp``, the angle is that of the unit vectors, and the points
    themselves are weighted. Both are first made round (whitened) with the prior. Points in line
    with the centre, or on it, fall back to `lerp`: upstream divides by zero there.

    Parameters
    ----------
    start, end
        Any array of shape (latent_size,).
    amount
        0 gives the start, 1 the end.
    """
    a, b = whiten(start, prior), whiten(end, prior)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if lengths < 1e-12:
        return lerp(start, end, amount)
    angle = np.arccos(np.clip(a @ b / lengths, -1, 1))
    if np.sin(angle) < 1e-6:
        return lerp(start, end, amount)
    point = (np.sin((1 - amount) * angle) * a + np.sin(amount * angle) * b) / np.sin(angle)
    return unwhiten(point, prior)


def between(card: VoiceCard, start: ArrayLike, end: ArrayLike, amount: float) -> Latent:
    """Go from one point to another on the model's own way.

    That is `slerp` for GANSynth, as in Magenta's gansynth_generate.py, and `lerp` for a frame
    voice, whose points were learned in a space where nothing keeps them far from the centre.

    Parameters
    ----------
    start, end
        Any array of shape (latent_size,).
    amount
        0 gives the start, 1 the end.
    """
    if goes_around(card):
        return slerp(start, end, amount, card.prior)
    return lerp(start, end, amount)


def goes_around(card: VoiceCard) -> bool:
    """Tell whether the model's sounds lie on a sphere: a GAN scales its input to one length."""
    return card.kind in ("gansynth", "convgan")


def random_recipe(
    card: VoiceCard, seed: int, truncation: float = 1.0, sharpness: float | None = None
) -> Recipe:
    """Describe a random sound as this model draws them now; `follow` makes it.

    The recipe holds all that it depends on, so that it stays the same sound when cards change.
    Arguments are those of `draw`.
    """
    sharpness = card.prior.sharpness if sharpness is None else sharpness
    return Recipe(
        seed=seed,
        truncation=None if truncation == 1.0 else truncation,
        sharpness=sharpness or None,
    )


def draw(
    card: VoiceCard, seed: int, truncation: float = 1.0, sharpness: float | None = None
) -> Latent:
    """Draw a point, shape (latent_size,), from the model's prior; equal arguments, equal points.

    Parameters
    ----------
    truncation
        How far from the prior's mean: 1 = as varied as what the model learned, below 1 tamer, above
        1 stranger. GANSynth's latent shares one length with the pitch, so that a smaller one
        also makes the pitch surer.
    sharpness
        How far the point is drawn towards the few instruments that it is nearest to; 0 leaves it
        where it is, and the card's own is taken when not given. A draw among 53 instruments is a
        little of each, and so one draw sounds like the next; see docs/gansynth.md.
    """
    normal = np.random.Generator(np.random.PCG64(seed)).standard_normal(card.latent_size)
    sharpness = card.prior.sharpness if sharpness is None else sharpness
    if sharpness and len(card.latents) > 1:
        known = np.array([whiten(entry.latent, card.prior) for entry in card.latents.values()])
        normal = sharpened(known, truncation * normal, sharpness)
        return unwhiten(normal, card.prior)
    return unwhiten(truncation * normal, card.prior)


def sharpened(known: ArrayLike, normal: ArrayLike, sharpness: float) -> Latent:
    """Mix instruments' directions by the exponentials of what a draw has of each.

    Parameters
    ----------
    known
        Where instruments lie, (instruments, latent_size), in standard deviations.
    normal
        One draw, (latent_size,), or several, (n, latent_size).
    sharpness
        Times what a draw has of an instrument, in the exponent.

    Returns
    -------
    ndarray
        As `normal`, each as long as a usual draw: the square root of latent_size.
    """
    points = np.asarray(known, np.float64)
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    along = sharpness * (np.asarray(normal, np.float64) @ directions.T)
    mixed = np.exp(along - along.max(axis=-1, keepdims=True)) @ directions
    length = np.linalg.norm(mixed, axis=-1, keepdims=True)
    return np.asarray(mixed * (np.sqrt(points.shape[1]) / length))


def blend(card: VoiceCard, shares: Mapping[str, float]) -> Latent:
    """Mix learned instruments by their shares, which are scaled to a sum of one.

    A share below 0 goes away from an instrument. Where the way between two points is no straight
    line (`between`) the largest share comes first and the others pull it towards them in turn.

    Raises
    ------
    PresetError
        The model knows no such instrument, or the shares cancel out.
    """
    total = sum(shares.values())
    if abs(total) < 1e-6:
        raise PresetError("[recipe] blend: the shares add up to 0", "Make one of them larger.")
    mixed = 0.0
    point = np.zeros(card.latent_size)
    for name, share in sorted(shares.items(), key=lambda item: -item[1] / total):
        if name not in card.latents:
            remedy = nearest(name, card.latents) or f"It has: {', '.join(card.latents)}."
            raise PresetError(f"[recipe] blend: {card.name} has no instrument {name!r}", remedy)
        mixed += share / total  # never 0: the largest share comes first, and their sum is 1
        point = between(card, point, card.latents[name].latent, share / total / mixed)
    return point


def follow(recipe: Recipe, card: VoiceCard) -> Latent:
    """Make the latent, shape (latent_size,), that a recipe describes with this model.

    Parameters
    ----------
    card
        The model's, which knows the instruments that a blend names.
    """
    if recipe.blend:
        return blend(card, recipe.blend)
    truncation = 1.0 if recipe.truncation is None else recipe.truncation
    return draw(card, recipe.seed or 0, truncation, recipe.sharpness or 0.0)


def whiten(latent: ArrayLike, prior: Prior) -> Latent:
    """Express a point, shape (latent_size,), in standard deviations of the prior from its mean."""
    point = np.asarray(latent, np.float64)
    if not prior.mean:
        return point
    whitened: Latent = np.linalg.solve(np.asarray(prior.factor), point - np.asarray(prior.mean))
    return whitened


def unwhiten(whitened: Latent, prior: Prior) -> Latent:
    """Take a point back from standard deviations."""
    if not prior.mean:
        return whitened
    point: Latent = np.asarray(prior.mean) + np.asarray(prior.factor) @ whitened
    return point
