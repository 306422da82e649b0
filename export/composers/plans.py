"""What a composer's bundle contains: its graphs, and what its card says.

In: a trained learner. Out: a `ComposerPlan`. `plan_composer` knows which function makes it for each
system; each of them lives in the file of its system, beside nothing else of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from instrument.bundle.card import Dimension
from instrument.bundle.card import Tensor as CardTensor
from instrument.bundle.recurrent_graph import IN, OUT
from instrument.errors import SettingError
from training.trainer.system import Learner

_DTYPES = {"torch.float32": "float32", "torch.int64": "int64"}


@dataclass(frozen=True, slots=True)
class ComposerGraph:
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


@dataclass(frozen=True, slots=True)
class ComposerPlan:
    """A composer to export.

    Attributes
    ----------
    kind
        Which host plays it, see `instrument.composers.registry.COMPOSERS`.
    description
        One or two sentences for the card.
    networks
        Whose matrices are rounded to float16 before the graphs are exported.
    graphs
        By name.
    pitch_range, steps_per_beat, voices, bars, conditions, constants, vocabulary, tables
        As on the card, `instrument.bundle.card.ComposerCard`.
    """

    kind: str
    description: str
    networks: tuple[nn.Module, ...]
    graphs: dict[str, ComposerGraph]
    pitch_range: tuple[int, int]
    steps_per_beat: int
    voices: tuple[str, ...]
    bars: int = 0
    conditions: tuple[str, ...] = ()
    constants: dict[str, float] = field(default_factory=dict)
    vocabulary: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tables: dict[str, tuple[float, ...]] = field(default_factory=dict)


def card_tensors(
    tensors: dict[str, Tensor],
    axes: dict[str, tuple[str, ...]],
    limits: dict[str, tuple[float, float]],
) -> tuple[CardTensor, ...]:
    """Describe tensors as a card does."""
    described = []
    for name, tensor in tensors.items():
        dims = tuple(Dimension(*axis) for axis in zip(axes[name], tensor.shape, strict=True))
        dtype: Any = _DTYPES[str(tensor.dtype)]
        described.append(CardTensor(name, dtype, dims, limits.get(name, ())))
    return tuple(described)


Planner = Callable[[Any], ComposerPlan]


def plan_composer(system: str, learner: Learner) -> ComposerPlan:
    """Make the plan of a system's learner.

    Raises
    ------
    SettingError
        The system is one that is only compared with others and has no host.
    """
    from export.composers import chorale_lstm as chorale_lstm_plan
    from export.composers import crnngan as tone_plans
    from export.composers import musegan as musegan_plan
    from export.composers import note_lstm as note_lstm_plan
    from export.composers import symbol_lstm as symbol_plans

    planners: dict[str, Planner] = {
        "note-lstm": note_lstm_plan.plan_note_lstm,
        "chorale-lstm": chorale_lstm_plan.plan_chorale_lstm,
        "attention-lstm": symbol_plans.plan_attention,
        "stacked-lstm": symbol_plans.plan_stacked,
        "crnngan": tone_plans.plan_crnngan,
        "crnngan-simple": tone_plans.plan_crnngan_simple,
        "musegan": musegan_plan.plan_musegan,
    }
    if system not in planners:
        raise SettingError(
            f"a run of {system} cannot be exported: nothing plays it without torch",
            f"These can: {', '.join(planners)}.",
        )
    return planners[system](learner)
