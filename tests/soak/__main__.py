"""``python -m tests.soak``: hours of playing, virtual or real, and what they cost."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import click

from instrument.first_start import compile_once
from tests.soak.day import live_through
from tests.soak.session import print_session, save_memory, watch_session


def main() -> None:
    """Live through a virtual day, or watch a real session."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="of virtual time")
    parser.add_argument("--real-minutes", type=float, help="of a real session instead, on JACK")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="a CSV file of the real session's memory")
    options = parser.parse_args()
    compile_once()
    if options.real_minutes:
        seen = watch_session(options.real_minutes, options.seed)
        print_session(seen, options.real_minutes)
        if options.save:
            save_memory(seen, options.save)
        return
    began = time.monotonic()
    lived = live_through(round(60 * options.hours), options.seed)
    click.echo(
        f"{options.hours:g} hours in {time.monotonic() - began:.0f} s: {lived.sent:,} notes sent, "
        f"{lived.sent - lived.applied} lost, {lived.answered:,} answered, {lived.stuck} stuck; "
        f"{lived.growth_mb_per_hour:.2f} MB/h from {lived.megabytes[0]:.0f} MB on; {lived.meters}"
    )


if __name__ == "__main__":
    main()
