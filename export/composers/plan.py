"""What a composer's bundle contains: its graphs, and what its card says."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from export.bundle.graph_plan import GraphPlan


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
    graphs: dict[str, GraphPlan]
    pitch_range: tuple[int, int]
    steps_per_beat: int
    voices: tuple[str, ...]
    bars: int = 0
    conditions: tuple[str, ...] = ()
    constants: dict[str, float] = field(default_factory=dict)
    vocabulary: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tables: dict[str, tuple[float, ...]] = field(default_factory=dict)
