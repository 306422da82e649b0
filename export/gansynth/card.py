"""Write the card of a GANSynth model: what it is, needs, gives, and where it comes from.

In: the model in torch, its `Origin`, and the files of the bundle. Out: the `VoiceCard`. Latents are
standard normal, so the card's prior has neither mean nor factor; where instruments have a place,
new draws are drawn towards them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from export.bundle.card_file import WEIGHTS_NAME, list_files, today
from export.bundle.graph_plan import GraphPlan
from export.gansynth.plan import pitch_range
from instrument.bundle.card import FORMAT, Licence, NamedLatent, Prior, VoiceCard
from instrument.rendering.loudness import strongest_rms
from training.audio.format import WAVE_RATE_HZ
from training.audio.spectrogram import Spectrogram
from training.gansynth.tones import GansynthTones

_LEVEL_NOTES = 8
SHARPNESS = 2.0
"""At which random sounds of gansynth_small differ as instruments do; docs/gansynth.md measures."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from.

    Attributes
    ----------
    description
        One or two sentences.
    licence, licence_text
        For the card and for the file LICENSE.
    training
        What was trained on what for how long.
    metrics
        Figures that were measured.
    hold_seconds
        How long the keys of the tones that it learned were held; what follows is their release.
    latents
        Instruments that have a place, by name.
    """

    description: str
    licence: Licence
    licence_text: bytes
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    hold_seconds: float
    latents: Mapping[str, NamedLatent] = field(default_factory=dict)


def describe_notes(
    model: GansynthTones,
    origin: Origin,
    plans: Mapping[str, GraphPlan],
    files: Mapping[str, bytes],
    *,
    name: str,
    version: str,
) -> VoiceCard:
    """Put the card together; its self-test and parity are still empty.

    Parameters
    ----------
    plans
        Every graph by name.
    files
        Every file of the bundle but the card, by name.
    """
    size = model.generator.size
    latents = heard_latents(origin.latents, size.latent_size, _LEVEL_NOTES)
    drawing = model.spectrogram
    network: dict[str, Any] = {"size": dataclasses.asdict(size), "position": model.position}
    network["frames"] = drawing.frames
    network["scale"] = drawing.scale if isinstance(drawing, Spectrogram) else "wave"
    return VoiceCard(
        format=FORMAT,
        kind="gansynth",
        name=name,
        version=version,
        description=origin.description,
        licence=origin.licence,
        sample_rate_hz=WAVE_RATE_HZ,
        pitch_range=pitch_range(model),
        latent_size=size.latent_size,
        weights=WEIGHTS_NAME,
        files=list_files(files),
        graphs={name: plan.on_card(f"{name}.onnx") for name, plan in plans.items()},
        latents=dict(origin.latents),
        prior=Prior(sharpness=SHARPNESS if origin.latents else 0.0),
        self_test=(),
        constants={
            "hold_seconds": round(origin.hold_seconds, 4),
            "typical_level": _typical_level(model, latents),
        },
        training={**origin.training, "network": network, "exported": today()},
        metrics=dict(origin.metrics),
    )


def heard_latents(
    named: Mapping[str, NamedLatent], latent_size: int, count: int
) -> NDArray[np.float64]:
    """Choose latents to hear, (count, latent_size): instruments, or draws if too few have a name.

    They are rounded to what a card shows.
    """
    known = [entry.latent for entry in named.values()]
    if len(known) >= count:
        places = np.linspace(0, len(known) - 1, count).round().astype(int)
        return np.asarray([known[place] for place in places])
    drawn = np.random.default_rng(0).standard_normal((count, latent_size))
    return np.asarray(drawn.round(4))


def _typical_level(model: GansynthTones, latents: NDArray[np.float64]) -> float:
    """Return the median RMS of the strongest 50 ms of tones, as the network gives them."""
    lowest, highest = pitch_range(model)
    levels = []
    for latent, pitch in zip(latents, np.linspace(lowest, highest, len(latents)), strict=True):
        z = torch.tensor(latent[None], dtype=torch.float32)
        with torch.no_grad():
            tone = model(z, torch.tensor([int(pitch)])).numpy()
        levels.append(strongest_rms(tone, WAVE_RATE_HZ))
    return round(float(np.median(levels)), 4)
