"""``latentkeys train NAME``: one command made from each `System`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
import torch
from rich.console import Console

from instrument.cli.options import Choice, HeadedOption
from instrument.errors import SettingError
from training.cli.options import FOLDER
from training.trainer.checkpoint import CHECKPOINT
from training.trainer.distributed import processes
from training.trainer.hardware import choose_device
from training.trainer.progress import stop_flag, training_bar
from training.trainer.run_card import Length, RunCard, read_run
from training.trainer.system import System
from training.trainer.trainer import Run, new_run, resumed_run

_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class _LengthRequest:
    """How long a run shall be; nothing given is the system's own length."""

    minutes: float | None
    steps: int | None
    images: int | None

    def length(self, system: System[Any, Any], config: Any, seed: int) -> Length:
        course = system.course(config) if system.course else None
        images = self.images
        if course and not (self.minutes or self.steps or images):
            images = course.images
        if course and images:
            return Length(course.steps(images), 0.0, seed)
        if system.usual_steps and not (self.minutes or self.steps):
            return Length(system.usual_steps(config), 0.0, seed)
        minutes = self.minutes or (0.0 if self.steps else _MINUTES)
        return Length(self.steps or 0, minutes, seed)

    def check(self) -> bool:
        """Say whether anything is asked for; refuse two ends."""
        given = {"--minutes": self.minutes, "--steps": self.steps, "--images": self.images}
        names = [name for name, value in given.items() if value]
        if len(names) > 1:
            raise SettingError(f"{' and '.join(names)} both say when to stop", "Give one of them.")
        return bool(names)


def train_command(system: System[Any, Any]) -> click.Command:
    """Make the command that trains a system."""

    def train(
        run: Path,
        data: str | None,
        recipe: str | None,
        config: str | None,
        resume: bool,
        threads: int,
        seed: int,
        device: str,
        minutes: float | None,
        steps: int | None,
        images: int | None = None,
    ) -> None:
        asked = _LengthRequest(minutes, steps, images)
        has_end = asked.check()
        if not resume and (run / CHECKPOINT).exists():
            raise SettingError(
                f"{run} already has a checkpoint", "Go on with --resume, or choose another folder."
            )
        torch.set_num_threads(threads)
        where = choose_device(device)
        if resume:
            before, _ = read_run(run, system.name)
            settings = msgspec.convert(before.config, system.config)
            length = asked.length(system, settings, before.length.seed) if has_end else None
            material = system.open_data(data or before.corpus)
            training = resumed_run(system, material, run, where, length)
        else:
            on_gpu = system.gpu_recipe if where.type == "cuda" else ""
            chosen = recipe or config or on_gpu or next(iter(system.recipes))
            length = asked.length(system, system.recipes[chosen], seed)
            material = system.open_data(data or system.data[0])
            training = new_run(system, chosen, material, length, run, where)
        train_run(training)

    command = click.command(system.name, short_help=system.what)(train)
    command.params = _parameters(system)
    command.help = (
        f"{system.what}\n\nTrains into the folder RUN; Ctrl-C stops and saves. "
        "Watch it with: tensorboard --logdir RUN"
    )
    return command


def _parameters(system: System[Any, Any]) -> list[click.Parameter]:
    """Return the command's arguments: images only where they are counted."""
    count, recipes = click.IntRange(min=1), Choice(list(system.recipes))
    has_length = system.course or system.usual_steps
    usual = "as the recipe says" if has_length else f"{_MINUTES:.0f}"
    default = next(iter(system.recipes)) + " by default"
    default += f", {system.gpu_recipe} on a GPU" if system.gpu_recipe else ""
    repeatable = "; the same seed gives the same weights."
    images = "End after so many images, over all processes" + repeatable
    return [
        click.Argument(["run"], type=FOLDER),
        HeadedOption(
            ["--data"], help=f"What to learn from, by name or folder; {system.data[0]} by default."
        ),
        HeadedOption(["--recipe"], type=recipes, help=f"Settings; {default}."),
        HeadedOption(["--config"], type=recipes, hidden=True),  # what some systems said before
        HeadedOption(["--resume"], is_flag=True, help="Go on from the run's last checkpoint."),
        HeadedOption(
            ["--minutes"],
            type=click.FloatRange(min=0.0, min_open=True),
            help=f"End after so many minutes of training in all; by default, {usual}.",
        ),
        HeadedOption(["--steps"], type=count, help="End after so many steps" + repeatable),
        *([HeadedOption(["--images"], type=count, help=images)] if system.course else []),
        HeadedOption(
            ["--threads"],
            type=count,
            default=1,
            show_default=True,
            help="Processor threads to use.",
        ),
        HeadedOption(
            ["--seed"],
            type=click.IntRange(min=0),
            default=1,
            show_default=True,
            help="Of the first weights, and of everything random.",
        ),
        HeadedOption(
            ["--device"],
            type=Choice(["auto", "cpu", "cuda"]),
            default="auto",
            show_default=True,
            help="Where to train; auto takes a GPU if there is one.",
        ),
    ]


def train_run(run: Run) -> None:
    """Train with a progress bar; say how to go on."""
    console = Console(quiet=not processes().is_main_process)
    with training_bar(console) as bar, stop_flag() as stop:
        bar(run.fraction, "")
        say = state_of(run)

        def show(card: RunCard, fraction: float, losses: dict[str, float]) -> None:
            bar(fraction, say(card, losses))

        is_complete = run.run(show, lambda: bool(stop))
    name, step = run.system.name, run.card.step
    if is_complete:
        if left := _unfinished(run):
            console.print(
                f"It is half-grown: it has learned from {left}. Go on with --resume --images N.",
                highlight=False,
            )
        console.print(f"Trained {step} steps. Next: latentkeys evaluate {name} {run.folder}")
    else:
        console.print(f"Stopped and saved at step {step}. Go on with:")
        console.print(f"  latentkeys train {name} {run.folder} --resume")


def _unfinished(run: Run) -> str:
    system, card = run.system, run.card
    if not system.course:
        return ""
    course = system.course(msgspec.convert(card.config, system.config))
    return course.unfinished(card.step, card.processes)


def state_of(run: Run) -> Callable[[RunCard, dict[str, float]], str]:
    """Return what writes the line of figures beside the bar; speed is since the last line."""
    before = [(run.card.step, run.card.seconds)]
    per_step, what = 1, "steps"
    if run.system.course:
        config = msgspec.convert(run.card.config, run.system.config)
        per_step = run.system.course(config).batch * processes().num_processes
        what = "images"

    def say(card: RunCard, losses: dict[str, float]) -> str:
        (step, seconds), before[0] = before[0], (card.step, card.seconds)
        speed = per_step * (card.step - step) / max(1e-9, card.seconds - seconds)
        parts = [f"step {card.step}", f"{speed:.1f} {what}/s"]
        if "stage" in losses:
            parts.append(f"stage {losses['stage']:.0f}")
        parts.append(f"loss {losses['loss']:.3f}")
        if "loss" in card.validation:
            parts.append(f"held-out {card.validation['loss']:.3f}")
        return ", ".join(parts)

    return say
