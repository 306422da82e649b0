"""``latentkeys evaluate presets``: what presets sound like, in figures."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from instrument.bench.presets.draws import draws_rows
from instrument.bench.presets.figures import PresetFigures, measure_preset
from instrument.bench.presets.report import draw_figures, print_figures, write_figures
from instrument.files import shipped_presets_folder
from instrument.preset.preset import find_preset
from instrument.progress import LongWork

TABLE_WIDTH = 190
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("presets")
@click.argument("names", nargs=-1, metavar="[PRESET]...")
@click.option("--every", metavar="N", type=click.IntRange(1), default=1, help="Only every Nth shipped preset.")
@click.option("--json", "json_path", metavar="FILE", type=_FILE, help="Also write all figures to this file.")
@click.option("--picture", metavar="FILE", type=_FILE, help="Also draw the table as a PNG file.")
def evaluate_presets(
    names: tuple[str, ...], every: int, json_path: Path | None, picture: Path | None
) -> None:
    """Play presets and measure width, evenness, touch, loudness, pitch and clicks.

    All shipped presets when none is named: ten seconds each, and twice that if its tones have not
    been rendered before; then how unlike the models' random sounds are. What misses its goal is red.
    """
    paths = [find_preset(name) for name in names] or shipped_presets(every)
    console = Console()
    if not console.is_terminal:
        console.width = TABLE_WIDTH
    figures = measure_presets(paths)
    models = [] if names else draws_rows()
    print_figures(console, figures, models)
    if json_path:
        write_figures(json_path, figures, models)
    if picture:
        draw_figures(picture, figures)


def shipped_presets(every: int = 1) -> list[Path]:
    """Return the files of the presets that come with latentkeys, or of every Nth."""
    return sorted(shipped_presets_folder().glob("*.toml"))[::every]


def measure_presets(paths: list[Path]) -> list[PresetFigures]:
    """Measure presets with a progress bar on stderr."""
    with LongWork(Console(stderr=True)) as progress:
        task = progress.add_task("Presets", total=len(paths))
        figures = []
        for path in paths:
            figures.append(measure_preset(path))
            progress.advance(task)
    return figures
