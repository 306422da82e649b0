"""A critic of a few windows of a note, at half the size: small enough to learn on a processor.

In: parts of images of the scale "harmonic" with the place that they are from and their pitch. Out:
a score. It sees the spectrum and its motion beside the ideal tone; the pitch is right by
construction and only says which spectra belong to it. It does not see phases: at half size they are
blurred, and a generator that is told how blurred phases look forgets what coheres.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.2
_CHANNELS = (2, 32, 48, 64, 96, 96)


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """How the critic learns, and how much it counts.

    Attributes
    ----------
    weight, matched_weight
        In the generator's loss: of the critic, and of the match with recordings.
    learning_rate
        Of its Adam.
    penalty_weight, penalty_every
        Of the squared slope at recorded notes (Mescheder et al., 2018), and in which steps.
    """

    weight: float = 0.1
    matched_weight: float = 0.5
    learning_rate: float = 1e-3
    penalty_weight: float = 0.5
    penalty_every: int = 16


class CropCritic(nn.Module):
    """Scores parts of images; the pitch by projection (Miyato and Koyama, 2018).

    Parameters
    ----------
    windows, bins
        Of the parts, before they are halved.
    pitches
        How many there are.
    """

    def __init__(self, windows: int, bins: int, pitches: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, (1, 2) if before == _CHANNELS[0] else 2, padding=1)
            for before, after in pairwise(_CHANNELS)
        )
        halvings = len(self.layers)
        height = max(windows // 2 >> (halvings - 1), 1)
        size = _CHANNELS[-1] * height * (bins // 2 >> halvings) + 1
        self.hidden = nn.Linear(size, 128)
        self.score = nn.Linear(128, 1)
        self.pitch = nn.Embedding(pitches, 128)
        nn.init.normal_(self.pitch.weight, std=0.1)

    def forward(self, seen: Tensor, pitch: Tensor) -> Tensor:
        """Return scores, (n,); what is seen comes from `seen_part`, pitches count from 0."""
        x = seen
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
        deviation = x.std(dim=0, unbiased=False).mean().expand(len(x), 1)
        hidden = F.leaky_relu(self.hidden(torch.cat([x.flatten(1), deviation], 1)), _SLOPE)
        score: Tensor = self.score(hidden)[:, 0] + (hidden * self.pitch(pitch)).mean(dim=1)
        return score


def seen_part(image: Tensor, time: float) -> Tensor:
    """Return what a critic sees of part of an image, (n, 2, windows / 2, bins / 2).

    The level, and when in the note it is.

    Parameters
    ----------
    image
        Normalised level and turn, float32, (n, 2, windows, bins).
    time
        0 for the note's first windows, 1 for its last.
    """
    level = F.avg_pool2d(image[:, :1], 2)
    return torch.cat([level, torch.full_like(level, time)], dim=1)
