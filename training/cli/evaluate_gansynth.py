"""``latentkeys evaluate`` for what makes notes of latents, and for the classifier that judges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from rich.console import Console

from instrument.cli.options import option
from training.cli.options import FILE, FOLDER, JSON, RUN, SEED, THREADS, WAVES
from training.data.audio.waves import open_waves
from training.gansynth.evaluate import NOTES, Known, evaluate_notes
from training.gansynth.report import draw_notes, print_evaluation, write_report
from training.gansynth.small.learner import instrument_latents
from training.gansynth.system import load_notes
from training.gansynth.tones import GansynthTones
from training.pitch_classifier.file import (
    FORMAT,
    SHIPPED,
    About,
    read_classifier,
    write_classifier,
)
from training.pitch_classifier.system import SYSTEM as PITCH_CLASSIFIER
from training.pitch_classifier.system import PitchLearner
from training.trainer.evaluation import EVALUATION
from training.trainer.progress import counting
from training.trainer.run_card import load_learner, read_run

Load = Callable[[Path], GansynthTones]
LoadKnown = Callable[[Path], Known]


def evaluate_notes_command(name: str, load: Load, load_known: LoadKnown | None) -> click.Command:
    """Make the command that measures runs of a system whose generator is GANSynth's.

    Parameters
    ----------
    name
        The system's.
    load, load_known
        Open what a run has learned, and the latents of its instruments, if it has any.
    """

    @click.command(name, short_help=f"Measure a run of {name}.")
    @RUN
    @WAVES
    @option(
        "--notes",
        "count",
        type=click.IntRange(min=61),
        default=NOTES,
        show_default=True,
        help="How many notes to generate, and to compare with.",
    )
    @SEED
    @option(
        "--classifier",
        type=FILE,
        help="The pitch classifier that judges; latentkeys' own by default.",
    )
    @option(
        "--sharpness",
        type=click.FloatRange(0, 16),
        default=0.0,
        hidden=load_known is None,
        help="Also play random sounds drawn so far towards the run's instruments; 2 is a card's.",
    )
    @JSON
    @option("--pictures", type=FOLDER, help="Also draw rainbowgrams into this folder.")
    @THREADS
    def evaluate(
        run: Path,
        data: str | None,
        count: int,
        seed: int,
        classifier: Path | None,
        sharpness: float,
        json_path: Path | None,
        pictures: Path | None,
        threads: int,
    ) -> None:
        torch.set_num_threads(threads)
        card, _ = read_run(run, name)
        judge, about = read_classifier(classifier or SHIPPED)
        notes, known = load(run), load_known(run) if load_known else None
        waves = open_waves(data or card.corpus)
        console = Console()
        with counting(console, "opening") as show:
            evaluation = evaluate_notes(notes, waves, judge, count, seed, known, show, sharpness)
        print_evaluation(console, evaluation, about)
        path = json_path or run / EVALUATION
        write_report(path, evaluation, about, card.step)
        console.print(f"Written to {path}")
        if pictures:
            size = notes.generator.size.latent_size
            for picture in draw_notes(notes, size, waves, known, pictures, seed):
                console.print(f"Drawn {picture}")

    evaluate.help = (
        f"Measure notes that a run of {name} makes of random latents, beside held-out recordings "
        "at the same pitches: pitch accuracy and entropy, Inception score, Fréchet distance, NDB, "
        "diversity across latents, cents."
    )
    return evaluate


@click.command("pitch-classifier", short_help="Measure a run of pitch-classifier.")
@RUN
@WAVES
@option("--out", type=FILE, help="Also write the classifier to this file, for --classifier.")
@THREADS
def evaluate_pitch_classifier(run: Path, data: str | None, out: Path | None, threads: int) -> None:
    """Count the held-out notes whose pitch a run of pitch-classifier names right."""
    torch.set_num_threads(threads)
    card, _ = read_run(run, PITCH_CLASSIFIER.name)
    waves = open_waves(data or card.corpus)
    card, learner = load_learner(run, PITCH_CLASSIFIER, waves)
    assert isinstance(learner, PitchLearner)
    console = Console()
    with console.status("listening"):
        rows = learner.rows("test")
        heard = learner.named(rows)
    pitches = waves.pitches[rows]
    right = heard == pitches
    console.print(f"{right.mean():.2%} of {len(rows)} test notes are named right.")
    for lowest in range(24, 84, 12):
        some = (pitches >= lowest) & (pitches < lowest + 12 + (lowest == 72))
        console.print(f"  from pitch {lowest}: {right[some].mean():.2%}")
    wrong, counts = np.unique(waves.labels[rows[~right]], return_counts=True)
    worst = sorted(zip(counts.tolist(), wrong.tolist(), strict=True), reverse=True)[:12]
    names = ", ".join(f"{waves.label_names[label]} {count}" for count, label in worst)
    console.print(f"Most often wrong: {names or 'none'}.")
    if out:
        about = About(
            FORMAT,
            learner.config,
            waves.name,
            waves.sha256,
            waves.source,
            waves.notice,
            card.step,
            float(right.mean()),
        )
        write_classifier(out, learner.network, about)
        console.print(f"Written to {out}")


def _known_instruments(run: Path) -> Known:
    latents = instrument_latents(run)
    return Known(tuple(latents), np.stack(list(latents.values())))


NOTE_COMMANDS: tuple[click.Command, ...] = (
    evaluate_notes_command("gansynth", load_notes, None),
    evaluate_notes_command("gansynth-small", load_notes, _known_instruments),
    evaluate_pitch_classifier,
)
"""What ``latentkeys evaluate`` can do with wave sets."""
