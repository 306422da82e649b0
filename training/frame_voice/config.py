"""What a frame voice is made of and how it is trained: the only lists of options."""

from __future__ import annotations

from dataclasses import dataclass

HARMONIC_COUNT = 128
MODE_COUNT = 12
PARTIAL_COUNT = HARMONIC_COUNT + MODE_COUNT
NOISE_BAND_COUNT = 48
NOISE_BIN_COUNT = 480
MOTION_BAND_COUNT = 8


@dataclass(frozen=True, slots=True)
class FrameVoiceConfig:
    """The network's size.

    Attributes
    ----------
    latent_size
        Numbers that describe a timbre.
    note_width, note_blocks
        The part that runs once per tone: cheap, so it may be wide.
    frame_width, frame_blocks, frame_expansion
        The part that runs every 10 ms: this is the cost of a tone.
    """

    latent_size: int = 24
    note_width: int = 512
    note_blocks: int = 3
    frame_width: int = 192
    frame_blocks: int = 3
    frame_expansion: int = 3


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a frame voice learns.

    Attributes
    ----------
    steps
        How long a run is where nobody says; the learning rate falls over the whole of it.
    batch_size
        Crops per step.
    crop_hops
        Length of a crop in hops of 10 ms.
    learning_rate, weight_decay, gradient_norm
        AdamW's, and the clipping norm.
    ema_decay
        Of the averaged weights that are evaluated and exported; warmed up over the first steps.
    latent_noise
        Standard deviation of the noise on each instrument's latent: fills the space between them.
    pitch_noise
        Standard deviation in semitones of the noise on the pitch that levels are asked for, never
        on the frequency: neighbouring keys learn from each other what is not one recording's own.
    latent_penalty
        Weight of the squared latent, which keeps the space round.
    windows
        STFT lengths of the loss, in frames.
    floor_db
        Quieter than this against a full-scale partial of the loudest tone counts as silence.
    motion_weight
        Weight of the loss that matches the recorded wobble.
    adversarial_from
        Fraction of the run after which the adversarial stage begins; 1 never begins it.
    adversarial_weight, feature_weight
        Its weights beside the reconstruction's 1.
    adversarial_rate
        Learning rate of voice and critics in that stage.
    """

    steps: int = 30000
    batch_size: int = 16
    crop_hops: int = 48
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-3
    gradient_norm: float = 1.0
    ema_decay: float = 0.999
    latent_noise: float = 0.15
    pitch_noise: float = 1.0
    latent_penalty: float = 1e-4
    windows: tuple[int, ...] = (3072, 1024, 256)
    floor_db: float = -66.0
    motion_weight: float = 0.02
    adversarial_from: float = 1.0
    adversarial_weight: float = 0.1
    feature_weight: float = 0.7
    adversarial_rate: float = 2e-4


@dataclass(frozen=True, slots=True)
class VoiceRecipe:
    """A voice size with the training that suits it."""

    voice: FrameVoiceConfig
    training: TrainingConfig


RECIPES: dict[str, VoiceRecipe] = {
    "frame_voice": VoiceRecipe(FrameVoiceConfig(), TrainingConfig()),
    # A wider net, larger batches and critics in the second half: for a GPU. Not yet measured.
    "frame_voice_gpu": VoiceRecipe(
        FrameVoiceConfig(note_width=1024, note_blocks=4, frame_width=384, frame_blocks=6),
        TrainingConfig(batch_size=128, crop_hops=96, steps=20000, adversarial_from=0.4),
    ),
    # Too small to sound good; goes through every step of the way in seconds.
    "tiny": VoiceRecipe(
        FrameVoiceConfig(
            latent_size=8,
            note_width=64,
            note_blocks=1,
            frame_width=48,
            frame_blocks=1,
            frame_expansion=2,
        ),
        TrainingConfig(steps=20, batch_size=8, crop_hops=24),
    ),
}
"""What ``latentkeys train frame-voice --recipe`` offers."""
