"""The frame voice: a small network that plays tones of any length at 48 kHz.

Every 10 ms the network gives the levels of 128 partials, 12 modes and 48 noise bands, as a pure
function of timbre latent, pitch, time since the key went down and time since it was let go
(`training.frame_voice.network`). It has no memory, because all of these are known without one: an
attack rendered alone is the beginning of the whole tone, a stream equals a tone, and a tone may be
as long as it likes. Pitch is exact because it is arithmetic, not learned.

*Motion*. Recorded partials wobble; a mean spectrum does not. Each partial carries two quieter
copies detuned up and down, ``1 + c e^{i a(t)} + c e^{i b(t)}``. The mean of its log level is
exactly 0 (Jensen's formula, for 2 c < 1), so motion does not change the spectrum that was learned.
Depth c and beat rate are learned from the recordings' measured wobble.

*Velocity*. General MIDI fonts hardly change timbre with velocity, so brightness is designed: a tilt
in dB per octave above the 4th partial. Less tilt moves weight upwards everywhere, so the centroid
rises with velocity by construction.

`training.frame_voice.graphs` has what export writes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from instrument.music.pitch import pitch_to_hz
from training.audio.format import HIGHEST_PITCH, HOP_FRAMES, LOWEST_PITCH
from training.data.audio.tone_set import Instrument, TuningTables
from training.frame_voice import synthesis
from training.frame_voice.config import (
    HARMONIC_COUNT,
    NOISE_BAND_COUNT,
    PARTIAL_COUNT,
    FrameVoiceConfig,
)
from training.frame_voice.network import FASTEST_BEAT_HZ, FrameNetwork, ToneControls
from training.frame_voice.network import HOP_SECONDS as HOP_SECONDS

_NEPER_DB = 20.0 / math.log(10.0)
_DEEPEST_COPY = 0.48
# Noise between and under the partials moves them too: without this share the median partial wobbles
# 1.27 times as much as the recording's (60 held-out tones).
_COPY_SHARE = 0.7
_ASIDE = (math.sqrt(2.0) - 1.0) / 2.0  # no sum of simple fractions is half a step from here


@dataclass(frozen=True, slots=True)
class Tuning:
    """Where the partials of n tones lie: `hz` float64 (n, 140), `gates` (n, 140)."""

    hz: Tensor
    gates: Tensor


class FrameVoice(nn.Module):
    """A trained voice: the network, its instruments' latents and tuning, and the synthesis.

    Parameters
    ----------
    config
        Sizes.
    instruments
        Those that training learns, in order.
    tuning
        Their tables, at least as many rows.
    """

    latent_of: nn.Parameter
    log2_inharmonicity: Tensor
    mode_ratios: Tensor
    mode_gates: Tensor
    level_table: Tensor
    tilt: Tensor
    start_turns: Tensor
    keys: Tensor
    rise: Tensor
    _numbers: Tensor
    _to_bins: Tensor
    _band_hz: Tensor
    _to_partials: Tensor
    _window: Tensor
    _stage_0: Tensor
    _stage_1: Tensor
    _stage_2: Tensor
    _stage_3: Tensor

    def __init__(
        self, config: FrameVoiceConfig, instruments: tuple[Instrument, ...], tuning: TuningTables
    ) -> None:
        super().__init__()
        self.config, self.instruments = config, instruments
        count = len(instruments)
        self.network = FrameNetwork(config)
        self.latent_of = nn.Parameter(0.7 * torch.randn(count, config.latent_size))
        tables = {
            "log2_inharmonicity": torch.from_numpy(tuning.log2_inharmonicity[:count].copy()),
            "mode_ratios": torch.from_numpy(tuning.mode_ratios[:count].copy()),
            "mode_gates": torch.from_numpy(tuning.mode_gates[:count].copy()),
            "level_table": torch.from_numpy(tuning.level_db[:count].copy()),
            "tilt": torch.tensor([i.velocity_tilt for i in instruments], dtype=torch.float32),
            # Scattered start phases keep the peak low; every tone and layer shares them.
            "start_turns": torch.from_numpy(
                np.random.default_rng(0).random(PARTIAL_COUNT, np.float32)
            ),
        }
        for name, table in tables.items():
            self.register_buffer(name, table)
        self._register_constants()

    def _register_constants(self) -> None:
        constants = {
            "keys": torch.arange(LOWEST_PITCH, HIGHEST_PITCH + 1, dtype=torch.float32),
            "_numbers": torch.arange(1, HARMONIC_COUNT + 1, dtype=torch.float64),
            "rise": torch.arange(HOP_FRAMES) / HOP_FRAMES,
            "_to_bins": synthesis.bands_to_bins(),
            "_band_hz": torch.tensor(synthesis.erb_centres_hz(), dtype=torch.float32),
            "_to_partials": synthesis.motion_bands_to_partials(),
            "_window": synthesis.noise_window(),
        }
        stages = synthesis.noise_stages()
        constants |= {f"_stage_{index}": stage for index, stage in enumerate(stages)}
        for name, constant in constants.items():
            self.register_buffer(name, constant, persistent=False)

    def share_of_instruments(self, latent: Tensor) -> Tensor:
        """Return how much of each instrument a latent is, shape (n, instruments), rows add to 1.

        Sharp: at an instrument's own latent its share is 1 to float accuracy, so its tuning is
        exact; on the way between two instruments the tables blend.
        """
        squared = ((latent[:, None] - self.latent_of) ** 2).sum(dim=2)
        return torch.softmax(-2.0 * squared, dim=1)

    def tuning(self, share: Tensor, pitch: Tensor, f0_hz: Tensor) -> Tuning:
        """Place the partials.

        Stretch and ratios are rounded to steps below what is audible, so that float32 differences
        between runtimes cannot move a phase. The tables stand on these steps, so the middle
        between two instruments would often lie exactly between two steps, where the last bit
        decides: rounding `_ASIDE` of there leaves the tables as they are and ties to nobody.

        Parameters
        ----------
        share
            (n, instruments).
        pitch
            (n,), for the stretch table.
        f0_hz
            float64, (n,).
        """
        near = (1.0 - (pitch[:, None] - self.keys).abs()).clamp(min=0.0)
        stretch = ((share @ self.log2_inharmonicity) * near).sum(dim=1) / near.sum(dim=1).clamp(
            min=1e-6
        )
        stretch = torch.round(stretch * 16.0 + _ASIDE).double() / 16.0
        inharmonicity = 2.0**stretch - 2.0**-20.0
        series = self._numbers * torch.sqrt(1.0 + inharmonicity[:, None] * self._numbers**2)
        gates = share @ self.mode_gates
        ratios = (share @ (self.mode_ratios * self.mode_gates)) / gates.clamp(min=1e-12)
        ratios = torch.round(ratios * 16384.0 + _ASIDE).double() / 16384.0
        hz = torch.cat([series, ratios], dim=1) * f0_hz[:, None]
        audible = ((23000.0 - hz) / 2000.0).clamp(0.0, 1.0).float()
        return Tuning(hz, torch.cat([torch.ones_like(series).float(), gates], dim=1) * audible)

    def velocity_tilt(self, share: Tensor, velocity: Tensor, f0_hz: Tensor, hz: Tensor) -> Tensor:
        """Return the log level that velocity takes away at frequencies hz (n, m), shape (n, m)."""
        corner = (4.0 * f0_hz).clamp(max=2000.0)[:, None]
        octaves = torch.log2((hz / corner).clamp(min=1.0))
        return octaves * ((share @ self.tilt) * (velocity - 1.0) / _NEPER_DB)[:, None]

    def frame_controls(
        self,
        tone: ToneControls,
        share: Tensor,
        tuning: Tuning,
        velocity: Tensor,
        f0_hz: Tensor,
        since_onset: Tensor,
        since_release: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return amplitudes (n, frames, 140) and noise bin gains (n, frames, 480)."""
        levels = self.network.levels(tone, since_onset, since_release)
        tilt = self.velocity_tilt(share, velocity, f0_hz, tuning.hz.float())
        amplitudes = torch.exp(levels[..., :PARTIAL_COUNT] + tilt[:, None]) * tuning.gates[:, None]
        band_hz = self._band_hz.expand(f0_hz.shape[0], NOISE_BAND_COUNT)
        tilt = self.velocity_tilt(share, velocity, f0_hz, band_hz)
        bands = levels[..., PARTIAL_COUNT:] + tilt[:, None]
        return amplitudes, torch.exp(torch.matmul(bands, self._to_bins))

    def beat_turns_per_hop(self, tone: ToneControls, motion_phases: Tensor) -> Tensor:
        """Return how far the two copies of each partial turn per hop, shape (n, 2, 140)."""
        rate = (tone.wobble_hz @ self._to_partials).clamp(max=FASTEST_BEAT_HZ)
        spread = 0.6 + 0.8 * motion_phases[:, 2:]
        up_and_down = torch.tensor([[1.0], [-1.0]], device=rate.device)
        return rate[:, None] * spread * up_and_down * HOP_SECONDS

    def copy_depth(self, tone: ToneControls, motion: Tensor) -> Tensor:
        """Return the level c of each partial's detuned copies, shape (n, 140)."""
        wobble = _COPY_SHARE * (tone.wobble_db @ self._to_partials)
        return (wobble * motion[:, None] / _NEPER_DB).clamp(0.0, _DEEPEST_COPY)

    def noise_frames(self, gains: Tensor, noise: Tensor) -> Tensor:
        """Return windowed noise frames, (n, frames, 960), from bin gains and white noise."""
        stages = (self._stage_0, self._stage_1, self._stage_2, self._stage_3)
        return synthesis.noise_to_frames(gains, noise, stages) * self._window


def tempered_hz(pitch: Tensor) -> Tensor:
    """Return equal-tempered frequencies as float64."""
    return pitch_to_hz(pitch.double())
