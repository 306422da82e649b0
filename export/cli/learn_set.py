"""``latentkeys learn SET``: many recorded instruments at once, into a voice of their own."""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console

from instrument.bundle.bundle import Bundle
from instrument.errors import SettingError
from instrument.progress import working
from training.cli.train import train_run
from training.data.audio.tone_set import open_notes
from training.trainer.checkpoint import CHECKPOINT
from training.trainer.run_card import Length


def learn_set(folder: Path, name: str, base: Bundle, minutes: float) -> None:
    """Begin a run with what a voice knows, and train it on a whole set.

    Parameters
    ----------
    folder
        What ``latentkeys data instruments`` or ``soundfont`` has made.
    name
        Of the run, which is a folder in the current one.

    Raises
    ------
    SettingError
        The run is there already.
    """
    from export.frame_voice.begin import begin_run

    run = Path(name)
    if (run / CHECKPOINT).exists():
        raise SettingError(
            f"{run} already has a checkpoint",
            f"Go on with: latentkeys train frame-voice {run} --resume, or choose another --name.",
        )
    torch.set_num_threads(1)
    tones = open_notes(str(folder))
    with working(Console(stderr=True), f"Looking for what {base.card.name} knows that is like it"):
        begun = begin_run(base, tones, Length(0, minutes, 1), run)
    train_run(begun)
