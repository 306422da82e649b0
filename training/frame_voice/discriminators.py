"""The adversarial stage: critics that hear a crop as spectrograms and as folded waveforms.

Spectrogram critics after UnivNet (Jang et al., 2021), period critics after HiFi-GAN (Kong et al.,
2020), hinge loss, feature matching; each critic knows the pitch by projection (Miyato and Koyama,
2018). On a CPU a step takes about nine times as long as reconstruction alone: this is for GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu
from torch.nn.utils.parametrizations import weight_norm

from training.audio.format import LOWEST_PITCH, PITCH_COUNT
from training.trainer.descent import descend

_SLOPE = 0.1


@dataclass(frozen=True, slots=True)
class CriticOutput:
    """A critic's scores, any shape, and the features of its layers."""

    scores: Tensor
    features: list[Tensor]


class AudioCritic(nn.Module):
    """A stack of 2-D convolutions over some view of the audio, conditioned on pitch."""

    def __init__(self, channels: int, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        widths = (1, channels, channels, 2 * channels, 2 * channels)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(before, after, kernel, stride, padding))
            for before, after in pairwise(widths)
        )
        self.score = weight_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))
        self.pitch = nn.Embedding(PITCH_COUNT, widths[-1])

    def view(self, audio: Tensor) -> Tensor:
        """Return what this critic looks at, shape (n, 1, height, width)."""
        raise NotImplementedError

    def forward(self, audio: Tensor, pitch: Tensor) -> CriticOutput:
        """Judge audio (n, frames) of MIDI pitches (n,)."""
        hidden = self.view(audio)
        features = []
        for layer in self.layers:
            hidden = leaky_relu(layer(hidden), _SLOPE)
            features.append(hidden)
        key = (pitch.round().long() - LOWEST_PITCH).clamp(0, PITCH_COUNT - 1)
        projection = (self.pitch(key)[:, :, None, None] * hidden).mean(dim=1, keepdim=True)
        return CriticOutput(self.score(hidden) + projection, features)


class SpectrogramCritic(AudioCritic):
    """Looks at a log-magnitude spectrogram."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__(channels, kernel=(5, 3), stride=(2, 1))
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)

    def view(self, audio: Tensor) -> Tensor:
        """Return log magnitudes, bins by windows."""
        hop = self.size // 4
        window = self.get_buffer("window")
        bins = torch.stft(audio, self.size, hop, window=window, center=False, return_complex=True)
        return 0.5 * torch.log(torch.view_as_real(bins).square().sum(dim=-1) + 1e-5)[:, None]


class PeriodCritic(AudioCritic):
    """Looks at the waveform folded at a period."""

    def __init__(self, period: int, channels: int) -> None:
        super().__init__(channels, kernel=(5, 1), stride=(3, 1))
        self.period = period

    def view(self, audio: Tensor) -> Tensor:
        """Return the waveform as rows of one period."""
        rows = audio.shape[1] // self.period
        return audio[:, : rows * self.period].reshape(-1, 1, rows, self.period)


class Adversary(nn.Module):
    """All critics together, with their losses.

    Parameters
    ----------
    windows
        STFT lengths of the spectrogram critics.
    periods
        Of the period critics.
    channels
        Width.
    """

    def __init__(
        self,
        windows: tuple[int, ...] = (2048, 1024, 512),
        periods: tuple[int, ...] = (3, 7, 11),
        channels: int = 24,
    ) -> None:
        super().__init__()
        self.critics = nn.ModuleList(
            [SpectrogramCritic(size, channels) for size in windows]
            + [PeriodCritic(period, channels) for period in periods]
        )

    def critic_loss(self, real: Tensor, fake: Tensor, pitch: Tensor) -> Tensor:
        """Return the hinge loss that trains the critics; `fake` is detached here."""
        losses = [
            relu(1.0 - critic(real, pitch).scores).mean()
            + relu(1.0 + critic(fake.detach(), pitch).scores).mean()
            for critic in self.critics
        ]
        return torch.stack(losses).mean()

    def voice_losses(self, real: Tensor, fake: Tensor, pitch: Tensor) -> tuple[Tensor, Tensor]:
        """Return the hinge loss and the feature distance that train the voice."""
        scores, distances = [], []
        for critic in self.critics:
            with torch.no_grad():
                truth = critic(real, pitch)
            ours = critic(fake, pitch)
            scores.append(-ours.scores.mean())
            pairs = zip(ours.features, truth.features, strict=True)
            distances += [(a - b).abs().mean() for a, b in pairs]
        return torch.stack(scores).mean(), torch.stack(distances).mean()


class AdversarialStage:
    """The adversary with its optimiser.

    Parameters
    ----------
    learning_rate
        Of the critics.
    device
        Where they run.
    """

    def __init__(self, learning_rate: float, device: torch.device) -> None:
        self.adversary = Adversary().to(device)
        self.optimiser = torch.optim.AdamW(
            self.adversary.parameters(), lr=learning_rate, betas=(0.8, 0.99)
        )

    def learn(self, real: Tensor, fake: Tensor, pitch: Tensor) -> Tensor:
        """Take a step of the critics; return their loss."""
        loss = self.adversary.critic_loss(real, fake, pitch)
        descend(self.optimiser, loss)
        return loss

    def judge(self, real: Tensor, fake: Tensor, pitch: Tensor) -> tuple[Tensor, Tensor]:
        """Return the voice's adversarial loss and feature distance."""
        self.adversary.requires_grad_(False)
        losses = self.adversary.voice_losses(real, fake, pitch)
        self.adversary.requires_grad_(True)
        return losses
