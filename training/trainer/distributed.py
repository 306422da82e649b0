"""Several processes that train one model: each learns from its own batch, gradients are averaged.

``accelerate launch --num_processes N -m instrument train …`` starts them on GPUs or machines,
``torchrun --nproc-per-node N -m instrument train …`` on CPUs; without either there is one.
Gradients are averaged by hand instead of wrapping networks: a critic's gradient penalty
differentiates through its own backward pass, which wrapped modules do not allow.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
import torch.distributed.nn  # before there is a group: its functions keep the one they find
from accelerate import PartialState
from accelerate.utils import broadcast, reduce
from torch import Tensor, nn


@cache
def processes() -> PartialState:
    """Join the other processes, once; alone when nobody launched any."""
    state = PartialState(cpu=not torch.cuda.is_available())
    if torch.distributed.is_initialized():
        # What is left open has threads that may abort the process as the interpreter goes.
        atexit.register(torch.distributed.destroy_process_group)
    return state


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over all processes; call between backward and step.

    Parameters
    ----------
    parameters
        In the same order in every process; those without a gradient are left out.
    """
    if processes().num_processes == 1:
        return
    with_gradient = [p for p in parameters if p.grad is not None]
    flat = torch.cat([p.grad.flatten() for p in with_gradient if p.grad is not None])
    mean = reduce(flat, "mean")
    for parameter, part in zip(
        with_gradient, mean.split([p.numel() for p in with_gradient]), strict=True
    ):
        parameter.grad = part.view_as(parameter)


def mean_over_processes(x: Tensor) -> Tensor:
    """Return the mean of equally large tensors, with derivatives of any order.

    Every process must call it, and its backward pass, as often as the others. Gradients of all
    processes' losses flow through it: averaged afterwards, they are those of one process with the
    whole batch.

    Parameters
    ----------
    x
        Of the same shape in every process.
    """
    count = torch.distributed.get_world_size()
    mean: Tensor = _Sum.apply(x) / count  # type: ignore[no-untyped-call]
    return mean


class _Sum(torch.autograd.Function):
    """A sum over processes; so is its derivative."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(gradients[0])  # type: ignore[no-untyped-call]
        return total


def agree(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return the first process's values in all of them: the clock, and whether to stop."""
    if processes().num_processes == 1:
        return values
    shared: Tensor = broadcast(torch.tensor(values, dtype=torch.float64))
    return tuple(shared.tolist())
