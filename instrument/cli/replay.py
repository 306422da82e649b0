"""``latentkeys replay``: a kept take, made again from what was heard and from its seed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console

from instrument.errors import FileError, SettingError
from instrument.partner.replay import replay_into
from instrument.partner.take import NOTES_FILE
from instrument.progress import LongWork


def replay_command(take: Path, out: Path | None, *, replace: bool) -> None:
    """Replay with a progress bar; say whether the bytes are those that were kept.

    Raises
    ------
    LatentkeysError
        The take is broken, its composer is another one, or the music differs from what was kept.
    """
    if out is not None and out.exists() and not replace:
        raise SettingError(f'"{out}" exists', "Add --force to replace it, or choose another name.")
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, LongWork(console) as progress:
        target = out or Path(folder) / NOTES_FILE
        task = progress.add_task("replaying", total=1.0)
        replay_into(take, target, lambda share: progress.update(task, completed=share))
        progress.update(task, completed=1.0)
        made = target.read_bytes()
    kept = (take if take.is_dir() else take.parent) / NOTES_FILE
    if kept.is_file() and kept.read_bytes() != made:
        raise FileError(
            f"the music made again differs from {kept}",
            "The file was changed, or this machine computes another result.",
        )
    console.print(f"The same {len(made)} bytes as kept." if kept.is_file() else "Done.")
