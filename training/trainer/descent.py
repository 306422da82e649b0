"""A step down a loss: what every system does between its loss and its next batch.

In: an optimiser and a loss. Out: moved weights, the same in all processes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.trainer.distributed import average_gradients


def descend(
    optimizer: torch.optim.Optimizer,
    loss: Tensor,
    learning_rate: float | None = None,
    most_norm: float | None = None,
) -> Tensor:
    """Move an optimiser's weights one step down a loss, by the mean gradient of all processes.

    Parameters
    ----------
    optimizer
        Its weights' gradients are forgotten first; others', which the loss reaches too, grow.
    loss
        Of this process's batch, shape ().
    learning_rate
        Of this step, in all its groups; None leaves each as it is.
    most_norm
        Longer gradients are shortened to this Euclidean norm; None leaves them.

    Returns
    -------
    Tensor
        The gradient's norm before it was shortened, shape (); 0 without `most_norm`.
    """
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    return take_step(optimizer, learning_rate, most_norm)


def take_step(
    optimizer: torch.optim.Optimizer,
    learning_rate: float | None = None,
    most_norm: float | None = None,
) -> Tensor:
    """Do what `descend` does once the gradients are there; arguments as there."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    average_gradients(weights)
    norm = torch.zeros(())
    if most_norm is not None:
        norm = nn.utils.clip_grad_norm_(weights, most_norm)
    for group in optimizer.param_groups:
        if learning_rate is not None:
            group["lr"] = learning_rate
    optimizer.step()
    return norm
