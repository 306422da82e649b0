"""Runs of a system that are cut off and go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from training.trainer.run_card import Length
from training.trainer.system import System
from training.trainer.trainer import Run, new_run, resumed_run

CPU = torch.device("cpu")


def losses_whole_and_cut(
    system: System[Any, Any], data: Any, length: Length, folder: Path
) -> tuple[float, float]:
    """Return what a tiny run has come to, in one go and cut off after five steps."""
    whole, cut = (_loss(system, data, length, folder / str(stop), stop) for stop in (99, 5))
    return whole, cut


def _loss(system: System[Any, Any], data: Any, length: Length, folder: Path, stop: int) -> float:
    _train(new_run(system, "tiny", data, length, folder, CPU), stop)
    run = resumed_run(system, data, folder, CPU, None)
    _train(run, 99)
    return float(run.learner.validate()["loss"])


def _train(run: Run, steps: int) -> None:
    run.run(lambda *_: None, lambda: run.card.step >= steps)
