"""Where MuseGAN's random latents come from: noise, shaped as the encoder's latents lie."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.musegan.size import MuseSize

_PRIOR_RATE = 0.005


_PRIOR_ORDER = ("z_song", "z_track", "z_time", "z_track_time")


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
