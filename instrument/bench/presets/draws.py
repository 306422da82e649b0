"""A model's random sounds beside the instruments that it knows, and its ways between these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instrument.bench.presets.figures import PresetGate
from instrument.bench.presets.layers import layers_row
from instrument.bundle.bundle import Bundle, load_sound
from instrument.bundle.installed import installed_models
from instrument.bundle.card import VoiceCard
from instrument.errors import LatentkeysError
from instrument.latents.even_way import EvenWay, heard_way, steps_of
from instrument.latents.latent import Latent, between, draw
from instrument.latents.timbre_distance import Likeness
from instrument.rendering.open_renderer import open_renderer

DRAWS = 60
WAYS = 12
_PITCH = 60
_SECONDS = 1.0


def draws_rows() -> list[tuple[PresetGate, float]]:
    """Return a gate and its figure for every installed model that draws sounds at random."""
    rows = []
    for name, folder in installed_models().items():
        try:
            bundle = load_sound(folder)
        except LatentkeysError:
            continue  # a composer, or broken
        if len(bundle.sound.latents) > 1:
            gate = PresetGate(f"draws of {name}", "of known", "unlikeness", low=0.8)
            rows.append((gate, draws_share(bundle)))
            step, middle = morph_shares(bundle)
            gate = PresetGate(f"morph of {name}, largest step", "of mean", "median", high=1.5)
            rows.append((gate, step))
            gate = PresetGate(f"morph of {name}, in its middle 40 %", "of all", "median", high=0.45)
            rows.append((gate, middle))
            if row := layers_row(bundle):
                rows.append(row)
    return rows


def morph_shares(bundle: Bundle) -> tuple[float, float]:
    """Return how even the ways between instruments are: the medians of `WAYS` ways.

    Of 21 points on an even way (`EvenWay`), heard at a pitch that it was not made of.

    Returns
    -------
    tuple
        The largest step over the mean one, and which share of all change lies in the middle 40 %.
    """
    card, renderer = bundle.sound, open_renderer(bundle)
    known = [np.asarray(entry.latent, np.float64) for entry in card.latents.values()]
    random, found = np.random.default_rng(0), []
    for _ in range(WAYS):
        start, end = (known[index] for index in random.choice(len(known), 2, replace=False))
        way = EvenWay(heard_way(renderer, card, start, end))
        shares = np.linspace(0.0, 1.0, 21)
        points = [between(card, start, end, way.amount(float(share))) for share in shares]
        steps = steps_of(renderer, np.array(points, np.float32), _PITCH, _SECONDS)
        found.append((steps.max() / steps.mean(), steps[6:14].sum() / steps.sum()))
    step, middle = np.median(found, axis=0)
    return float(step), float(middle)


def draws_share(bundle: Bundle) -> float:
    """Return the mean distance of random sounds over that of the known instruments, in dB both.

    Of one note each, middle C, a second long (`Likeness`).
    """
    card = bundle.sound
    known = [np.asarray(entry.latent, np.float64) for entry in card.latents.values()]
    drawn = [draw(card, seed) for seed in range(DRAWS)]
    return _unlikeness_db(bundle, card, drawn) / _unlikeness_db(bundle, card, known)


def _unlikeness_db(bundle: Bundle, card: VoiceCard, latents: Sequence[Latent]) -> float:
    renderer = open_renderer(bundle)
    frames = min(round(_SECONDS * card.sample_rate_hz), renderer.info.longest_frames)
    likeness = Likeness(card.sample_rate_hz, frames)
    prints = []
    for latent in latents:
        tone = renderer.render(np.array([_PITCH]), latent[None].astype(np.float32), frames=frames)
        prints.append(likeness.fingerprint(tone[0]))
    return float(
        np.mean(
            [
                likeness.distance_db(one, other)
                for place, one in enumerate(prints)
                for other in prints[:place]
            ]
        )
    )
