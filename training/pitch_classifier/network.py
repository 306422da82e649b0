"""A network that names the pitch of a note: what GANSynth's notes are judged by.

In: notes, float32, (n, 64000) at 16 kHz. Out: logits of the 61 pitches that GANSynth plays, and the
features before them. Engel et al. (2019, section 4) take theirs from NSynth's baselines: a stack of
strided convolutions on log magnitudes. Ours knows 61 pitches instead of 128 and has no heads for
instrument families; the other departures are named with the configurations.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.audio.format import WAVE_PITCH_COUNT

_SLOPE = 0.2
_FLOOR_DB = 80.0
_DB_PER_NEPER = 8.685889638065037

ELSEWHERE = (
    *("guitar-harmonics", "drawbar-organ", "percussive-organ", "rock-organ"),
    *("fifths-lead", "timpani", "tubular-bells", "glockenspiel"),
)
"""General MIDI instruments that do not sound at their key's pitch: two octaves above it, with
16-foot stops an octave below it, as two pitches at once, or as a bell does."""


@dataclass(frozen=True, slots=True)
class ConvolutionLayer:
    """One convolution: its output channels, kernel and stride, both (bins, windows).

    No stride may be longer than its kernel: torch 2.13 crashes on that in channels-last order.
    """

    channels: int
    kernel: tuple[int, int] = (4, 4)
    stride: tuple[int, int] = (2, 2)


@dataclass(frozen=True, slots=True)
class ClassifierConfig:
    """What a classifier sees, is made of, and how it is trained.

    Attributes
    ----------
    bins, windows
        Size of its image; an STFT window has twice as many frames as there are bins.
    hop_frames
        Between windows; windows past the note's end are silent.
    layers
        Convolutions that bring the image to one point.
    features
        Channels of the last hidden layer, which Fréchet distances compare.
    learning_rate, beta1, weight_decay, batch
        Of AdamW; the rate falls by a cosine.
    noise_db, tilt_db
        What is done to training notes so that notes of other origins are not foreign: noise below
        the peak, and brightness, dB per octave either way, at most.
    left_out
        Instruments of the wave set that sound at another pitch than their key's.
    """

    bins: int = 512
    windows: int = 256
    hop_frames: int = 256
    layers: tuple[ConvolutionLayer, ...] = (
        ConvolutionLayer(128, (5, 5)),
        *(ConvolutionLayer(128),) * 2,
        *(ConvolutionLayer(256),) * 3,
        *(ConvolutionLayer(512),) * 2,
        ConvolutionLayer(512, stride=(2, 1)),
    )
    features: int = 1024
    learning_rate: float = 1e-4
    beta1: float = 0.5
    weight_decay: float = 0.0
    batch: int = 16
    noise_db: float = -40.0
    tilt_db: float = 3.0
    left_out: tuple[str, ...] = ELSEWHERE


PAPER = ClassifierConfig()
"""As published (n_fft 1024); a GPU trains it."""
NARROW = ClassifierConfig(
    bins=2048,
    windows=32,
    hop_frames=2048,
    layers=(
        ConvolutionLayer(16, (5, 5), (4, 2)),
        *(ConvolutionLayer(channels) for channels in (32, 48, 64, 96)),
        *(ConvolutionLayer(128, (4, 1), (2, 1)),) * 5,
    ),
    features=256,
    learning_rate=2e-3,
    beta1=0.9,
    weight_decay=0.02,
    batch=32,
)
"""A processor trains it in a quarter of an hour. Its windows of 256 ms part the partials of the
lowest keys, which are 2 Hz apart; those of 64 ms, as published, leave that to a wide network."""
TINY = ClassifierConfig(
    bins=2048,
    windows=8,
    hop_frames=4096,
    layers=(
        ConvolutionLayer(8, (8, 5), (8, 2)),
        ConvolutionLayer(16, (8, 4), (8, 4)),
        ConvolutionLayer(32, (32, 1), (32, 1)),
    ),
    features=32,
    learning_rate=5e-3,
    beta1=0.9,
    batch=8,
)
"""Goes through every step in seconds."""


class PitchClassifier(nn.Module):
    """Log magnitudes, strided convolutions with batch norm, one point, logits."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        blocks, before = [], 1
        for layer in config.layers:
            blocks.append(_Block(before, layer))
            before = layer.channels
        blocks.append(_Block(before, ConvolutionLayer(config.features, (1, 1), (1, 1))))
        self.blocks = nn.Sequential(*blocks)
        self.pitch = nn.Linear(config.features, WAVE_PITCH_COUNT)
        self.register_buffer("window", torch.hann_window(2 * config.bins), persistent=False)

    def image(self, audio: Tensor) -> Tensor:
        """Draw notes: levels against each note's loudest, (n, 1, bins, windows).

        1 is the loudest level, -1 is 80 dB below it and all that is weaker: how loud a note is
        says nothing about its pitch.
        """
        told = self.config
        size = 2 * told.bins
        frames = told.hop_frames * (told.windows - 1) + size
        padded = F.pad(audio, (size // 2, max(0, frames - size // 2 - audio.shape[1])))
        windows = padded[:, :frames].unfold(1, size, told.hop_frames)
        spectrum = torch.fft.rfft(windows * self.get_buffer("window"))[..., 1:]
        level = torch.view_as_real(spectrum).square().sum(dim=-1).add(1e-12).log()
        level = (level - level.amax(dim=(1, 2), keepdim=True)) * (0.5 * _DB_PER_NEPER)
        return (1.0 + level.clamp(min=-_FLOOR_DB) * (2.0 / _FLOOR_DB)).transpose(1, 2)[:, None]

    def features(self, image: Tensor) -> Tensor:
        """Return the last hidden layer, (n, features)."""
        hidden: Tensor = self.blocks(image)
        return hidden.mean(dim=(2, 3))

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Judge notes.

        Parameters
        ----------
        audio
            float32, (n, frames), 16 kHz, any level.

        Returns
        -------
        Tensor
            Logits, (n, 61); the first is pitch 24.
        Tensor
            Features, (n, features).
        """
        features = self.features(self.image(audio))
        return self.pitch(features), features


class _Block(nn.Module):
    """A convolution whose zeros keep size / stride, batch norm, leaky ReLU."""

    def __init__(self, inputs: int, layer: ConvolutionLayer) -> None:
        super().__init__()
        missing = [max(0, k - s) for k, s in zip(layer.kernel, layer.stride, strict=True)]
        (top, bottom), (left, right) = ((m // 2, m - m // 2) for m in missing)
        self.zeros = (left, right, top, bottom)
        self.conv = nn.Conv2d(inputs, layer.channels, layer.kernel, layer.stride, bias=False)
        self.norm = nn.BatchNorm2d(layer.channels)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (n, inputs, bins, windows)."""
        return F.leaky_relu(self.norm(self.conv(F.pad(x, self.zeros))), _SLOPE)
