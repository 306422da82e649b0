"""Several processes that train one model: each learns from its own batch, gradients are averaged.

``accelerate launch --num_processes N -m instrument train …`` starts them on GPUs or machines,
``torchrun --nproc-per-node N -m instrument train …`` on CPUs; without either there is one.
Gradients are averaged by hand instead of wrapping networks: a critic's gradient penalty
differentiates through its own backward pass, which wrapped modules do not allow.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import torch
from accelerate import PartialState
from accelerate.utils import broadcast, reduce
from torch import Tensor, nn


@cache
def processes() -> PartialState:
    """Join the other processes, once; alone when nobody launched any."""
    return PartialState(cpu=not torch.cuda.is_available())


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over all processes; call between backward and step."""
    if processes().num_processes == 1:
        return
    with_gradient = [p for p in parameters if p.grad is not None]
    flat = torch.cat([p.grad.flatten() for p in with_gradient if p.grad is not None])
    mean = reduce(flat, "mean")
    for parameter, part in zip(
        with_gradient, mean.split([p.numel() for p in with_gradient]), strict=True
    ):
        parameter.grad = part.view_as(parameter)


def agree(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return the first process's values in all of them: the clock, and whether to stop."""
    if processes().num_processes == 1:
        return values
    shared: Tensor = broadcast(torch.tensor(values, dtype=torch.float64))
    return tuple(shared.tolist())
