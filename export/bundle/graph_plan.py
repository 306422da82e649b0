"""A graph to export: its module, example inputs, and what every tensor means.

In: a torch module of any model. Out: what is exported of it, and its entry on the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from instrument.bundle.card import Dimension, Graph
from instrument.bundle.card import Tensor as CardTensor
from instrument.bundle.recurrent_graph import IN, OUT

_DTYPES: dict[torch.dtype, Any] = {torch.float32: "float32", torch.int64: "int64"}


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """A graph to export.

    Attributes
    ----------
    module
        In eval mode; takes `inputs` in order and returns `output_axes` in order.
    inputs
        Examples by name; ``NAME_in`` is memory, which comes back as the output ``NAME_out``.
    input_axes, output_axes
        The meaning of every axis.
    limits
        Lowest and highest value of inputs that cannot be any number; ids need them.
    choices
        Outputs over whose last axis an index is chosen: the index must be torch's too.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    input_axes: dict[str, tuple[str, ...]]
    output_axes: dict[str, tuple[str, ...]]
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    choices: tuple[str, ...] = ()

    @property
    def memories(self) -> list[str]:
        """The names of the inputs that are memory."""
        kept = set(self.output_axes)
        return [n for n in self.inputs if n.endswith(IN) and n.removesuffix(IN) + OUT in kept]

    def run(self, inputs: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Run the module in torch, on the examples when nothing is given; outputs by name.

        Parameters
        ----------
        inputs
            By name, of the shapes of the examples, which are taken when not given.
        """
        given = self.inputs if inputs is None else inputs
        with torch.no_grad():
            outputs = self.module(*(given[name] for name in self.inputs))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return dict(zip(self.output_axes, outputs, strict=True))

    def on_card(self, file: str) -> Graph:
        """Describe the graph as a card does; shapes are found without computing anything.

        Parameters
        ----------
        file
            The graph's name in the bundle.
        """
        with FakeTensorMode(allow_non_fake_inputs=True):
            outputs = self.run()
        return Graph(
            file,
            inputs=_described(self.inputs, self.input_axes, self.limits),
            outputs=_described(outputs, self.output_axes, {}),
        )


def _described(
    tensors: Mapping[str, Tensor],
    axes: Mapping[str, tuple[str, ...]],
    limits: Mapping[str, tuple[float, float]],
) -> tuple[CardTensor, ...]:
    return tuple(
        CardTensor(
            name,
            _DTYPES[tensor.dtype],
            tuple(Dimension(*axis) for axis in zip(axes[name], tensor.shape, strict=True)),
            limits.get(name, ()),
        )
        for name, tensor in tensors.items()
    )
