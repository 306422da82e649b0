"""Audio as images and back: GANSynth's representations (Engel et al., 2019, sections 2.1 and 3).

In: tones, float, (n, frames) at 16 kHz. Out: images (n, 2, windows, bins), channel 0 the log
magnitude (or the mel log power), channel 1 the phase or the instantaneous frequency over π; the
scale "harmonic" is our own and needs to know the tones' pitches. All padding is in front and no
window reaches past the end, so the last 1536 frames of a tone fade; the peculiarities of the
authors' code are kept, for published weights expect them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from training.audio.format import WAVE_FRAMES
from training.audio.harmonic_scale import HarmonicTone
from training.audio.mel_warp import linear_to_mel, mel_to_linear

_TINY = 1e-6
_OVERLAP_GAIN = 1.5
"""What squared Hann windows add up to at a hop of a quarter window."""

Scale = Literal["mel", "if", "phase", "harmonic"]


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """One way to draw tones.

    Attributes
    ----------
    scale
        "mel": mel log power and instantaneous frequency; "if": log magnitude and instantaneous
        frequency; "phase": log magnitude and phase over π, as in the paper's PhaseGAN; "harmonic":
        as "if", relative to `training.audio.harmonic_scale.HarmonicTone` of the same pitch.
    windows, bins
        Size of the image; a window has twice as many frames as there are bins, the bin at 0 Hz
        being left out, and the hop is a quarter of a window.
    frames
        Length of a tone.
    """

    scale: Scale = "mel"
    windows: int = 128
    bins: int = 1024
    frames: int = WAVE_FRAMES

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

    def image(self, audio: Tensor, pitch: Tensor | None = None) -> Tensor:
        """Draw tones.

        Parameters
        ----------
        audio
            float32 or float64, (n, frames), full scale ±1.
        pitch
            MIDI numbers, (n,); only the scale "harmonic" looks at them, and needs them.
        """
        padded = F.pad(audio, (self.lead_frames, 0))
        windows = padded.unfold(1, self.window_frames, self.hop_frames)
        spectrum = torch.fft.rfft(windows * self._window(audio))[..., 1:]
        log_magnitude, phase = (spectrum.abs() + _TINY).log(), spectrum.angle()
        if self.scale == "phase":
            return torch.stack([log_magnitude, phase / math.pi], dim=1)
        if self.scale == "harmonic":
            return self._beside_tone(log_magnitude, phase, _known(pitch))
        frequency = instantaneous_frequency(phase)
        if self.scale == "if":
            return torch.stack([log_magnitude, frequency], dim=1)
        warp = _warp(self.bins, audio.dtype, audio.device)
        power = ((2.0 * log_magnitude).exp() @ warp + _TINY).log()
        unwrapped = (frequency * math.pi).cumsum(dim=1) @ warp
        return torch.stack([power, instantaneous_frequency(unwrapped)], dim=1)

    def round_trip(self, audio: Tensor, pitch: Tensor | None = None) -> Tensor:
        """Draw tones (n, frames) and play the images: no network that draws can sound better."""
        return self.audio(self.image(audio, pitch), pitch)

    def audio(self, image: Tensor, pitch: Tensor | None = None) -> Tensor:
        """Play images: (n, frames); `pitch` as in `image`."""
        magnitude, phase = self.polar(image, pitch)
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

    def polar(self, image: Tensor, pitch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return linear magnitude and phase in radians, each (n, windows, bins)."""
        level, turn = image[:, 0], image[:, 1] * math.pi
        if self.scale == "phase":
            return level.exp(), turn
        if self.scale == "harmonic":
            tone, pitch = self.tone, _known(pitch)
            phase = (turn * self._in_note(turn)).cumsum(dim=1)
            level = level + tone.level(pitch).to(level)
            return level.exp() * self._in_note(turn), phase + tone.phase(pitch).to(phase)
        phase = turn.cumsum(dim=1)
        if self.scale == "if":
            return level.exp(), phase
        unwarp = _unwarp(self.bins, image.dtype, image.device)
        return (level.exp() @ unwarp + _TINY).sqrt(), phase @ unwarp

    @property
    def tone(self) -> HarmonicTone:
        """What images of the scale "harmonic" are relative to."""
        return HarmonicTone(self.windows, self.bins, self.lead_frames)

    def _beside_tone(self, log_magnitude: Tensor, phase: Tensor, pitch: Tensor) -> Tensor:
        """Draw what differs from the tone; windows before the tone repeat its first level."""
        tone, in_note = self.tone, self._in_note(phase)
        level = log_magnitude - tone.level(pitch).to(phase)
        first = tone.silent_windows
        level = torch.where(in_note > 0.0, level, level[:, first : first + 1])
        drift = (phase - tone.phase(pitch).to(phase)) * in_note
        return torch.stack([level, instantaneous_frequency(drift)], dim=1)

    def _in_note(self, like: Tensor) -> Tensor:
        """Return 0 for windows that end before the tone, else 1: (windows, 1)."""
        return (torch.arange(self.windows) >= self.tone.silent_windows)[:, None].to(like)

    def _window(self, like: Tensor) -> Tensor:
        window = torch.hann_window(self.window_frames, dtype=torch.float64)
        return window.to(like.dtype).to(like.device)


def _known(pitch: Tensor | None) -> Tensor:
    assert pitch is not None, 'the scale "harmonic" needs pitches'
    return pitch


def instantaneous_frequency(phase: Tensor) -> Tensor:
    """Return the phase's change from window to window over π; the first one keeps the phase.

    The change is unwrapped as ``numpy.unwrap`` does, a jump of exactly π upwards staying upwards.

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
