"""What the training loop and the systems that it trains know of each other.

A `System` says what can be trained; its `Learner` takes steps, each at a `RunPosition`, and learns
from `Material`. `training.trainer.trainer` is the loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from training.pictures.samples import Samples
from training.trainer.distributed import processes

_LOWEST_RATE = 0.01


@dataclass(frozen=True, slots=True)
class RunPosition:
    """Where a run is.

    Attributes
    ----------
    step
        Steps taken before this one.
    fraction
        From 0 to 1: by the clock if the run has a time limit, else by steps.
    random
        A function of the run's seed, the step and the process: batches are drawn from it.
    process, processes
        Which one of how many; each draws its own batch.
    seed
        A function of the run's seed and the step, the same in all processes: for those that share
        one batch.
    run_seed
        The run's.
    """

    step: int
    fraction: float
    random: np.random.Generator
    process: int
    processes: int
    seed: int = 0
    run_seed: int = 0

    def random_of(self, step: int) -> np.random.Generator:
        """Return `random` of any step: to make its batch ahead."""
        return np.random.default_rng((self.run_seed, step, self.process))


class Learner(Protocol):
    """One system in training; its draws come from the `RunPosition` or torch's generator."""

    networks: dict[str, nn.Module]  #: everything with weights to save, averages included
    optimizers: dict[str, torch.optim.Optimizer]

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Take one step of the optimisers; return detached losses, "loss" among them."""
        ...

    def validate(self) -> dict[str, float]:
        """Measure the validation split; a "loss" among the figures decides which is best."""
        ...

    def samples(self) -> Samples:
        """Generate a few things to hear and see."""
        ...


def rate(at: RunPosition, warm_up_steps: int = 200) -> float:
    """Return the learning rate's factor: a short warm-up, then a cosine down to a hundredth.

    Parameters
    ----------
    warm_up_steps
        After which it is whole.
    """
    cosine = 0.5 * (1.0 + math.cos(math.pi * at.fraction))
    warm = min(1.0, (at.step + 1) / max(1, warm_up_steps))
    return warm * (_LOWEST_RATE + (1.0 - _LOWEST_RATE) * cosine)


class Material(Protocol):
    """What a run learns from: a `Corpus` of music or a `WaveSet`."""

    @property
    def name(self) -> str:
        """What ``--data`` calls it."""
        ...

    @property
    def sha256(self) -> str:
        """Of all of it: a run remembers what it learned from."""
        ...

    @property
    def source(self) -> str:
        """Where it comes from."""
        ...

    @property
    def notice(self) -> str:
        """The terms that go with it."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """How a system is trained whose runs are counted in images.

    Attributes
    ----------
    batch
        Images that each process learns from in a step.
    images
        Of the whole course: how long a run is where nobody says.
    """

    batch: int
    images: int

    def steps(self, images: int) -> int:
        """Return the steps of all processes together that take so many images."""
        count: int = processes().num_processes
        return math.ceil(images / (self.batch * count))

    def unfinished(self, steps: int, count: int) -> str:
        """Say how far a run of `steps` in `count` processes is from the whole course's end.

        Empty if it has reached it: networks that grow have grown then.
        """
        seen = steps * self.batch * count
        if seen >= self.images:
            return ""
        return f"{seen:,} of the recipe's {self.images:,} images"


Config = TypeVar("Config")
Data = TypeVar("Data", bound=Material)


@dataclass(frozen=True, slots=True)
class System(Generic[Config, Data]):
    """Something that ``latentkeys train`` can train.

    Attributes
    ----------
    name
        The word after ``train``.
    what
        One line of help.
    config
        The frozen dataclass of its options.
    recipes
        Settings by name, the default first; "tiny" goes through every step in seconds.
    data
        Names of the material that suits it, the default first.
    open_data
        Opens material by name or folder.
    open
        Makes the learner on a device; weights come from torch's global generator.
    course
        Of a recipe, where runs are counted in images.
    usual_steps
        Of a recipe: how long a run is where nobody says, if not an hour.
    gpu_recipe
        The default on a GPU, if it is another.
    """

    name: str
    what: str
    config: type[Config]
    recipes: Mapping[str, Config]
    data: tuple[str, ...]
    open_data: Callable[[str], Data]
    open: Callable[[Config, Data, torch.device], Learner]
    course: Callable[[Config], Course] | None = None
    usual_steps: Callable[[Config], int] | None = None
    gpu_recipe: str = ""
