"""The waveform baseline as a graph to export: what `GansynthNotes` computes, cut to a length."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.gansynth.tones import LOWEST_PITCH, GansynthNotes


class PlainWaves(nn.Module):
    """Notes, or their beginnings; these cost as much as notes, for nothing is cropped inside.

    Parameters
    ----------
    notes
        The model in its usual form.
    frames
        Length of what comes out.
    """

    def __init__(self, notes: GansynthNotes, frames: int) -> None:
        super().__init__()
        self.notes, self.frames = notes, frames
        self.pitches = notes.generator.size.pitches

    def forward(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Render notes; see `export.gansynth.graph.PlainNotes.forward`."""
        in_range = pitch.clamp(LOWEST_PITCH, LOWEST_PITCH + self.pitches - 1)
        waves: Tensor = self.notes(z, in_range)
        return torch.narrow(waves, 1, 0, self.frames)
