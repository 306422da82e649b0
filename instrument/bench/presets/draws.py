"""How unlike a model's random sounds are, beside the instruments that it knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instrument.bench.presets.figures import PresetGate
from instrument.bundle.bundle import Bundle, installed_models, load_sound
from instrument.bundle.card import VoiceCard
from instrument.errors import LatentkeysError
from instrument.latents.latent import Latent, draw
from instrument.latents.timbre_distance import Likeness
from instrument.rendering.open_renderer import open_renderer

DRAWS = 60
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
    return rows


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
