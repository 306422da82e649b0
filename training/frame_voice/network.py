"""The frame voice's network: levels as a function of timbre, pitch and time.

In: a latent, a pitch, and times since the key went down and was let go. Out: log levels of 128
partials, 12 modes and 48 noise bands, and the tone's motion. One part runs once per tone and is
wide, because that is cheap; the other runs every 10 ms, and its layers are set by the first through
adaptive layer norm (Perez et al., FiLM, 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.audio.format import HIGHEST_PITCH, HOP_FRAMES, LOWEST_PITCH, SAMPLE_RATE_HZ
from training.frame_voice.config import (
    HARMONIC_COUNT,
    MOTION_BAND_COUNT,
    NOISE_BAND_COUNT,
    PARTIAL_COUNT,
    FrameVoiceConfig,
)

HOP_SECONDS = HOP_FRAMES / SAMPLE_RATE_HZ
CONTROL_COUNT = PARTIAL_COUNT + NOISE_BAND_COUNT
FASTEST_BEAT_HZ = 9.0

_LONGEST_SECONDS = 12.0  # the longest tones in training; time stands still beyond
_LONGEST_RELEASE_SECONDS = 0.75  # likewise after a release, and then everything fades
_FADE_PER_SECOND = 8.0
_PITCH_CENTRES = 44
_LOG_TIMES, _RELEASE_TIMES = 20, 10
_DECAYS_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 9.0)
_ONSET_FRAMES = 6
_TIME_FEATURES = _LOG_TIMES + len(_DECAYS_SECONDS) + _ONSET_FRAMES + 1 + _RELEASE_TIMES + 4


@dataclass(frozen=True, slots=True)
class ToneControls:
    """What the tone network says once per tone.

    Attributes
    ----------
    base
        (n, 188): log levels that hold for the whole tone.
    shifts
        (n, blocks, 2, width): scale and shift of every frame block.
    wobble_db, wobble_hz
        (n, 8): motion by band.
    """

    base: Tensor
    shifts: Tensor
    wobble_db: Tensor
    wobble_hz: Tensor


class FrameNetwork(nn.Module):
    """Levels of partials and noise bands as a function of latent, pitch and time."""

    def __init__(self, config: FrameVoiceConfig) -> None:
        super().__init__()
        wide, width = config.note_width, config.frame_width
        self.note_in = nn.Linear(config.latent_size + _PITCH_CENTRES + 1, wide)
        self.note_blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(wide), nn.Linear(wide, wide), nn.SiLU(), nn.Linear(wide, wide)
            )
            for _ in range(config.note_blocks)
        )
        self.note_norm = nn.LayerNorm(wide)
        self.base = nn.Linear(wide, CONTROL_COUNT)
        self.shifts = nn.Linear(wide, config.frame_blocks * 2 * width)
        self.motion = nn.Linear(wide, 2 * MOTION_BAND_COUNT)
        self.frame_in = nn.Linear(_TIME_FEATURES, width)
        self.frame_blocks = nn.ModuleList(
            FrameBlock(width, width * config.frame_expansion) for _ in range(config.frame_blocks)
        )
        self.frame_out = nn.Linear(width, CONTROL_COUNT)
        self._shape = (config.frame_blocks, 2, width)
        self._start_small()

    def tone(self, latent: Tensor, pitch: Tensor) -> ToneControls:
        """Run the part that is evaluated once per tone; latent (n, 24), pitch (n,)."""
        centres = torch.linspace(LOWEST_PITCH, HIGHEST_PITCH, _PITCH_CENTRES, device=pitch.device)
        bumps = torch.exp(-0.5 * ((pitch[:, None] - centres) / 1.7) ** 2)
        line = (pitch[:, None] - 64.5) / 43.5
        hidden = self.note_in(torch.cat([latent, line, bumps], dim=1))
        for block in self.note_blocks:
            hidden = hidden + block(hidden)
        hidden = self.note_norm(hidden)
        motion = self.motion(hidden)
        return ToneControls(
            base=self.base(hidden),
            shifts=self.shifts(hidden).reshape(-1, *self._shape),
            wobble_db=nn.functional.softplus(motion[:, :MOTION_BAND_COUNT]),
            wobble_hz=torch.exp(motion[:, MOTION_BAND_COUNT:]).clamp(max=2 * FASTEST_BEAT_HZ),
        )

    def levels(self, tone: ToneControls, since_onset: Tensor, since_release: Tensor) -> Tensor:
        """Return log levels, shape (n, frames, 188), at the given times in seconds (n, frames)."""
        hidden = self.frame_in(time_features(since_onset, since_release))
        for index, block in enumerate(self.frame_blocks):
            hidden = block(hidden, tone.shifts[:, index, 0, None], tone.shifts[:, index, 1, None])
        fade = _FADE_PER_SECOND * (since_release - _LONGEST_RELEASE_SECONDS).clamp(min=0.0)
        levels: Tensor = self.frame_out(hidden) + tone.base[:, None] - fade[..., None]
        return levels.clamp(-20.0, 3.0)

    def _start_small(self) -> None:
        """Start as a quiet sawtooth over faint noise."""
        with torch.no_grad():
            number = torch.arange(1, HARMONIC_COUNT + 1)
            self.base.bias[:HARMONIC_COUNT] = -3.5 - torch.log(number)
            self.base.bias[HARMONIC_COUNT:PARTIAL_COUNT] = -7.0
            self.base.bias[PARTIAL_COUNT:] = -8.0
            self.base.weight *= 0.3
            self.frame_out.weight *= 0.3
            self.shifts.weight *= 0.3
            self.motion.weight *= 0.1
            self.motion.bias[MOTION_BAND_COUNT:] = math.log(4.0)


class FrameBlock(nn.Module):
    """A residual block whose normalisation is set by the tone (adaptive layer norm)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.widen = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)

    def forward(self, hidden: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Add the block's change; hidden (n, frames, width), scale and shift (n, 1, width)."""
        inner = self.norm(hidden) * (1.0 + scale) + shift
        change: Tensor = self.narrow(nn.functional.silu(self.widen(inner)))
        return hidden + change


def time_features(since_onset: Tensor, since_release: Tensor) -> Tensor:
    """Describe moments of a tone to the network.

    Parameters
    ----------
    since_onset, since_release
        Seconds, shape (n, frames); `since_release` below 0 means the key is down.

    Returns
    -------
    Tensor
        float32, shape (n, frames, features).
    """
    onset = since_onset.clamp(0.0, _LONGEST_SECONDS)[..., None]
    released = (since_release[..., None] >= 0.0).to(onset.dtype)
    release = since_release.clamp(0.0, _LONGEST_RELEASE_SECONDS)[..., None]
    device = onset.device
    decays = torch.tensor(_DECAYS_SECONDS, device=device)
    numbers = torch.arange(_ONSET_FRAMES, device=device)
    return torch.cat(
        [
            _bumps(onset, 0.005, 11.3, _LOG_TIMES),
            torch.exp(-onset / decays),
            (1.0 - (onset / HOP_SECONDS - numbers).abs()).clamp(min=0.0),
            released,
            _bumps(release, 0.005, 7.3, _RELEASE_TIMES) * released,
            torch.exp(-release / decays[:4]) * released,
        ],
        dim=-1,
    )


def _bumps(seconds: Tensor, unit: float, top: float, count: int) -> Tensor:
    """Return bell curves on a logarithmic time axis."""
    centres = torch.linspace(0.0, top, count, device=seconds.device)
    distance = (torch.log2(1.0 + seconds / unit) - centres) * ((count - 1) / top)
    return torch.exp(-0.5 * distance**2)
