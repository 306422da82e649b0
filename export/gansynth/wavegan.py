"""The waveform baseline as a graph to export: what `GansynthTones` computes, cut to a length."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.audio.format import LOWEST_WAVE_PITCH
from training.gansynth.tones import GansynthTones


class PlainWaves(nn.Module):
    """Tones, or their beginnings; these cost as much as tones, for nothing is cropped inside.

    Parameters
    ----------
    tones
        The model in its usual form.
    frames
        Length of what comes out.
    """

    def __init__(self, tones: GansynthTones, frames: int) -> None:
        super().__init__()
        self.tones, self.frames = tones, frames
        self.pitches = tones.generator.size.pitches

    def forward(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Render tones; see `export.gansynth.graph.PlainTones.forward`."""
        in_range = pitch.clamp(LOWEST_WAVE_PITCH, LOWEST_WAVE_PITCH + self.pitches - 1)
        waves: Tensor = self.tones(z, in_range)
        return torch.narrow(waves, 1, 0, self.frames)
