"""What MuseGAN's latents would be for a given phrase: the other half of an autoencoder.

With a corpus of hundreds of pieces instead of a hundred thousand, a generator that only ever hears
a critic's judgement learns slowly. So ours first learns to play back real phrases from latents
that this encoder finds (a variational autoencoder: Kingma and Welling, 2014), and goes on doing so
while the critic judges what it plays from random latents (Larsen et al., 2016). The encoder is not
exported.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.musegan.layers import Shrink
from training.musegan.size import MuseSize

_STEP_WIDTH, _WIDTH, _BAR_WIDTH = 48, 96, 96
_LOWEST_LOG_DEVIATION, _HIGHEST_LOG_DEVIATION = -4.0, 1.0


class PhraseEncoder(nn.Module):
    """Means and deviations of the latents that a phrase may come from."""

    def __init__(self, size: MuseSize) -> None:
        super().__init__()
        self.size = size
        self.step = nn.Linear(2 * size.pitches, _STEP_WIDTH)
        widths = [_STEP_WIDTH, *(_WIDTH for _ in size.doublings)]
        self.times = nn.ModuleList(
            Shrink(before, after, factor, 1)
            for (before, after), factor in zip(
                pairwise(widths), reversed(size.doublings), strict=True
            )
        )
        self.bar = nn.Linear(2 * _WIDTH, _BAR_WIDTH)
        self.track_names = nn.Parameter(torch.zeros(len(size.played), _BAR_WIDTH))
        line = size.bars * _BAR_WIDTH
        whole = len(size.played) * line
        self.heads = nn.ModuleDict(
            {
                name: nn.Linear(whole if len(shape) == 1 else line, 2 * shape[-1])
                for name, shape in size.latents.items()
            }
        )

    def forward(self, sounding: Tensor, onsets: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Look at rolls (n, played tracks, bars, steps, pitches); return mean, log deviation."""
        n, tracks, bars = sounding.shape[:3]
        x = torch.cat([sounding, onsets], dim=4).flatten(0, 2)  # (n * tracks * bars, steps, ...)
        x = F.leaky_relu(self.step(x), 0.2)[:, :, None]
        for time in self.times:
            x = F.leaky_relu(time(x), 0.2)
        x = F.leaky_relu(self.bar(x.flatten(1)), 0.2).view(n, tracks, bars, _BAR_WIDTH)
        x = x + self.track_names[:, None]
        found = {}
        for name, shape in self.size.latents.items():
            seen = x.flatten(1) if len(shape) == 1 else x.flatten(2)
            mean, log_deviation = self.heads[name](seen).chunk(2, dim=-1)
            limited = log_deviation.clamp(_LOWEST_LOG_DEVIATION, _HIGHEST_LOG_DEVIATION)
            found[name] = mean, limited
        return found


def draw_latents(found: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Draw latents around the means, so that gradients reach the encoder."""
    return {
        name: mean + torch.randn_like(mean) * log_deviation.exp()
        for name, (mean, log_deviation) in found.items()
    }


def divergence(found: dict[str, tuple[Tensor, Tensor]]) -> Tensor:
    """Return how far the latents are from standard normal, in nats per phrase."""
    total = torch.zeros(())
    for mean, log_deviation in found.values():
        parts = 0.5 * (mean.square() + (2 * log_deviation).exp() - 1.0) - log_deviation
        total = total + parts.flatten(1).sum(dim=1).mean()
    return total
