"""A model's sounds on a plane: neighbours sound alike, and between them lies what no sampler has.

The plane is laid out from the model's learned instruments, once
(`instrument.panel.explore.map_places`). It depends on the bundle alone, so a place stays where it
is whatever presets come and go; a model without named instruments takes those of its presets. Any
other sound lies among its nearest instruments, and a point of the plane is a mix of the nearest
spots, each weighted by the inverse cube of its distance (D. Shepard, 1968): on a spot it is that
very sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.card import VoiceCard
from instrument.latents.create_preset import mixed
from instrument.latents.latent import Latent, between
from instrument.panel.explore.map_places import laid_out, places_of
from instrument.panel.messages.news import Map, Spot
from instrument.preset.preset import Preset

_NEAREST = 5


class SoundMap:
    """One model's map.

    Parameters
    ----------
    card
        Of the model.
    presets
        Those of this model, by the name of their file.
    before
        The same model's map with other presets: its instruments stay where they are.
    """

    def __init__(
        self, card: VoiceCard, presets: Mapping[str, Preset], before: SoundMap | None = None
    ) -> None:
        self._card = card
        names = [*card.latents, *presets]
        latents = [
            *(entry.latent for entry in card.latents.values()),
            *(preset.sound.latent for preset in presets.values()),
        ]
        self._latents = np.asarray(latents, np.float64).reshape(len(names), card.latent_size)
        self._known = self._latents[: len(card.latents)] if card.latents else self._latents
        if not card.latents:
            self._known_places = laid_out(self._known)
        else:
            self._known_places = before._known_places if before else places_of(self._known)
        self._places = np.array([self._place(latent) for latent in self._latents])
        instruments = len(card.latents)
        self.spots = tuple(
            Spot(name, float(x), float(y), name if number >= instruments else "")
            for number, (name, (x, y)) in enumerate(zip(names, self._places, strict=True))
        )

    def show(self) -> Map:
        """Return what the pages see."""
        return Map(self._card.name, self.spots)

    def where(self, latent: Sequence[float]) -> tuple[float, float]:
        """Return the place of any sound of this model."""
        x, y = self._place(np.asarray(latent, np.float64))
        return float(x), float(y)

    def latent_at(self, x: float, y: float) -> Latent:
        """Return the sound of a place: float64, shape (latent_size,)."""
        nearest, weights = _nearest(np.hypot(*(self._places - (x, y)).T))
        point, total = np.asarray(self._latents[nearest[0]]), float(weights[0])
        for number, weight in zip(nearest[1:], weights[1:], strict=True):
            total += float(weight)
            point = between(self._card, point, self._latents[number], float(weight) / total)
        return point

    def _place(self, latent: NDArray[np.float64]) -> NDArray[np.float64]:
        nearest, weights = _nearest(np.linalg.norm(self._known - latent, axis=1))
        place: NDArray[np.float64] = weights @ self._known_places[nearest] / weights.sum()
        return place


def at_point(preset: Preset, latent: Latent) -> Preset:
    """Return a preset with another sound of its model, (latent_size,).

    No recipe tells how, and soft notes have its timbre as well.
    """
    numbers = tuple(round(float(number), 4) for number in latent)
    sound = replace(preset.sound, latent=numbers)
    return replace(preset, sound=sound, soft=None, recipe=None)


def morph(card: VoiceCard, corners: Sequence[Preset], x: float, y: float) -> Preset:
    """Return what lies between two to four presets in the corners of a square."""
    four = square(corners)
    below = _halfway(card, four[0], four[1], x)
    return _halfway(card, below, _halfway(card, four[2], four[3], x), y)


def square(corners: Sequence[Preset]) -> list[Preset]:
    """Return the sounds below left and right, above left and right; two are a line."""
    return [*corners, *corners[:2]][:4]


def _halfway(card: VoiceCard, a: Preset, b: Preset, amount: float) -> Preset:
    latent = between(card, a.sound.latent, b.sound.latent, amount)
    return at_point(mixed(a, b, amount), latent)


def _nearest(distances: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which few are nearest, the nearest first, and how much each of them counts."""
    nearest = np.argsort(distances)[:_NEAREST]
    return nearest, 1.0 / (distances[nearest] ** 3 + 1e-9)
