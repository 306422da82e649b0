"""The options that commands have in common, each said once."""

from __future__ import annotations

from pathlib import Path

import click

from instrument.cli.options import option

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)

RUN = click.argument("run", type=FOLDER)
SEED = option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed generates the same.",
)
JSON = option(
    "--json", "json_path", type=FILE, help="File for the figures; RUN/evaluation.json by default."
)
THREADS = option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processor threads to use.",
)
WAVES = option(
    "--data", metavar="WAVES", help="The wave set, by name or folder; the run's own by default."
)
NAME = option(
    "--name", metavar="NAME", help="Name of the set for --data; that of its source by default."
)
FORCE = option("--force", is_flag=True, help="Make the set again if it is there already.")
FONT = option(
    "--font",
    type=click.Path(path_type=Path),
    help="The SoundFont, SF2 or SF3; one on this machine by default.",
)
PROGRAMS = option(
    "--programs",
    metavar="N,N,...",
    help="General MIDI programs to render, 0-127; all melodic ones by default.",
)
