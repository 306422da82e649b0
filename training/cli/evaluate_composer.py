"""``latentkeys evaluate`` for composers: one command made from each `System`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console

from instrument.cli.options import option
from instrument.progress import working
from training.cli.options import FOLDER, JSON, RUN, SEED, THREADS
from training.data.symbolic.corpus import open_corpus
from training.pictures.samples import write_samples
from training.trainer.evaluation import EVALUATION, write_evaluation
from training.trainer.run_card import load_learner, read_run
from training.trainer.system import System


def evaluate_command(system: System[Any, Any]) -> click.Command:
    """Make the command that measures a trained system."""

    @click.command(system.name, short_help=f"Measure a run of {system.name}.")
    @RUN
    @option(
        "--data", metavar="CORPUS", help="The corpus, by name or folder; the run's own by default."
    )
    @option(
        "--phrases",
        type=click.IntRange(min=4),
        default=100,
        show_default=True,
        help="How many phrases to generate, and as many to continue.",
    )
    @SEED
    @JSON
    @option("--pictures", type=FOLDER, help="Also write a few phrases there, with pictures.")
    @THREADS
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
        with working(Console(stderr=True), "opening") as now:
            baseline = open_baseline(corpus, now)
            evaluation = evaluate_composer(learner, corpus, baseline, phrases, seed, now)
        print_evaluation(console, evaluation)
        path = json_path or run / EVALUATION
        write_evaluation(path, card.step, evaluation)
        console.print(f"Written to {path}")
        if pictures:
            for written in write_samples(learner.samples(), pictures):
                console.print(f"Written {written}")

    evaluate.help = (
        f"Measure a run of {system.name} on pieces that it never heard, beside the pieces "
        "themselves and a model that counts n-grams. The first time, counting takes minutes."
    )
    return evaluate
