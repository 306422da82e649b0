"""``latentkeys recover``: save what a killed session was recording."""

from __future__ import annotations

import time

import click

from instrument.unfinished import Unfinished, unfinished_recordings


@click.command("recover")
@click.option("--list", "only_list", is_flag=True, help="Only say what there is.")
def recover_command(only_list: bool) -> None:
    """Save recordings that a crash left unfinished, each as a WAV file beside its name."""
    recordings = unfinished_recordings()
    if not recordings:
        click.echo("There is no unfinished recording.")
    for recording in recordings:
        if only_list:
            click.echo(describe(recording))
        else:
            click.echo(f"{describe(recording)}: saved as {recording.save()}")


def describe(recording: Unfinished) -> str:
    """Say which recording it is, how long, and of when."""
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(recording.began))
    minutes, seconds = divmod(int(recording.seconds), 60)
    return f"{recording.path.name}, {minutes}:{seconds:02d} of {began}"
