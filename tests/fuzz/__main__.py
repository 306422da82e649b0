"""``python -m tests.fuzz``: try nonsense at every entrance and print a table of what came of it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

import click

from tests.fuzz.entrances import ENTRANCES
from tests.fuzz.rounds import try_inputs


def main() -> None:
    """Print a line per entrance; exit with 1 after a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=ENTRANCES, help="one entrance")
    options = parser.parse_args()
    for place in ("DATA", "CACHE"):
        os.environ[f"XDG_{place}_HOME"] = tempfile.mkdtemp(prefix="latentkeys-fuzz-home-")
    click.echo("| entrance | inputs | refused in words | slowest, ms | largest, MB | failures |")
    click.echo("|---|--:|--:|--:|--:|--:|")
    began, tried, failures = time.monotonic(), 0, []
    for name, entrance in ENTRANCES.items():
        if options.only in (None, name):
            share = 100.0 if options.only else entrance.share
            count = try_inputs(name, round(options.inputs * share / 100), options.seed)
            slowest = 1000 * count.slowest_seconds
            click.echo(
                f"| {name} | {count.tried:,} | {count.refused:,} | {slowest:.0f} | "
                f"{count.most_mb} | {len(count.failures)} |"
            )
            tried += count.tried
            failures += count.failures
    click.echo(f"| all | {tried:,} | | | | {len(failures)} |")
    click.echo(f"\n{time.monotonic() - began:.0f} s, seed {options.seed}")
    for seed, trace in failures[:20]:
        click.echo(f"\n{seed}\n{trace}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
