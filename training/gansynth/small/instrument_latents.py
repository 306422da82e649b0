"""Where instruments lie in a generator's latent space, and what lies between them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_SHARPNESS, _MOST_TOGETHER, _LEAST_SHARE = 12.0, 3, 0.02


class Instruments(nn.Module):
    """The instruments' directions in latent space, at right angles to each other.

    Parameters
    ----------
    count, latent_size
        Of more instruments than the latent has values, directions are random: nearly at right
        angles, as long as the latent is long.
    """

    directions: Tensor
    position: Tensor  #: how far the generator has grown, kept here so that a run can go on

    def __init__(self, count: int, latent_size: int) -> None:
        super().__init__()
        directions = torch.randn(latent_size, count)
        if count <= latent_size:
            directions = torch.linalg.qr(directions).Q.T
        else:
            directions = (directions / directions.norm(dim=0)).T
        self.register_buffer("directions", directions.contiguous())
        self.register_buffer("position", torch.zeros(()))

    def latents(self) -> Tensor:
        """Return each instrument's own latent, (count, latent_size), as long as a random one."""
        return self.directions * math.sqrt(self.directions.shape[1])

    def shares(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Say what a latent is made of.

        Parameters
        ----------
        z
            float32, (n, latent_size).

        Returns
        -------
        Tensor
            int64, (n, 3): the instruments nearest to it.
        Tensor
            float32, (n, 3): their shares, which add up to 1; small ones are 0.
        """
        most = min(_MOST_TOGETHER, len(self.directions))
        along, which = (z @ self.directions.T).topk(most, dim=1)
        share = (along.clamp(min=1e-3) / along[:, :1].clamp(min=1e-3)) ** _SHARPNESS
        share = share * (share >= _LEAST_SHARE)
        return which, share / share.sum(dim=1, keepdim=True)
