"""Settings of MuseGAN's trainings: the sources' own, and ours for small corpora."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from training.musegan.size import MuseSize


@dataclass(frozen=True, slots=True)
class MuseConfig:
    """Options of a training.

    Attributes
    ----------
    size
        What is played, and how wide the generator is.
    critic_width
        Channels of the critic; 0 for the sources' own critic.
    batch_size, learning_rate, critic_rate
        Of each step; Adam with betas .5 and .9.
    critic_steps
        For one of the generator.
    critic_from
        Fraction of the run after which the critic joins; before, only the autoencoder learns.
    likelihood_weight
        Weight of the autoencoder's loss; 0 trains by the critic alone, as the sources do.
    divergence_weight, divergence_from
        Weight of the latents' divergence inside that loss; grows to it from nothing until this
        fraction of the run, lest the latents say nothing.
    critic_weight
        Weight of the critic's judgement.
    slope_growth
        By which the slope of binary neurons grows over the run, as a factor.
    """

    size: MuseSize = field(default_factory=MuseSize)
    critic_width: int = 32
    batch_size: int = 32
    learning_rate: float = 2e-3
    critic_rate: float = 1e-3
    critic_steps: int = 2
    critic_from: float = 0.5
    likelihood_weight: float = 1.0
    divergence_weight: float = 0.4
    divergence_from: float = 0.3
    critic_weight: float = 0.02
    slope_growth: float = 5.0


_CHORALES = MuseSize(in_one_scale=True)
_DOCUMENT = MuseSize(
    head="threshold",
    bars=2,
    pitches=84,
    lowest_pitch=24,
    latent_size=32,
    first_width=1024,
    widths=(512, 256, 256),
    pitch_width=256,
    temporal_width=512,
    spread=1.0,
)
_BAND = MuseSize(
    head="binary",
    tracks=5,
    steps=48,
    pitches=84,
    lowest_pitch=24,
    latent_size=32,
    widths=(192, 128, 96),
    pitch_width=64,
    temporal_width=128,
)
"""Five tracks of the Lakh Pianoroll data set, in the resolution of Dong et al.'s second version."""
_SMALL = MuseSize(
    latent_size=8, first_width=64, widths=(16,), pitch_width=16, temporal_width=16, spread=1.0
)

RECIPES = {
    "musegan": MuseConfig(_CHORALES),
    "accompany": MuseConfig(replace(_CHORALES, given_track=0)),
    "continue": MuseConfig(replace(_CHORALES, bars=2, previous_bars=2)),
    "composer": MuseConfig(replace(_CHORALES, mode="composer", first_width=1024)),
    "jamming": MuseConfig(replace(_CHORALES, mode="jamming")),
    "band": MuseConfig(_BAND, learning_rate=1e-3),
    "document": MuseConfig(
        _DOCUMENT,
        critic_width=0,
        batch_size=64,
        learning_rate=1e-3,
        critic_steps=5,
        likelihood_weight=0.0,
    ),
    "tiny": MuseConfig(_SMALL, critic_width=8, batch_size=4, critic_steps=2),
}
"""By name; "document" is the sources' setting, the others share its networks and are ours."""
