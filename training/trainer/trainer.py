"""Train any system: one loop, from the first step to the last checkpoint.

In: a `System` with a recipe, its material (a corpus of music, a set of waves), and a run folder.
Out: a checkpoint every few minutes, the best one by the validation loss, losses and pictures as
TensorBoard logs and as PNG files, samples to hear, and the same result to the bit whether or not
the run was interrupted (with a fixed number of steps, on the same machine and number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from instrument.errors import SettingError
from training.pictures.losses import LossTable
from training.trainer.checkpoint import write_checkpoint
from training.trainer.distributed import agree, processes
from training.trainer.hardware import describe_hardware, keep_memory
from training.trainer.run_card import BEST, Length, RunCard, load_networks, read_run
from training.trainer.system import Learner, Material, RunPosition, System

_SOONEST_CHECKPOINT, _LATEST_CHECKPOINT = 60.0, 240.0
_SAVING_SHARE = 0.02  # of the run's time, where that is not too rare
_LOG_STEPS, _REPORT_SECONDS = 20, 5.0
_CHECKS, _SAMPLINGS = 40, 8

Report = Callable[[RunCard, float, dict[str, float]], None]
"""Told the card, the fraction that is done, and the last step's losses."""


class Run:
    """A training that can stop after any step and go on from its checkpoint.

    Parameters
    ----------
    system
        What is trained.
    card
        A fresh one (`new_run`) or a checkpoint's (`resumed_run`).
    learner
        Its networks, on their device, with the card's weights.
    folder
        The run's folder.
    """

    def __init__(
        self, system: System[Any, Any], card: RunCard, learner: Learner, folder: Path
    ) -> None:
        self.system, self.card, self.learner, self.folder = system, card, learner, folder
        self._best, self._reported = math.inf, card.seconds

    @property
    def fraction(self) -> float:
        """How much of the run is done."""
        length = self.card.length
        if length.minutes:
            return min(self.card.seconds / (60.0 * length.minutes), 1.0)
        return min(self.card.step / length.steps, 1.0)

    def run(self, report: Report, should_stop: Callable[[], bool]) -> bool:
        """Train until done or told to stop; save; return whether the run is complete.

        Parameters
        ----------
        report
            Told where the run is, every few steps and every few seconds.
        should_stop
            Asked after every step.
        """
        keep_memory()
        stop, is_first = False, processes().is_main_process
        mark = saved = time.monotonic()
        pause = _SOONEST_CHECKPOINT
        writer = SummaryWriter(self.folder / "tensorboard", purge_step=self.card.step)
        table = LossTable(self.folder, self.card.step)
        try:
            while self.fraction < 1.0 and not stop:
                before, losses, now = self.fraction, self._step(), time.monotonic()
                seconds, asked = agree((self.card.seconds + now - mark, float(should_stop())))
                mark, stop = now, bool(asked)
                self.card = replace(self.card, step=self.card.step + 1, seconds=seconds)
                if is_first:
                    self._look(writer, table, losses, before, report)
                if is_first and now - saved > pause:
                    self.save()
                    saved = time.monotonic()
                    pause = _pause_after(saved - now)
        finally:
            writer.close()
        if is_first:
            self.save()
        return self.fraction >= 1.0

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "networks": {n: net.state_dict() for n, net in self.learner.networks.items()},
            "optimizers": {n: o.state_dict() for n, o in self.learner.optimizers.items()},
            "best": self._best,
        }
        write_checkpoint(self.folder, self.system.name, self.card, state)

    def restore(self, state: dict[str, Any]) -> None:
        """Put a checkpoint's weights and optimisers in place."""
        load_networks(self.learner.networks, state)
        for name, optimizer in self.learner.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self._best = state["best"]

    def _step(self) -> dict[str, Tensor]:
        at, seed = self._moment()
        torch.manual_seed(seed)
        losses = self.learner.step(at)
        if at.step % _LOG_STEPS == 0 and not torch.isfinite(losses["loss"]):
            raise SettingError(
                f"training has diverged: the loss at step {at.step} is not finite",
                f"{self.folder} still has a good checkpoint; go on from it with --resume.",
            )
        return losses

    def _moment(self) -> tuple[RunPosition, int]:
        rank, count = processes().process_index, processes().num_processes
        seeds = np.random.SeedSequence((self.card.length.seed, self.card.step, rank))
        random = np.random.default_rng(seeds)
        shared = np.random.SeedSequence((self.card.length.seed, self.card.step))
        seed = int(shared.generate_state(1, np.uint64)[0])
        run_seed = self.card.length.seed
        at = RunPosition(self.card.step, self.fraction, random, rank, count, seed, run_seed)
        return at, int(seeds.generate_state(1, np.uint64)[0] >> 1)

    def _look(
        self,
        writer: SummaryWriter,
        table: LossTable,
        losses: dict[str, Tensor],
        before: float,
        report: Report,
    ) -> None:
        """Log, and from time to time validate and write samples."""
        step = self.card.step
        is_due = self.card.seconds - self._reported > _REPORT_SECONDS
        if step % _LOG_STEPS == 0 or is_due:
            figures = {name: float(value) for name, value in losses.items()}
            for name, figure in figures.items():
                writer.add_scalar(f"train/{name}", figure, step)
            table.add(step, figures)
            report(self.card, self.fraction, figures)
            self._reported = self.card.seconds
        if _crosses(before, self.fraction, _CHECKS):
            self._validate(writer, table)
        if _crosses(before, self.fraction, _SAMPLINGS):
            self._write_samples(writer)
            table.draw()

    def _validate(self, writer: SummaryWriter, table: LossTable) -> None:
        figures = self.learner.validate()
        self.card = replace(self.card, validation=figures)
        for name, value in figures.items():
            writer.add_scalar(f"validation/{name}", value, self.card.step)
        table.add(self.card.step, figures, is_held_out=True)
        if figures.get("loss", math.inf) < self._best:
            self._best = figures["loss"]
            networks = {n: net.state_dict() for n, net in self.learner.networks.items()}
            state = {"networks": networks}
            write_checkpoint(self.folder, self.system.name, self.card, state, BEST)

    def _write_samples(self, writer: SummaryWriter) -> None:
        samples, folder = self.learner.samples(), self.folder / "samples"
        if not samples:
            return
        folder.mkdir(exist_ok=True)
        for _ in samples.write(folder, f"{self.card.step:07d} "):
            pass
        picture = samples.draw()
        picture.savefig(folder / f"{self.card.step:07d}.png", dpi=80)
        writer.add_figure("samples", picture, self.card.step)


