"""``latentkeys generate sfz``: a preset as an instrument for samplers."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console

from instrument.cli.options import RATE_HZ, option
from instrument.errors import SettingError
from instrument.labelled.sampler_map import write_sfz
from instrument.latents.create_preset import check_preset
from instrument.preset.preset import file_stem, find_preset
from instrument.progress import LongWork
from instrument.rendering.open_renderer import for_sound, open_renderer


@click.command("sfz")
@click.argument("preset")
@option("--out", type=click.Path(path_type=Path), default=Path(), help="Folder; this one if none.")
@option(
    "--every",
    type=click.IntRange(1, 12),
    default=3,
    show_default=True,
    metavar="KEYS",
    help="A sample for every so many keys.",
)
@option(
    "--rate",
    "rate_hz",
    type=RATE_HZ,
    default=48_000,
    show_default=True,
    metavar="HZ",
    help="Frames per second of the samples.",
)
@option("--force", is_flag=True, help="Replace files that exist.")
def sfz_command(preset: str, out: Path, every: int, rate_hz: int, force: bool) -> None:
    """Write PRESET as an SFZ instrument: samples that loop, velocity layers, envelope, filter.

    A map for DecentSampler, NAME.dspreset, lies beside NAME.sfz.

    Its effects are left out: put your sampler's behind it.
    """
    chosen, bundle = check_preset(find_preset(preset))
    target = out / f"{file_stem(chosen.name)}.sfz"
    if target.exists() and not force:
        raise SettingError(f'"{target}" exists', "Add --force to replace it, or use another --out.")
    opened = open_renderer(bundle, threads=os.cpu_count() or 1)
    renderer = for_sound(opened, chosen.sound, rate_hz)
    console = Console(stderr=True, highlight=False)
    with LongWork(console) as progress:
        task = progress.add_task("Keys", total=None)
        path = write_sfz(
            chosen,
            bundle,
            renderer,
            out,
            rate_hz=rate_hz,
            every=every,
            show=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(f"{path}", soft_wrap=True)
