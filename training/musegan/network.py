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

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Mode = Literal["jamming", "composer", "hybrid"]
Head = Literal["categorical", "threshold", "bernoulli", "binary"]

OCTAVE = 12
_FIRST_STEPS = 2
_SKIP_CHANNELS = 16
_PRIOR_RATE = 0.005
_PRIOR_ORDER = ("z_song", "z_track", "z_time", "z_track_time")


@dataclass(frozen=True, slots=True)
class MuseSize:
    """What is played, and how wide the networks are.

    Attributes
    ----------
    mode
        See above.
    head
        "categorical": rest, hold or pitch for voices of one note at a time. Else a piano roll:
        "threshold" at 0 of a tanh, "bernoulli" draws, or deterministic "binary" neurons.
    tracks, bars, steps, pitches
        Of a phrase; steps in a bar, pitches a multiple of 12.
    lowest_pitch
        MIDI number of the first pitch.
    latent_size, shared_size
        Numbers in each latent of a track, and in each that all tracks share; 0 for as many.
    first_width, widths, pitch_width
        Channels of the bar generator's dense layer, of its doublings of time, of its octaves.
    temporal_width
        Channels inside a temporal network.
    given_track
        The track that is given and accompanied; none when -1.
    previous_bars
        How many bars before are given.
    in_one_scale
        Learn and play in C major and its modes alone; hosts transpose.
    spread
        How much wider than an encoder's latents random ones are drawn. Near their mean, voices do
        the average of everything that they could do: long notes, few pitches.
    """

    mode: Mode = "hybrid"
    head: Head = "categorical"
    tracks: int = 4
    bars: int = 4
    steps: int = 16
    pitches: int = 48
    lowest_pitch: int = 36
    latent_size: int = 16
    shared_size: int = 0
    first_width: int = 512
    widths: tuple[int, ...] = (96, 64, 64)
    pitch_width: int = 32
    temporal_width: int = 64
    given_track: int = -1
    previous_bars: int = 0
    in_one_scale: bool = False
    spread: float = 1.5

    @property
    def classes(self) -> int:
        """What a categorical head chooses from: rest, hold, and the pitches."""
        return self.pitches + 2 if self.head == "categorical" else self.pitches

    @property
    def played(self) -> tuple[int, ...]:
        """The tracks that are generated."""
        return tuple(track for track in range(self.tracks) if track != self.given_track)

    @property
    def latents(self) -> dict[str, tuple[int, ...]]:
        """The latents of this mode by name, with their shapes without the batch."""
        numbers = self.shared_size or self.latent_size
        shared = {"z_song": (numbers,), "z_time": (numbers,)}
        own_shape = (len(self.played), self.latent_size)
        own = {"z_track": own_shape, "z_track_time": own_shape}
        return {
            **(shared if self.mode != "jamming" else {}),
            **(own if self.mode != "composer" else {}),
        }

    @property
    def doublings(self) -> tuple[int, ...]:
        """The factors by which time grows, from two steps to a whole bar."""
        left, factors = self.steps // _FIRST_STEPS, []
        for factor in (2, 3, 5, 7):
            while left % factor == 0 and left > 1:
                factors.append(factor)
                left //= factor
        assert left == 1 and self.steps % _FIRST_STEPS == 0, "a bar needs 2, 3, 5, 7 as factors"
        return tuple(factors)

    @property
    def octaves(self) -> int:
        """How many octaves the pitches span."""
        assert self.pitches % OCTAVE == 0
        return self.pitches // OCTAVE

    def width(self, level: int) -> int:
        """Return the channels after a doubling; the last width goes on."""
        return self.widths[min(level, len(self.widths) - 1)]


