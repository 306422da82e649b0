"""Whether two velocity layers are enough: their blend beside what the model itself says.

In: a model that hears velocity. Out: how far from its own tones those are that a player hears at
velocities between the two that the table has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from instrument.bench.presets.figures import PresetGate
from instrument.bundle.bundle import Bundle
from instrument.latents.timbre_distance import Likeness
from instrument.realtime.memory.constants import LOUD_VELOCITY, SOFT_VELOCITY
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.renderer import ToneRenderer

LIMIT_DB = 1.5
"""Half of what two neighbouring keys of one preset differ by."""
_PITCHES = (48, 67)
_SECONDS = 1.0
_BETWEEN = (0.25, 0.5, 0.75)


def layers_row(bundle: Bundle) -> tuple[PresetGate, float] | None:
    """Return a gate and its figure, the worst instrument's; None if velocity changes nothing."""
    renderer = open_renderer(bundle)
    if not renderer.info.hears_velocity:
        return None
    off = [
        blend_off_db(renderer, np.asarray(entry.latent, np.float32), pitch)
        for entry in bundle.sound.latents.values()
        for pitch in _PITCHES
    ]
    gate = PresetGate(f"layers of {bundle.card.name}, between them", "dB", "worst", high=LIMIT_DB)
    return gate, float(np.max(off))


def blend_off_db(renderer: ToneRenderer, latent: NDArray[np.float32], pitch: int) -> float:
    """Return how unlike the model's own tone a blend of its layers is where it is least like it.

    Parameters
    ----------
    latent
        float32, shape (latent_size,).
    pitch
        MIDI number.
    """
    shares = np.array([0.0, *_BETWEEN, 1.0])
    velocities = np.round(SOFT_VELOCITY + shares * (LOUD_VELOCITY - SOFT_VELOCITY)).astype(int)
    info = renderer.info
    frames = min(round(_SECONDS * info.sample_rate_hz), info.longest_frames)
    count = len(shares)
    tones = renderer.render([pitch] * count, np.tile(latent, (count, 1)), velocities, frames)
    likeness = Likeness(info.sample_rate_hz, frames)
    loud = (velocities - SOFT_VELOCITY) / (LOUD_VELOCITY - SOFT_VELOCITY)
    return max(
        likeness.distance_db(
            likeness.fingerprint(own),
            likeness.fingerprint((1.0 - share) * tones[0] + share * tones[-1]),
        )
        for own, share in zip(tones[1:-1], loud[1:-1], strict=True)
    )
