"""``latentkeys evaluate`` for composers: one command made from each `System`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import torch
from rich.console import Console

from instrument.files import replacing_file
from training.data.symbolic.corpus import open_corpus
from training.pictures.samples import write_samples
from training.trainer.system import System
from training.trainer.trainer import (
    EVALUATION,
    load_learner,
    read_run,
)

_FOLDER = click.Path(path_type=Path, file_okay=False)


def evaluate_command(system: System[Any, Any]) -> click.Command:
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
        from training.metrics.symbolic.evaluate import evaluate_composer, print_evaluation
        from training.metrics.symbolic.ngram_baseline import open_baseline

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
            for written in write_samples(learner.samples(), pictures):
                console.print(f"Written {written}")

    evaluate.help = (
        f"Measure a run of {system.name} on pieces that it never heard, beside the pieces' own "
        "values and a model that only counts. The first time, counting takes minutes."
    )
    return evaluate