class Grow(nn.Module):
    """A transposed convolution whose kernel is as long as its stride, along one axis.

    Nothing overlaps, so it is one matrix product: on a CPU several times faster than the general
    operator, and its second derivative too.

    Parameters
    ----------
    inputs, outputs
        Channels, which are the last axis.
    factor
        By which the axis becomes longer.
    axis
        1 for time, 2 for pitch, of (n, steps, pitches, channels).
    """

    def __init__(self, inputs: int, outputs: int, factor: int, axis: int) -> None:
        super().__init__()
        self.factor, self.axis, self.outputs = factor, axis, outputs
        bound = 1.0 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(factor * outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, steps, pitches, inputs) to the longer array with `outputs` channels."""
        n, steps, pitches, _ = x.shape
        y = F.linear(x, self.weight).view(n, steps, pitches, self.factor, self.outputs)
        if self.axis == 1:
            y = y.transpose(2, 3).reshape(n, steps * self.factor, pitches, self.outputs)
        else:
            y = y.reshape(n, steps, pitches * self.factor, self.outputs)
        return y + self.bias


class Shrink(nn.Module):
    """A convolution whose kernel is as long as its stride: the opposite of `Grow`."""

    def __init__(self, inputs: int, outputs: int, factor: int, axis: int) -> None:
        super().__init__()
        self.factor, self.axis = factor, axis
        self.linear = nn.Linear(factor * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, steps, pitches, inputs) to the shorter array."""
        n, steps, pitches, inputs = x.shape
        if self.axis == 1:
            x = x.view(n, steps // self.factor, self.factor, pitches, inputs).transpose(2, 3)
            x = x.reshape(n, steps // self.factor, pitches, self.factor * inputs)
        else:
            x = x.reshape(n, steps, pitches // self.factor, self.factor * inputs)
        y: Tensor = self.linear(x)
        return y


class ChannelNorm(nn.BatchNorm1d):
    """Batch norm of the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (..., channels)."""
        return super().forward(x.reshape(-1, x.shape[-1])).view(x.shape)


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


class LatentPrior(nn.Module):
    """Turn standard normal noise into latents as the encoder finds them: their mean and covariance.

    An autoencoder's latents are only nearly standard normal; a generator that is fed what it was
    taught with plays better (Ghosh et al., From variational to deterministic autoencoders, 2020,
    section 4.2). The covariance's factor is triangular: `z_song` comes from its own noise alone,
    `z_track` from those two, then `z_time` and `z_track_time`. Without an encoder the latents stay
    standard normal.
    """

    mean: Tensor
    covariance: Tensor

    def __init__(self, size: MuseSize) -> None:
        super().__init__()
        self.spread = size.spread
        self.shapes = {n: size.latents[n] for n in _PRIOR_ORDER if n in size.latents}
        count = sum(math.prod(shape) for shape in self.shapes.values())
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("covariance", torch.eye(count))

    @torch.no_grad()
    def learn(self, latents: dict[str, Tensor]) -> None:
        """Move towards the mean and covariance of a batch."""
        flat = self.flat(latents)
        away = flat - self.mean
        self.mean.lerp_(flat.mean(dim=0), _PRIOR_RATE)
        self.covariance.lerp_(away.T @ away / len(flat), _PRIOR_RATE)

    def factor(self) -> Tensor:
        """Return the lower triangular factor of the covariance, widened."""
        ridge = 1e-3 * torch.eye(len(self.mean), device=self.mean.device)
        factor: Tensor = torch.linalg.cholesky(self.covariance + ridge)
        return self.spread * factor

    def flat(self, latents: dict[str, Tensor]) -> Tensor:
        """Put latents beside each other, (n, numbers)."""
        return torch.cat([latents[name].flatten(1) for name in self.shapes], dim=1)

    def forward(self, noise: dict[str, Tensor], factor: Tensor | None = None) -> dict[str, Tensor]:
        """Map standard normal noise to latents, both by name; `factor` when it is known."""
        triangle = self.factor() if factor is None else factor
        flat = self.mean + self.flat(noise) @ triangle.T
        parts = torch.split(flat, [math.prod(shape) for shape in self.shapes.values()], dim=1)
        return {
            name: part.reshape(-1, *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }


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
        first = size.first_width // _FIRST_STEPS
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
        x = x.view(z.shape[0], _FIRST_STEPS, 1, -1)
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
            seen = _SKIP_CHANNELS * _FIRST_STEPS * size.previous_bars
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
