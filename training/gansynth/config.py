"""Every way in which GANSynth is trained here, by name: one frozen dataclass for each.

The paper's settings are those of its code's ``mel_prog_hires`` (Engel et al., 2019, appendix B).
"hires" images have 128 windows of 2048 frames, the others 256 of 1024.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from training.audio.format import WAVE_FRAMES
from training.audio.spectrogram import Scale
from training.gansynth.network import NetworkSize
from training.gansynth.wavegan_network import WaveganSize


@dataclass(frozen=True, slots=True)
class GansynthConfig:
    """Options of a training.

    Attributes
    ----------
    size
        Of the networks; of a waveform's, only the latent and the pitches.
    scale
        What images show; "wave" has none.
    wave
        Size of the networks of the scale "wave".
    trainer
        "paper": WGAN with gradient penalty; "lean": a logistic game with a penalty on real images
        every `penalty_every` steps, for one modern GPU.
    normalizer
        Where the constants come from that bring images to ±1: "given" by the paper's code, for mel
        images; "measured" on a thousand tones; "none".
    batch
        Images of each process in a step.
    stage_images, images
        How many each stage of growth takes, and the whole course; the last stage takes what is
        left. No stages: 0.
    learning_rate, betas
        Of both networks' Adam.
    critic_steps
        For one of the generator.
    pitch_weight
        Of the pitch's cross-entropy in both losses.
    penalty_weight, penalty_every
        Of the gradient's penalty, and in which steps it is taken; it counts for all between.
    drift_weight
        Of the square of real images' scores.
    average_decay
        Of the generator's running average, per step.
    has_bfloat16, is_compiled
        On a GPU: the inner layers in half precision, and as compiled kernels.
    frames
        Length of the tones.
    """

    size: NetworkSize = field(default_factory=NetworkSize)
    scale: Scale | Literal["wave"] = "mel"
    wave: WaveganSize | None = None
    trainer: Literal["paper", "lean"] = "paper"
    normalizer: Literal["given", "measured", "none"] = "given"
    batch: int = 8
    stage_images: int = 800_000
    images: int = 11_000_000
    learning_rate: float = 8e-4
    betas: tuple[float, float] = (0.0, 0.99)
    critic_steps: int = 1
    pitch_weight: float = 10.0
    penalty_weight: float = 10.0
    penalty_every: int = 1
    drift_weight: float = 0.001
    average_decay: float = 0.999
    has_bfloat16: bool = False
    is_compiled: bool = False
    frames: int = WAVE_FRAMES


_MEL = GansynthConfig()
_WIDE = NetworkSize(start=(4, 8))
_IF = replace(_MEL, scale="if", normalizer="measured")
_PHASE = replace(_MEL, scale="phase", normalizer="measured")
_LEAN = replace(
    _MEL,
    trainer="lean",
    batch=16,
    stage_images=100_000,
    images=3_000_000,
    learning_rate=1.5e-3,
    penalty_every=16,
    drift_weight=0.0,
    average_decay=0.998,
    has_bfloat16=True,
    is_compiled=True,
)
_WAVEGAN = GansynthConfig(
    scale="wave",
    wave=WaveganSize(),
    normalizer="none",
    batch=64,
    stage_images=0,
    images=12_800_000,
    learning_rate=1e-4,
    betas=(0.5, 0.9),
    critic_steps=5,
    pitch_weight=10.0,
    drift_weight=0.0,
)

CONFIGS: dict[str, GansynthConfig] = {
    "mel_prog_hires": _MEL,
    "mel_prog": replace(_MEL, size=_WIDE),
    "if_prog_hires": _IF,
    "if_prog": replace(_IF, size=_WIDE),
    "phase_prog_hires": _PHASE,
    "phase_prog": replace(_PHASE, size=_WIDE),
    "wavegan": _WAVEGAN,
    "mel_hires_lean": _LEAN,
    "quick": replace(
        _MEL,
        size=NetworkSize(feature_base=512, feature_limit=16),
        stage_images=120,
        images=1680,
        learning_rate=2e-3,
        average_decay=0.95,
    ),
    "tiny": replace(
        _MEL,
        size=NetworkSize(feature_base=256, feature_limit=4),
        batch=2,
        stage_images=2,
        images=28,
    ),
}
"""The paper's best first: the command's default."""
