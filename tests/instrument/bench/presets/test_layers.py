"""Two velocity layers and what lies between them."""

import numpy as np
import pytest

from instrument.bench.presets.layers import LIMIT_DB, blend_off_db, layers_row
from instrument.bundle.bundle import load_sound
from instrument.files import shipped_presets_folder
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.renderer import Audio, SineRenderer

LATENT = np.array([1.0, 0.5], np.float32)


class Steep(SineRenderer):
    """Overtones that come with the fourth power of velocity."""

    def render(
        self,
        pitches: object,
        latents: object,
        velocities: object = None,
        frames: int | None = None,
    ) -> Audio:
        steep = 127.0 * (np.asarray(velocities) / 127.0) ** 4
        rows = [
            super(Steep, self).render([pitch], [latent * velocity / 127.0], [127], frames)
            for pitch, latent, velocity in zip(pitches, latents, steep, strict=True)  # type: ignore[call-overload]
        ]
        return np.concatenate(rows)


def test_what_grows_evenly_with_velocity_is_blended_exactly() -> None:
    assert blend_off_db(SineRenderer(), LATENT, 60) < 0.02


def test_what_grows_steeply_is_not() -> None:
    assert blend_off_db(Steep(), LATENT, 60) > 10.0 * blend_off_db(SineRenderer(), LATENT, 60)


def test_a_model_that_hears_no_velocity_has_no_row() -> None:
    assert layers_row(load_sound(shipped_presets_folder() / "models" / "gansynth_small")) is None


@pytest.mark.parametrize("name", ["grand-piano", "trumpet", "harpsichord"])
def test_the_frame_voices_two_layers_are_enough(name: str) -> None:
    bundle = load_sound(shipped_presets_folder() / "models" / "frame_voice")
    latent = np.asarray(bundle.sound.latents[name].latent, np.float32)
    assert 0.0 < blend_off_db(open_renderer(bundle, device="cpu"), latent, 48) < LIMIT_DB
