"""``latentkeys replay``: a kept take, made again from what was heard and from its seed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from rich.console import Console

from instrument.errors import FileError, SettingError
from instrument.partner.takes.replay import replay_into
from instrument.partner.takes.take import NOTES_FILE
from instrument.progress import LongWork


@click.command("replay")
@click.argument("take", type=click.Path(path_type=Path, exists=True))
@click.argument("out", metavar="[OUT.mid]", type=click.Path(path_type=Path), required=False)
@click.option("--force", is_flag=True, help="Replace OUT.mid if it exists.")
def replay_command(take: Path, out: Path | None, force: bool) -> None:
    """Make the notes of a kept take again, to the byte.

    TAKE is the folder that the partner's key k made. Without OUT.mid the notes are only compared
    with those that were kept.
    """
    if force and out is None:
        raise SettingError("--force does nothing without OUT.mid", "Leave it out.")
    if out is not None and out.exists() and not force:
        raise SettingError(f'"{out}" exists', "Add --force to replace it, or choose another name.")
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, LongWork(console) as progress:
        target = out or Path(folder) / NOTES_FILE
        task = progress.add_task("Replaying", total=1.0)
        replay_into(take, target, lambda share: progress.update(task, completed=share))
        progress.update(task, completed=1.0)
        made = target.read_bytes()
    kept = (take if take.is_dir() else take.parent) / NOTES_FILE
    if kept.is_file() and kept.read_bytes() != made:
        raise FileError(
            f"the notes differ from {kept}",
            "The file was changed, or this machine computes another result.",
        )
    console.print(f"The same {len(made)} bytes as kept." if kept.is_file() else "Done.")
