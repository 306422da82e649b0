"""Random sounds are heard before anybody is asked to."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from instrument.latents.audition import Audition
from instrument.rendering.renderer import Audio, RendererInfo

RATE_HZ = 16_000


class Organ:
    """A renderer of one's own: level, detuning in semitones and brightness are the latent."""

    info = RendererInfo(RATE_HZ, (24, 84), 3, 1600, 4 * RATE_HZ)

    def open(self, frames: int) -> None:
        """Nothing to open."""

    def keep_awake(self) -> None:
        """Nothing sleeps."""

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render four partials."""
        time = np.arange(frames or RATE_HZ) / RATE_HZ
        notes = []
        for pitch, (level, off, bright) in zip(
            np.asarray(pitches), np.asarray(latents), strict=True
        ):
            hz = 440.0 * 2.0 ** ((pitch + off - 69.0) / 12.0)
            partials = [bright**k * np.sin(2 * np.pi * hz * (k + 1) * time) for k in range(4)]
            notes.append(0.2 * level * np.sum(partials, axis=0))
        return np.asarray(notes, np.float32)


def sound(level: float = 1.0, off: float = 0.0, bright: float = 0.5) -> np.ndarray:
    return np.array([level, off, bright])


def test_what_is_not_worth_keeping_says_why() -> None:
    audition = Audition(Organ())
    assert audition.fault(sound()) is None
    assert audition.fault(sound(level=0.01)) == "silent"
    assert audition.fault(sound(off=0.5)) == "out of tune"
    assert audition.fault(sound(bright=0.52)) == "like the last"
    assert audition.fault(sound(bright=0.05)) is None


def test_an_octave_is_in_tune_and_only_the_last_that_passed_counts() -> None:
    audition = Audition(Organ())
    assert audition.fault(sound(off=12.0)) is None
    assert audition.fault(sound(off=12.4)) == "out of tune"
    assert audition.fault(sound(off=12.0)) == "like the last"
