"""``latentkeys train`` and ``evaluate`` for composers: two commands made from each `System`."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import torch
from rich.console import Console

from instrument.errors import SettingError
from instrument.files import replacing_file
from instrument.midi_phrases import write_phrase
from instrument.note import Phrase
from training.checkpoint import CHECKPOINT
from training.data.corpus import open_corpus
from training.hardware import choose_device
from training.learning import (
    EVALUATION,
    Length,
    Run,
    RunCard,
    System,
    load_learner,
    new_run,
    read_run,
    resumed_run,
)
from training.parallel import processes
from training.progress import stop_flag, training_progress

_FOLDER = click.Path(path_type=Path, file_okay=False)


def train_command(system: System[Any]) -> click.Command:
    """Make the command that trains a system."""
    recipes = list(system.recipes)

    @click.command(system.name, short_help=system.what)
    @click.argument("run", type=_FOLDER)
    @click.option(
        "--data",
        metavar="CORPUS",
        help=f"A corpus by name or folder; {system.corpora[0]} when not given.",
    )
    @click.option("--recipe", type=click.Choice(recipes), help=f"{recipes[0]} when not given.")
    @click.option("--resume", is_flag=True, help="Go on from the run's checkpoint.")
    @click.option(
        "--minutes",
        type=click.FloatRange(min=0.0, min_open=True),
        help="End on time, by all the run's minutes; 60 when neither this nor --steps is given.",
    )
    @click.option("--steps", type=click.IntRange(min=1), help="Exactly repeatable.")
    @click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
    @click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
    @click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
    def train(
        run: Path,
        data: str | None,
        recipe: str | None,
        resume: bool,
        minutes: float | None,
        steps: int | None,
        threads: int,
        seed: int,
        device: str,
    ) -> None:
        if minutes and steps:
            raise SettingError("--minutes and --steps both say when to stop", "Give one of them.")
        if not resume and (run / CHECKPOINT).exists():
            raise SettingError(
                f"{run} already has a checkpoint", "Go on with --resume, or choose another folder."
            )
        torch.set_num_threads(threads)
        where = choose_device(device)
        length = Length(steps or 0, minutes or 0.0, seed) if minutes or steps else None
        if resume:
            before, _ = read_run(run, system.name)
            if length:
                length = Length(length.steps, length.minutes, before.length.seed)
            corpus = open_corpus(data or before.corpus)
            training = resumed_run(system, corpus, run, where, length)
        else:
            corpus = open_corpus(data or system.corpora[0])
            length = length or Length(0, 60.0, seed)
            training = new_run(system, recipe or recipes[0], corpus, length, run, where)
        _train(training)

    train.help = (
        f"{system.what}\n\nTrains into the folder RUN; Ctrl-C stops and saves. "
        "Watch it with: tensorboard --logdir RUN"
    )
    return train


def _train(run: Run) -> None:
    """Train with a progress bar; say how to go on."""
    console = Console(quiet=not processes().is_main_process)
    with training_progress(console) as progress, stop_flag() as stop:
        task = progress.add_task("training", total=1.0, state="")
        mark = (run.card.step, run.card.seconds)

        def show(card: RunCard, fraction: float, loss: float) -> None:
            speed = (card.step - mark[0]) / max(1e-9, card.seconds - mark[1])
            held_out = card.validation.get("loss")
            state = f"step {card.step}, {speed:.1f}/s, loss {loss:.3f}" + (
                "" if held_out is None else f", held-out {held_out:.3f}"
            )
            progress.update(task, completed=fraction, state=state)

        is_complete = run.run(show, lambda: bool(stop))
    name, step = run.system.name, run.card.step
    if is_complete:
        console.print(f"Trained {step} steps. Next: latentkeys evaluate {name} {run.folder}")
    else:
        console.print(f"Stopped and saved at step {step}. Go on with:")
        console.print(f"  latentkeys train {name} {run.folder} --resume")


def evaluate_command(system: System[Any]) -> click.Command:
    """Make the command that measures a trained system."""

    @click.command(system.name, short_help=f"Measure a run of {system.name}.")
    @click.argument("run", type=_FOLDER)
    @click.option("--data", metavar="CORPUS", help="The corpus; the run's own when not given.")
    @click.option(
        "--phrases",
        type=click.IntRange(min=4),
        default=100,
        show_default=True,
        help="How many to generate, and to continue.",
    )
    @click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
    @click.option("--json", "json_path", type=click.Path(path_type=Path), help="Where figures go.")
    @click.option("--pictures", type=_FOLDER, help="Also draw and write four phrases there.")
    @click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
    def evaluate(
        run: Path,
        data: str | None,
        phrases: int,
        seed: int,
        json_path: Path | None,
        pictures: Path | None,
        threads: int,
    ) -> None:
        from training.metrics.evaluate_composer import evaluate_composer, print_evaluation
        from training.metrics.ngram_baseline import open_baseline

        torch.set_num_threads(threads)
        card, _ = read_run(run, system.name)
        corpus = open_corpus(data or card.corpus)
        card, learner = load_learner(run, system, corpus)
        console = Console()
        with console.status("opening") as status:
            baseline = open_baseline(corpus, status.update)
            evaluation = evaluate_composer(learner, corpus, baseline, phrases, seed, status.update)
        print_evaluation(console, evaluation)
        path = json_path or run / EVALUATION
        dated = {"date": datetime.date.today().isoformat(), "step": card.step}
        with replacing_file(path) as partial:
            report = dated | msgspec.to_builtins(evaluation)
            partial.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
        console.print(f"Written to {path}")
        if pictures:
            for written in _draw(learner.samples(), pictures):
                console.print(f"Written {written}")

    evaluate.help = (
        f"Measure a run of {system.name} on pieces that it never heard, beside the pieces' own "
        "values and a model that only counts. The first time, counting takes minutes."
    )
    return evaluate


def _draw(phrases: dict[str, Phrase], folder: Path) -> Iterator[Path]:
    """Write phrases as MIDI files and as one picture."""
    from training.phrase_pictures import draw_phrases

    folder.mkdir(parents=True, exist_ok=True)
    for title, phrase in phrases.items():
        path = folder / f"{title}.mid"
        write_phrase(path, phrase)
        yield path
    picture = folder / "phrases.png"
    draw_phrases(phrases).savefig(picture, dpi=120)
    yield picture
