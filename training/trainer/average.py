"""The running mean of a network's weights: what is measured, played and exported.

The last weights of a training are noisy, and those of a game as good as chance; their exponential
mean is better than either (Karras et al., ICLR 2018, section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import PARAM_LIST, AveragedModel, get_ema_multi_avg_fn

Network = TypeVar("Network", bound=nn.Module)

_LONG_AGO = 10**6


class WeightAverage(AveragedModel, Generic[Network]):
    """A network's mean, `module`, in evaluation mode; call `update_parameters` after each step.

    The first update takes the weights as they are.

    Parameters
    ----------
    network
        Is copied, on its device.
    decay
        What is left of the mean at each update.
    early
        (a, b): the n-th update, from 0, leaves at most (a + n) / (b + n), so that the first
        weights do not linger.
    use_buffers
        Take the mean of buffers too; otherwise they are the network's.
    """

    module: Network

    def __init__(
        self,
        network: Network,
        decay: float,
        early: tuple[int, int] | None = None,
        use_buffers: bool = False,
    ) -> None:
        def follow(mean: PARAM_LIST, new: PARAM_LIST, updates: Tensor | int) -> None:
            left = decay
            if early:
                left = min(decay, (early[0] + int(updates)) / (early[1] + int(updates)))
            get_ema_multi_avg_fn(left)(mean, new, updates)

        super().__init__(network, multi_avg_fn=follow, use_buffers=use_buffers)
        self.module.eval().requires_grad_(False)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Go back to a saved mean; those that earlier versions saved bare are long past `early`."""
        if "n_averaged" not in state_dict:
            bare = {f"module.{name}": value for name, value in state_dict.items()}
            state_dict = bare | {"n_averaged": torch.tensor(_LONG_AGO)}
        return super().load_state_dict(state_dict, strict, assign)


def mean_weights(saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a saved `WeightAverage`, or of a bare network, by their own names."""
    return {n.removeprefix("module."): value for n, value in saved.items() if n != "n_averaged"}
