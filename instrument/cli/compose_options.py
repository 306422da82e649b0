"""What ``continue``, ``accompany`` and ``compose`` can be asked for on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from instrument.cli.options import Decorator, under
from instrument.composers.registry import JUDGE
from instrument.music.constraints import CANDIDATES, CARE, MOST_BARS, MOST_CARE

in_file = click.argument("prompt", metavar="IN.mid", type=click.Path(path_type=Path))
out_file = click.argument("out", metavar="OUT.mid", type=click.Path(path_type=Path))
music, _chance, _file = under("Music"), under("Chance"), under("File")


def model_option(default: str) -> Decorator:
    """Make the option that names the composer.

    Parameters
    ----------
    default
        A sentence about who composes without it.
    """
    return music("--model", metavar="NAME", help=f"{default} See: latentkeys models list.")


bars_option = music(
    "--bars",
    type=click.IntRange(1, MOST_BARS),
    default=8,
    show_default=True,
    metavar="N",
    help="How many bars to write.",
)


def constraint_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every composer keeps to, or is told to be unable to."""
    options: list[Decorator] = [
        music("--key", metavar="KEY", help="Keep to a key: C, F#, Am, 'Bb minor'."),
        music(
            "--register",
            type=(click.IntRange(0, 127), click.IntRange(0, 127)),
            metavar="LOW HIGH",
            help="Lowest and highest note, as MIDI numbers: 60 is middle C.",
        ),
        music(
            "--density",
            type=click.FloatRange(0.01, 32),
            metavar="N",
            help="About so many notes per beat.",
        ),
        music(
            "--care",
            type=click.FloatRange(0, MOST_CARE),
            default=CARE,
            show_default=True,
            metavar="X",
            help="How much notes avoid to rub against each other; 0 is the model as it is.",
        ),
        _chance(
            "--seed",
            type=int,
            default=1,
            show_default=True,
            metavar="N",
            help="Any whole number; the same one writes the same notes.",
        ),
        _chance(
            "--temperature",
            type=click.FloatRange(0, 10),
            default=1.0,
            show_default=True,
            metavar="X",
            help="Above 1 bolder, below 1 safer, 0 always the likeliest note.",
        ),
        _chance(
            "--top-p",
            type=click.FloatRange(0, 1),
            default=0.95,
            show_default=True,
            metavar="SHARE",
            help="Choose among the likeliest notes that have this share of the chances together.",
        ),
        _chance(
            "--candidates",
            type=click.IntRange(1, 64),
            default=CANDIDATES,
            show_default=True,
            metavar="N",
            help="Phrases to make; the one that is most like the file, or that the model's critic "
            "likes best, is kept.",
        ),
        _file("--force", is_flag=True, help="Replace OUT.mid if it exists."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


judge_option = _chance(
    "--judge",
    metavar="NAME",
    help="Rank candidates also by how likely they are to this network, or none; accompany asks "
    f"{JUDGE} about a MuseGAN's.",
)
