"""Show what was measured on generated tones: tables for people, JSON for cards, pictures."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from training.data.audio.waves import WaveSet
from training.gansynth.evaluate import Figure, GansynthEvaluation, Known, Play
from training.metrics.audio.tone_samples import spread_rows
from training.pictures.rainbowgram import write_rainbowgrams
from training.pitch_classifier.file import About
from training.trainer.evaluation import write_evaluation

_PICTURED = (30, 40, 50, 60, 70, 80)


def print_evaluation(console: Console, evaluation: GansynthEvaluation, about: About) -> None:
    """Print the figures, then accuracy and tuning by octave."""
    whose = list(evaluation.figures[0].values)
    title = f"{evaluation.count} notes beside as many of {evaluation.waves} [95 % interval]"
    table = _table(title, "figure", whose)
    for figure in evaluation.figures:
        table.add_row(figure.name, *_cells(figure, whose))
    console.print(table)
    table = _table("By octave", "from pitch", whose)
    for lowest, figures in evaluation.registers.items():
        for figure in figures:
            table.add_row(f"{lowest}: {figure.name}", *_cells(figure, whose))
        table.add_section()
    console.print(table)
    console.print(
        f"Judged by a classifier that names {about.accuracy:.1%} of {about.waves}'s test notes "
        f"right. Distances are to training notes: only those of equally many notes compare."
    )


def write_report(path: Path, evaluation: GansynthEvaluation, about: About, step: int) -> None:
    """Write everything as JSON; what is unknown is null.

    Raises
    ------
    FileError
        It cannot be written.
    """
    judged = {"waves": about.waves, "step": about.step, "accuracy": about.accuracy}
    figures = msgspec.to_builtins(evaluation, str_keys=True)
    write_evaluation(path, step, {"classifier": judged, **figures})


def draw_notes(
    play: Play, latent_size: int, waves: WaveSet, known: Known | None, folder: Path, seed: int = 0
) -> list[Path]:
    """Draw rainbowgrams of random latents and of held-out recordings, and of known latents.

    Returns
    -------
    list of Path
        The PNGs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    z = random.standard_normal((len(_PICTURED), latent_size), np.float32)
    titles = [f"random {n + 1}, pitch {pitch}" for n, pitch in enumerate(_PICTURED)]
    written = [_draw_played(play, z, _PICTURED, titles, folder / "random_latents.png")]
    rows = spread_rows(waves, "test", len(waves), known.names if known else ())
    rows = rows[np.linspace(0, len(rows) - 1, len(_PICTURED)).round().astype(np.int64)]
    labels, pitches = waves.labels[rows], tuple(int(pitch) for pitch in waves.pitches[rows])
    titles = [f"{waves.label_names[i]}, pitch {p}" for i, p in zip(labels, pitches, strict=True)]
    written.append(folder / "recordings.png")
    write_rainbowgrams(written[-1], waves.audio(rows), pitches, titles)
    if known:
        places = [known.names.index(waves.label_names[i]) for i in labels]
        path = folder / "known_latents.png"
        written.append(_draw_played(play, known.latents[places], pitches, titles, path))
    return written


def _draw_played(
    play: Play, z: np.ndarray, pitches: tuple[int, ...], titles: list[str], path: Path
) -> Path:
    with torch.inference_mode():
        tones = play(torch.from_numpy(z), torch.tensor(pitches)).float().numpy()
    write_rainbowgrams(path, tones, pitches, titles)
    return path


def _table(title: str, first: str, whose: list[str]) -> Table:
    table = Table(title=title)
    table.add_column(first)
    for name in whose:
        table.add_column(name, justify="right")
    return table


def _cells(figure: Figure, whose: list[str]) -> list[str]:
    return [str(figure.values[name]) if name in figure.values else "–" for name in whose]
