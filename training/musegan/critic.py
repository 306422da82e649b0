"""MuseGAN's critic: three-dimensional convolutions over bars, steps and pitches.

It hears all tracks together (or one, in the jamming mode), and beside the pitches their chroma, so
that a chord counts in whatever octaves its notes are. It compresses pitch first, then time, the
other way round than the generator grows (Dong et al., 2018, section 4.2). No batch norm: the
gradient penalty looks at one example at a time (Gulrajani et al., 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.musegan.layers import Shrink
from training.musegan.size import OCTAVE, MuseSize


class MuseCritic(nn.Module):
    """Score phrases.

    Parameters
    ----------
    size
        Of the phrases.
    channels
        Rolls of a phrase: tracks, or twice as many where onsets are heard apart.
    bars
        Of the phrases that are judged, those before included.
    width
        Channels of the convolutions.
    """

    def __init__(self, size: MuseSize, channels: int, bars: int, width: int) -> None:
        super().__init__()
        self.octaves = size.octaves
        self.pitches = Shrink(channels, width, OCTAVE, 2)
        self.registers = Shrink(width, width, size.octaves, 2)
        self.chroma = nn.Linear(OCTAVE * channels, width)
        widths = [2 * width, *(min(2 * width, 128) for _ in size.doublings)]
        self.times = nn.ModuleList(
            Shrink(before, after, factor, 1)
            for (before, after), factor in zip(
                pairwise(widths), reversed(size.doublings), strict=True
            )
        )
        seen = 2 * widths[-1]
        self.seams = nn.Linear(2 * seen, seen) if bars > 1 else None
        self.dense = nn.Linear(seen * max(1, bars - 1), 4 * width)
        self.score = nn.Linear(4 * width, 1)

    def forward(self, rolls: Tensor) -> Tensor:
        """Map rolls (n, channels, bars, steps, pitches) to scores (n,)."""
        n, bars = rolls.shape[0], rolls.shape[2]
        x = rolls.permute(0, 2, 3, 4, 1).flatten(0, 1).contiguous()  # (n * bars, ..., channels)
        steps, _, channels = x.shape[1:]
        by_octave = x.view(n * bars, steps, self.octaves, OCTAVE, channels)
        chroma = by_octave.sum(dim=2).flatten(2)
        high = F.leaky_relu(self.registers(F.leaky_relu(self.pitches(x), 0.2)), 0.2)
        x = torch.cat([high, F.leaky_relu(self.chroma(chroma), 0.2)[:, :, None]], dim=3)
        for time in self.times:
            x = F.leaky_relu(time(x), 0.2)
        x = x.view(n, bars, -1)
        if self.seams is not None:  # every bar beside the next
            x = F.leaky_relu(self.seams(torch.cat([x[:, :-1], x[:, 1:]], dim=2)), 0.2)
        score: Tensor = self.score(F.leaky_relu(self.dense(x.flatten(1)), 0.2))
        return score[:, 0]


class DocumentBarCritic(nn.Module):
    """The critic as the sources' text has it, for two bars or more of 16 steps and 84 pitches."""

    def __init__(self, channels: int, bars: int) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        shape = [
            (channels, 128, (2, 1, 1), (1, 1, 1)),
            (128, 64, (bars - 1, 1, 1), (1, 1, 1)),
            (64, 64, (1, 1, 12), (1, 1, 12)),
            (64, 64, (1, 1, 7), (1, 1, 7)),
            (64, 64, (1, 2, 1), (1, 2, 1)),
            (64, 64, (1, 2, 1), (1, 2, 1)),
            (64, 128, (1, 4, 1), (1, 2, 1)),
            (128, 256, (1, 1, 1), (1, 1, 1)),
        ]
        for before, after, kernel, stride in shape:
            self.layers.append(nn.Conv3d(before, after, kernel, stride))
            self.layers.append(nn.LeakyReLU(0.2))
        self.dense = nn.Linear(256, 512)
        self.score = nn.Linear(512, 1)

    def forward(self, rolls: Tensor) -> Tensor:
        """Map rolls (n, channels, bars, 16, 84) to scores (n,)."""
        x = self.layers(rolls).flatten(1)
        score: Tensor = self.score(F.leaky_relu(self.dense(x), 0.2))
        return score[:, 0]


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor | None = None
) -> Tensor:
    """Punish slopes other than 1 on the way from real to generated examples.

    Gulrajani et al., 2017, equation 3: a uniform place on the way for each example, and the norm
    over *all* of an example's axes.

    Parameters
    ----------
    critic
        Gives scores, (n,).
    real, fake
        Examples, (n, ...).
    share
        The places, from 0 (generated) to 1, (n,); drawn when not given.
    """
    if share is None:
        share = torch.rand(real.shape[0], device=real.device, dtype=real.dtype)
    share = share.view(-1, *[1] * (real.dim() - 1))
    between = (share * real + (1.0 - share) * fake).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    steepness: Tensor = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    return (steepness - 1.0).square().mean()
