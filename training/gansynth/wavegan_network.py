"""WaveGAN's generator and critic (Donahue et al., 2019, appendix D), told which pitch to play.

The waveform baseline of the GANSynth paper (Engel et al., 2019, section 4): no spectrogram, one
long row of samples. The paper's networks make 16,384 samples from 100 uniform numbers; here are the
authors' longer ones for 65,536 samples (their code, ``wavegan.py``: one more layer, twice as many
channels at the narrow end), with GANSynth's conditions on top: the pitch's one-hot beside the
latent, which is normal and 256 long as in all of GANSynth's configurations, and a second head that
names the pitch. Both networks take `training.gansynth.network`'s arguments; they do not grow, so a
position changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.audio.format import WAVE_FRAMES

_SLOPE = 0.2
_STRIDE = 4


@dataclass(frozen=True, slots=True)
class WaveganSize:
    """Sizes of both networks; the defaults are the authors' for 65,536 samples.

    Attributes
    ----------
    channels
        The paper's d: channels of the layer next to the waveform; every layer further in has twice
        as many.
    layers
        Each makes the row four times as long.
    start
        Frames of the shortest row.
    kernel
        Odd length of every filter.
    shuffle
        The paper's n: how far, in frames, phase shuffle moves a critic's features either way.
    latent_size, pitches
        Length of the timbre vector and of the one-hot pitch.
    """

    channels: int = 64
    layers: int = 6
    start: int = 16
    kernel: int = 25
    shuffle: int = 2
    latent_size: int = 256
    pitches: int = 61

    @property
    def frames(self) -> int:
        """Length of the waveform."""
        frames: int = self.start * _STRIDE**self.layers
        return frames

    def widths(self) -> list[int]:
        """Return the channels from the waveform inwards, the waveform's own 1 first."""
        return [1] + [self.channels << layer for layer in range(self.layers)]


TINY = WaveganSize(channels=2, layers=6, kernel=9, latent_size=8)
"""Makes whole tones, badly, in milliseconds."""


@dataclass(frozen=True, slots=True)
class WaveImage:
    """A tone as it is, where other configurations have a `training.audio.spectrogram.Spectrogram`.

    Magenta's data pipeline for ``wave`` puts as many zeros before a tone as after it, 768 each, for
    65,536 is a power of four times sixteen and 64,000 is not.

    Attributes
    ----------
    padded_frames, frames
        Lengths with and without the zeros.
    """

    padded_frames: int = 65536
    frames: int = WAVE_FRAMES

    @property
    def lead_frames(self) -> int:
        """Zeros in front; of an odd number the larger half."""
        return (self.padded_frames - self.frames + 1) // 2

    def image(self, audio: Tensor, pitch: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Pad tones, (n, frames) within ±1, to (n, 1, padded_frames); pitches do not matter."""
        behind = self.padded_frames - self.frames - self.lead_frames
        return F.pad(audio, (self.lead_frames, behind))[:, None]

    def audio(self, image: Tensor, pitch: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Cut the padding off again: (n, frames)."""
        return image[:, 0, self.lead_frames : self.lead_frames + self.frames]


class WaveganGenerator(nn.Module):
    """Latents and pitches to waveforms."""

    def __init__(self, size: WaveganSize) -> None:
        super().__init__()
        self.size = size
        widths = size.widths()[::-1]
        self.first = nn.Linear(size.latent_size + size.pitches, size.start * widths[0])
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(
                before,
                after,
                size.kernel,
                _STRIDE,
                padding=(size.kernel - _STRIDE + 1) // 2,
                output_padding=1,
            )
            for before, after in pairwise(widths)
        )
        self.apply(_begin)

    def forward(self, z: Tensor, pitch: Tensor, position: float | None = None) -> Tensor:  # noqa: ARG002
        """Generate waveforms.

        Parameters
        ----------
        z
            float32, (n, latent_size), standard normal.
        pitch
            int64, (n,), from 0 to pitches - 1.
        position
            Ignored: these networks do not grow.

        Returns
        -------
        Tensor
            float32, (n, 1, frames), within ±1.
        """
        one_hot = F.one_hot(pitch, self.size.pitches).to(z.dtype)
        x = self.first(torch.cat([z, one_hot], dim=1)).view(len(z), -1, self.size.start)
        for layer in self.layers:
            x = layer(F.relu(x))
        return torch.tanh(x)


class WaveganCritic(nn.Module):
    """Waveforms to a score, and to the pitch that the critic hears."""

    def __init__(self, size: WaveganSize) -> None:
        super().__init__()
        self.size = size
        widths = size.widths()
        self.layers = nn.ModuleList(
            nn.Conv1d(before, after, size.kernel, _STRIDE, padding=(size.kernel - _STRIDE + 1) // 2)
            for before, after in pairwise(widths)
        )
        self.score = nn.Linear(size.start * widths[-1], 1)
        self.pitch = nn.Linear(size.start * widths[-1], size.pitches)
        self.apply(_begin)

    def forward(self, wave: Tensor, position: float | None = None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Judge waveforms.

        Parameters
        ----------
        wave
            float32, (n, 1, frames), within ±1.
        position
            Ignored: these networks do not grow.

        Returns
        -------
        Tensor
            Scores, (n,).
        Tensor
            Logits of the pitch, (n, pitches).
        """
        x = wave
        for number, layer in enumerate(self.layers):
            x = F.leaky_relu(layer(x), _SLOPE)
            if self.training and number + 1 < len(self.layers):
                x = shuffle_phase(x, self.size.shuffle)
        features = x.flatten(1)
        return self.score(features)[:, 0], self.pitch(features)


def shuffle_phase(x: Tensor, most: int) -> Tensor:
    """Move features in time by a random whole number of frames, at most `most` either way.

    Otherwise a critic learns to tell fakes by the phase at which transposed convolutions leave
    their period (section 3.3). What the move uncovers is filled by reflection. One move for the
    batch, drawn from torch's generator, as in the authors' code.

    Parameters
    ----------
    x
        float32, (n, channels, frames).
    """
    move = int(torch.randint(-most, most + 1, ()))
    if move == 0:
        return x
    padded = F.pad(x, (max(move, 0), max(-move, 0)), mode="reflect")
    return padded[..., : x.shape[-1]] if move > 0 else padded[..., -x.shape[-1] :]


def _begin(layer: nn.Module) -> None:
    """Begin with TensorFlow's defaults, which the authors trained from: Glorot, zero biases."""
    if isinstance(layer, nn.Linear | nn.Conv1d | nn.ConvTranspose1d):
        nn.init.xavier_uniform_(layer.weight)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
