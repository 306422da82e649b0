"""MuseGAN's generators (Dong et al., AAAI 2018): bars of several tracks from a few latents.

Every track has its bar generator, fed with up to four latents: ``song`` and ``time`` are shared by
all tracks, ``track`` and ``track_time`` are its own; those "in time" go through a temporal
network that turns one latent into one for each bar. Which are used is the mode:

- jamming: every track plays from its own latents, and has its own critic;
- composer: one generator plays all tracks from the shared ones;
- hybrid: every track has its own generator and hears shared and own latents; one critic.

Bars can be conditioned: on a given track (an encoder mirrors the bar generator, and each of its
levels is joined to the matching level there, as in the paper's section 4.3) and on the bars before.

Departures from the sources: the latents that come out of a temporal network are not rectified
(which would kill half of their space); any number of bars, steps and pitches that factor into
small numbers works; voices of one note at a time come out as classes rest, hold and pitch.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.musegan.layers import ChannelNorm, Grow, Shrink
from training.musegan.prior import LatentPrior
from training.musegan.size import FIRST_STEPS, OCTAVE, MuseSize

_SKIP_CHANNELS = 16


class TemporalNetwork(nn.Module):
    """Turn one latent into one for each bar: transposed convolutions over bars."""

    def __init__(self, size: MuseSize, numbers: int) -> None:
        super().__init__()
        self.bars = size.bars
        first = min(2, size.bars)
        self.grow = nn.ConvTranspose1d(numbers, size.temporal_width, first)
        self.norm = nn.BatchNorm1d(size.temporal_width)
        self.spread = nn.ConvTranspose1d(size.temporal_width, numbers, max(1, size.bars - 1))

    def forward(self, z: Tensor) -> Tensor:
        """Map (n, numbers) to (n, bars, numbers)."""
        x = F.relu(self.norm(self.grow(z[:, :, None])))
        y: Tensor = self.spread(x)
        return y.transpose(1, 2)


class BarEncoder(nn.Module):
    """Describe a given bar at every level of the bar generator."""

    def __init__(self, size: MuseSize, tracks: int) -> None:
        super().__init__()
        channels = _SKIP_CHANNELS
        steps = [Shrink(tracks, channels, OCTAVE, 2), Shrink(channels, channels, size.octaves, 2)]
        steps += [Shrink(channels, channels, factor, 1) for factor in reversed(size.doublings)]
        self.levels = nn.ModuleList(steps)

    def forward(self, roll: Tensor) -> list[Tensor]:
        """Map rolls (n, steps, pitches, tracks) to features: the first is the coarsest."""
        features = []
        for level in self.levels:
            roll = F.leaky_relu(level(roll), 0.2)
            features.append(roll)
        return features[::-1]


class BarNetwork(nn.Module):
    """Play one bar of some tracks: grow in time first, then into octaves and their twelve keys."""

    def __init__(self, size: MuseSize, inputs: int, tracks: int, has_skips: bool) -> None:
        super().__init__()
        self.size, self.tracks = size, tracks
        skip = _SKIP_CHANNELS if has_skips else 0
        self.dense = nn.Linear(inputs, size.first_width)
        self.dense_norm = ChannelNorm(size.first_width)
        first = size.first_width // FIRST_STEPS
        widths = [first, *(size.width(level) for level in range(len(size.doublings)))]
        self.grow = nn.ModuleList(
            Grow(before + skip, after, factor, 1)
            for (before, after), factor in zip(pairwise(widths), size.doublings, strict=True)
        )
        self.grow_norms = nn.ModuleList(ChannelNorm(width) for width in widths[1:])
        self.open = Grow(widths[-1] + skip, size.pitch_width, size.octaves, 2)
        self.open_norm = ChannelNorm(size.pitch_width)
        self.keys = Grow(size.pitch_width + skip, tracks, OCTAVE, 2)
        is_categorical = size.head == "categorical"
        self.rest_and_hold = (
            nn.Linear(size.octaves * size.pitch_width, 2 * tracks) if is_categorical else None
        )

    def forward(self, z: Tensor, skips: list[Tensor] | None = None) -> Tensor:
        """Map (n, inputs) to logits (n, tracks, steps, classes)."""
        x = F.relu(self.dense_norm(self.dense(z)))
        x = x.view(z.shape[0], FIRST_STEPS, 1, -1)
        for level, (grow, norm) in enumerate(zip(self.grow, self.grow_norms, strict=True)):
            x = F.relu(norm(grow(_join(x, skips, level))))
        x = F.relu(self.open_norm(self.open(_join(x, skips, len(self.grow)))))
        keys: Tensor = self.keys(_join(x, skips, len(self.grow) + 1))
        pitches = keys.permute(0, 3, 1, 2)
        if self.rest_and_hold is None:
            return pitches
        others = self.rest_and_hold(x.flatten(2)).view(*x.shape[:2], self.tracks, 2)
        return torch.cat([others.transpose(1, 2), pitches], dim=3)


class MuseGenerator(nn.Module):
    """All tracks and bars of a phrase."""

    def __init__(self, size: MuseSize) -> None:
        super().__init__()
        self.size = size
        is_composer, count = size.mode == "composer", len(size.played)
        generators = 1 if is_composer else count
        shared = size.latents.get("z_song", (0,))[0]
        own = 0 if is_composer else size.latent_size
        context = max(shared, size.latent_size) * 2 if size.previous_bars else 0
        self.shared_time = TemporalNetwork(size, shared) if shared else None
        self.own_time = nn.ModuleList(
            TemporalNetwork(size, own) for _ in range(count if own else 0)
        )
        inputs = 2 * shared + 2 * own + context
        self.bars = nn.ModuleList(
            BarNetwork(size, inputs, count if is_composer else 1, size.given_track >= 0)
            for _ in range(generators)
        )
        self.prior = LatentPrior(size)
        self.given = BarEncoder(size, 1) if size.given_track >= 0 else None
        if size.previous_bars:
            self.before = BarEncoder(size, size.tracks)
            seen = _SKIP_CHANNELS * FIRST_STEPS * size.previous_bars
            self.context = nn.Linear(seen, context)

    def encode_given(self, roll: Tensor) -> list[Tensor]:
        """Describe the given track's bars, (n, bars, steps, pitches): features of n * bars bars."""
        assert self.given is not None
        return [*self.given(roll.flatten(0, 1)[..., None])]

    def encode_before(self, rolls: Tensor) -> Tensor:
        """Describe the bars before, (n, tracks, previous_bars, steps, pitches): (n, context)."""
        bars = rolls.permute(0, 2, 3, 4, 1).flatten(0, 1)
        coarsest = self.before(bars)[0]
        return torch.tanh(self.context(coarsest.reshape(rolls.shape[0], -1)))

    def forward(
        self,
        latents: dict[str, Tensor],
        given: list[Tensor] | None = None,
        context: Tensor | None = None,
    ) -> Tensor:
        """Play phrases.

        Parameters
        ----------
        latents
            By `MuseSize.latents`; float32, (n, ...), standard normal.
        given, context
            Of `encode_given` and `encode_before`, where the size asks for them.

        Returns
        -------
        Tensor
            Logits, float32, (n, played tracks, bars, steps, classes).
        """
        size = self.size
        n = next(iter(latents.values())).shape[0]
        shared: list[Tensor] = []
        if self.shared_time is not None:
            song = latents["z_song"][:, None].expand(-1, size.bars, -1)
            shared = [song, self.shared_time(latents["z_time"])]
        if context is not None:
            shared.append(context[:, None].expand(n, size.bars, context.shape[1]))
        tracks = []
        for index, generator in enumerate(self.bars):
            parts = list(shared)
            if len(self.own_time):
                own = latents["z_track"][:, index, None].expand(-1, size.bars, -1)
                parts += [own, self.own_time[index](latents["z_track_time"][:, index])]
            z = torch.cat(parts, dim=2).flatten(0, 1)
            logits = generator(z, given)  # (n * bars, tracks, steps, classes)
            tracks.append(logits.reshape(n, size.bars, *logits.shape[1:]).transpose(1, 2))
        return torch.cat(tracks, dim=1)


def _join(x: Tensor, skips: list[Tensor] | None, level: int) -> Tensor:
    return x if skips is None else torch.cat([x, skips[level]], dim=3)