def new_run(
    system: System[Any, Any],
    recipe: str,
    data: Material,
    length: Length,
    folder: Path,
    device: torch.device,
) -> Run:
    """Begin a run; the same seed begins with the same weights."""
    config = system.recipes[recipe]
    torch.manual_seed(length.seed)
    learner = system.open(config, data, device)
    card = RunCard(
        system=system.name,
        recipe=recipe,
        config=msgspec.to_builtins(config),
        corpus=data.name,
        corpus_sha256=data.sha256,
        source=data.source,
        notice=data.notice,
        length=length,
        step=0,
        seconds=0.0,
        processes=processes().num_processes,
        hardware=describe_hardware(device),
        validation={},
    )
    return Run(system, card, learner, folder)


def resumed_run(
    system: System[Any, Any],
    data: Material,
    folder: Path,
    device: torch.device,
    length: Length | None,
) -> Run:
    """Go on from a folder's checkpoint, to another end if `length` is given.

    Raises
    ------
    FileError
        No readable checkpoint, or one of another system.
    SettingError
        The material is not what the run began with.
    """
    card, state = read_run(folder, system.name)
    if card.corpus_sha256 != data.sha256:
        raise SettingError(
            f"the run learned from another version of {card.corpus} than the one installed",
            "Make it as it was, or begin a new run.",
        )
    if length:
        card = replace(card, length=length)
    config = msgspec.convert(card.config, system.config)
    run = Run(system, card, system.open(config, data, device), folder)
    run.restore(state)
    return run


def _crosses(before: float, after: float, parts: int) -> bool:
    return math.floor(before * parts) != math.floor(after * parts)


def _pause_after(seconds: float) -> float:
    """Return how long to train before saving again, when saving took so long."""
    return min(max(_SOONEST_CHECKPOINT, seconds / _SAVING_SHARE), _LATEST_CHECKPOINT)
