"""Every way in which a small GANSynth is trained, by name: one frozen dataclass for each."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.audio.spectrogram import Spectrogram
from training.data.audio.programs import PROGRAM_NAMES
from training.gansynth.network import NetworkSize
from training.gansynth.small.crop_critic import CriticConfig
from training.gansynth.tones import Normalizer


@dataclass(frozen=True, slots=True)
class SmallConfig:
    """A narrow generator and how it learns.

    Attributes
    ----------
    size
        Of the networks.
    normalizer
        Of the images, which are relative to the played pitch.
    batch
        Tones per step.
    learning_rate
        Of Adam, at its highest.
    growth
        Pairs: from this fraction of the run on, so many blocks less one; linear in between.
    turn_weight
        Of the phase's share in the loss.
    has_bfloat16
        Convolve in half precision: 1.6 times as fast on a processor that has it.
    instruments
        Those of the wave set that are learned; all when empty, or of a set that has none of them.
    critic
        What random latents are judged by; without it they are matched to blends of instruments.
    """

    size: NetworkSize = field(
        default_factory=lambda: NetworkSize(feature_base=1024, feature_limit=128)
    )
    normalizer: Normalizer = field(default_factory=lambda: Normalizer(0.16, -0.12, 0.8, 0.0))
    batch: int = 8
    learning_rate: float = 4e-3
    growth: tuple[tuple[float, float], ...] = (
        (0.22, 3.0),
        (0.25, 4.0),
        (0.44, 4.0),
        (0.47, 5.0),
        (0.60, 5.0),
        (0.62, 6.0),
    )
    turn_weight: float = 0.1
    has_bfloat16: bool = True
    instruments: tuple[str, ...] = ()
    critic: CriticConfig | None = None

    @property
    def spectrogram(self) -> Spectrogram:
        """What the images are."""
        return Spectrogram("harmonic", *self.size.image)


# fmt: off
_PROGRAMS = (
    0, 4, 5, 6, 8, 10, 11, 12, 19, 20, 22, 23, 24, 25, 26, 27, 32, 35, 38, 39, 40,
    41, 42, 46, 48, 49, 51, 53, 56, 57, 60, 63, 64, 65, 68, 70, 71, 73, 74, 75, 79, 82, 83, 85,
    89, 90, 91, 92, 94, 104, 105, 107, 108,
)
# fmt: on
"""Those of the wave set "soundfont" that hold their key's pitch and are not like another."""
_INSTRUMENTS = tuple(PROGRAM_NAMES[number] for number in _PROGRAMS)

RECIPES = {
    "harmonic_small": SmallConfig(instruments=_INSTRUMENTS),
    "with_critic": SmallConfig(
        instruments=_INSTRUMENTS,
        critic=CriticConfig(weight=0.2),
        learning_rate=1e-3,
        growth=((0.0, 6.0),),
    ),
    "quick": SmallConfig(
        size=NetworkSize(feature_base=512, feature_limit=64),
        growth=((0.10, 3.0), (0.12, 4.0), (0.25, 4.0), (0.27, 5.0), (0.40, 5.0), (0.42, 6.0)),
        instruments=_INSTRUMENTS,
        critic=CriticConfig(),
    ),
    "tiny": SmallConfig(
        size=NetworkSize(feature_base=512, feature_limit=4),
        batch=2,
        growth=((0.3, 4.0), (0.6, 6.0)),
        instruments=_INSTRUMENTS[:2],
    ),
}
