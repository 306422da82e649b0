"""Audio as images and back: GANSynth's representations (Engel et al., 2019, sections 2.1 and 3).

In: notes, float, (n, frames) at 16 kHz. Out: images (n, 2, windows, bins), channel 0 the log
magnitude (or the mel log power), channel 1 the phase or the instantaneous frequency over π. All
padding is in front and no window reaches past the end, so the last 1536 frames of a note fade; the
peculiarities of the authors' code are kept, for published weights expect them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from training.mel_warp import linear_to_mel, mel_to_linear

NOTE_FRAMES = 64000
_TINY = 1e-6
_OVERLAP_GAIN = 1.5
"""What squared Hann windows add up to at a hop of a quarter window."""

Scale = Literal["mel", "if", "phase"]


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """One way to draw notes.

    Attributes
    ----------
    scale
        "mel": mel log power and instantaneous frequency; "if": log magnitude and instantaneous
        frequency; "phase": log magnitude and phase over π, as in the paper's PhaseGAN.
    windows, bins
        Size of the image; a window has twice as many frames as there are bins, the bin at 0 Hz
        being left out, and the hop is a quarter of a window.
    frames
        Length of a note.
    """

    scale: Scale = "mel"
    windows: int = 128
    bins: int = 1024
    frames: int = NOTE_FRAMES

    @property
    def window_frames(self) -> int:
        """Length of a window."""
        return 2 * self.bins

    @property
    def hop_frames(self) -> int:
        """Frames between windows."""
        return self.bins // 2

    @property
    def lead_frames(self) -> int:
        """Silence put before the audio; none is put after it."""
        return self.hop_frames * (self.windows - 1) + self.window_frames - self.frames

    def image(self, audio: Tensor) -> Tensor:
        """Draw notes.

        Parameters
        ----------
        audio
            float32 or float64, (n, frames), full scale ±1.
        """
        padded = F.pad(audio, (self.lead_frames, 0))
        windows = padded.unfold(1, self.window_frames, self.hop_frames)
        spectrum = torch.fft.rfft(windows * self._window(audio))[..., 1:]
        log_magnitude, phase = (spectrum.abs() + _TINY).log(), spectrum.angle()
        if self.scale == "phase":
            return torch.stack([log_magnitude, phase / math.pi], dim=1)
        frequency = instantaneous_frequency(phase)
        if self.scale == "if":
            return torch.stack([log_magnitude, frequency], dim=1)
        warp = _warp(self.bins, audio.dtype, audio.device)
        power = ((2.0 * log_magnitude).exp() @ warp + _TINY).log()
        unwrapped = (frequency * math.pi).cumsum(dim=1) @ warp
        return torch.stack([power, instantaneous_frequency(unwrapped)], dim=1)

    def round_trip(self, audio: Tensor) -> Tensor:
        """Draw notes and play the images: no network that draws can sound better than this."""
        return self.audio(self.image(audio))

    def audio(self, image: Tensor) -> Tensor:
        """Play images: (n, frames)."""
        magnitude, phase = self.polar(image)
        spectrum = torch.polar(F.pad(magnitude, (1, 0)), F.pad(phase, (1, 0)))
        windows = torch.fft.irfft(spectrum, self.window_frames)
        windows = windows * (self._window(image) / _OVERLAP_GAIN)
        whole = F.fold(
            windows.transpose(1, 2),
            (1, self.lead_frames + self.frames),
            (1, self.window_frames),
            stride=(1, self.hop_frames),
        )
        return whole[:, 0, 0, self.lead_frames :]

    def polar(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return linear magnitude and phase in radians, each (n, windows, bins)."""
        level, turn = image[:, 0], image[:, 1] * math.pi
        if self.scale == "phase":
            return level.exp(), turn
        phase = turn.cumsum(dim=1)
        if self.scale == "if":
            return level.exp(), phase
        unwarp = _unwarp(self.bins, image.dtype, image.device)
        return (level.exp() @ unwarp + _TINY).sqrt(), phase @ unwarp

    def _window(self, like: Tensor) -> Tensor:
        window = torch.hann_window(self.window_frames, dtype=torch.float64)
        return window.to(like.dtype).to(like.device)


def instantaneous_frequency(phase: Tensor) -> Tensor:
    """Return the phase's change from window to window over π; the first one keeps the phase.

    The change is unwrapped as `numpy.unwrap` does, a jump of exactly π upwards staying upwards.

    Parameters
    ----------
    phase
        Radians, (..., windows, bins).
    """
    change = phase.diff(dim=-2)
    wrapped = torch.remainder(change + math.pi, 2.0 * math.pi) - math.pi
    wrapped = torch.where((wrapped == -math.pi) & (change > 0.0), math.pi, wrapped)
    wrapped = torch.where(change.abs() < math.pi, change, wrapped)
    return torch.cat([phase[..., :1, :], wrapped], dim=-2) / math.pi


@lru_cache
def _warp(bins: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.from_numpy(linear_to_mel(bins)).to(device, dtype)


@lru_cache
def _unwarp(bins: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.from_numpy(mel_to_linear(bins)).to(device, dtype)
