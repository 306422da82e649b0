"""What a run says of itself, and its weights: read by whoever goes on, evaluates or exports.

In: a run's folder. Out: its card, its checkpoint's state, a learner with its best weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from instrument.errors import FileError, first_line
from instrument.schema import NO_JSON
from training.trainer.average import WeightAverage, mean_weights
from training.trainer.checkpoint import (
    CHECKPOINT,
    read_checkpoint,
    refuse_other_system,
)
from training.trainer.system import Learner, Material, System

BEST = "best.pt"
"""The checkpoint with the lowest validation loss; systems without one only have the last."""


@dataclass(frozen=True, slots=True)
class Length:
    """When a run ends, and the seed of everything random: `minutes` by the clock, or `steps`."""

    steps: int
    minutes: float
    seed: int


@dataclass(frozen=True, slots=True)
class RunCard:
    """What a run is, for cards and listings.

    Attributes
    ----------
    system, recipe, config
        What was trained.
    corpus, corpus_sha256, source, notice
        The material that it learned from, be it a corpus or not, and the terms of that.
    length
        The run's end and seed.
    step, seconds, processes, hardware
        How far it is, and on what.
    validation
        The last figures; ``best.pt`` has those of its own step.
    """

    system: str
    recipe: str
    config: dict[str, Any]
    corpus: str
    corpus_sha256: str
    source: str
    notice: str
    length: Length
    step: int
    seconds: float
    processes: int
    hardware: str
    validation: dict[str, float]


def read_run(
    folder: Path, system: str | None = None, name: str = CHECKPOINT
) -> tuple[RunCard, dict[str, Any]]:
    """Read a run's card and state; `system` refuses any other.

    Raises
    ------
    FileError
        See `training.trainer.checkpoint.read_checkpoint`.
    """
    found, summary, state = read_checkpoint(folder, name)
    if system:
        refuse_other_system(folder, system, found)
    return decode_card(folder, summary), state


def decode_card(folder: Path, summary: str) -> RunCard:
    """Read a checkpoint's summary.

    Raises
    ------
    FileError
        Another version wrote it.
    """
    try:
        return msgspec.json.decode(summary, type=RunCard)
    except NO_JSON as reason:
        raise FileError(
            f"{folder} is a run of another version of latentkeys: {reason}",
            "Begin a new run; a voice may still be evaluated and exported.",
        ) from reason


def load_learner(folder: Path, system: System[Any, Any], data: Material) -> tuple[RunCard, Learner]:
    """Open a run's best weights on the CPU, to evaluate or export; the last where none is best.

    Raises
    ------
    FileError
        See `read_run`.
    """
    card, state = read_run(folder, system.name, BEST if (folder / BEST).is_file() else CHECKPOINT)
    config = msgspec.convert(card.config, system.config)
    learner = system.open(config, data, torch.device("cpu"))
    load_networks(learner.networks, state)
    for network in learner.networks.values():
        network.eval().requires_grad_(False)
    return card, learner


def load_networks(networks: Mapping[str, nn.Module], state: dict[str, Any]) -> None:
    """Put a checkpoint's weights into networks, by name; of an average, into a bare network too.

    Raises
    ------
    FileError
        They do not fit.
    """
    for name, network in networks.items():
        try:
            saved = state["networks"][name]
            is_average = isinstance(network, WeightAverage)
            network.load_state_dict(saved if is_average else mean_weights(saved))
        except (KeyError, RuntimeError) as reason:
            raise FileError(
                f"the run's weights do not fit its network: {first_line(reason)}",
                "It was trained with another version of this system: train it again.",
            ) from reason
