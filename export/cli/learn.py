"""``latentkeys learn``: from a folder of notes to a sound of one's own."""

from __future__ import annotations

import statistics
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table

from instrument.bundle.installed import installed_bundle
from instrument.cli.options import option
from instrument.errors import FileError
from instrument.latents.create_preset import new_path, plain_preset
from instrument.preset.banks import with_program
from instrument.preset.preset import save_preset, user_presets_folder
from instrument.progress import LongWork
from training.data.audio.tone_set import TONE_SETS

_SKIPPED_SHOWN = 8


@click.command("learn")
@click.argument("notes", type=click.Path(path_type=Path))
@option("--name", required=True, help="What the sound, its model and its preset are called.")
@option("--model", default="frame_voice", show_default=True, help="The voice that learns.")
@option(
    "--minutes",
    type=click.FloatRange(0.05, 240.0),
    default=6.0,
    show_default=True,
    help="How long to learn; writing the model takes about two minutes more.",
)
@option(
    "--compare",
    type=click.Path(path_type=Path),
    metavar="WAV",
    help="Where recordings and voice can be heard in turn; NAME_compared.wav when not given.",
)
@option("--force", is_flag=True, help="Replace the files and the model of an earlier try.")
def learn_command(
    notes: Path, name: str, model: str, minutes: float, compare: Path | None, force: bool
) -> None:
    """Learn a sound from NOTES, a folder with one recorded note in each file.

    A dozen notes are enough. The pitch is read from each file's name, such as rhodes_C4.wav or
    060.wav, or estimated. The voice that you play already is taught the new sound, so that you can
    blend it with every other instrument.

    NOTES may also be a set that `latentkeys data instruments` made. All its instruments are then
    learned together, in a run of their own in the folder NAME, which begins with what the voice
    knows; an hour or more is well spent. Ctrl-C stops and saves it.
    """
    if TONE_SETS.has(notes):
        from export.cli.learn_set import learn_set

        learn_set(notes, name, installed_bundle(model), minutes)
        return
    from export.bundle.folder import model_folder
    from export.frame_voice.learn import learn_notes
    from training.data.audio.own_notes import read_own_notes

    console = Console(highlight=False)
    path = new_path(name, user_presets_folder(), replace=force)
    target = model_folder(path.stem, None)
    heard = compare or Path(f"{path.stem}_compared.wav")
    _refuse_existing([target, heard], replace=force)
    base = installed_bundle(model)
    with LongWork(Console(stderr=True), TextColumn("{task.fields[said]}")) as progress:
        reading = progress.add_task("Reading", total=None, said="")
        found = read_own_notes(
            notes,
            lambda file, done, total: progress.update(
                reading, completed=done, total=total, said=file[-40:]
            ),
        )
        _say_what_was_found(console, found)
        learning = progress.add_task("Learning", total=1.0, said="")
        learned = learn_notes(
            found,
            f"the files of {notes.resolve().name}",
            base,
            target,
            heard,
            60.0 * minutes,
            lambda done, said: progress.update(learning, completed=done, said=said),
        )
    entry = learned.bundle.sound.latents[target.name]
    preset = plain_preset(name, learned.bundle, np.array(entry.latent), dies_away=found.dies_away)
    save_preset(with_program(preset, path), path)
    _say_how_near(console, learned)
    console.print(f"Recordings and voice in turn: {heard}")
    console.print(f"Play it with: latentkeys play --preset {path.stem}")


def _refuse_existing(paths: list[Path], *, replace: bool) -> None:
    for path in paths:
        if path.exists() and not replace:
            raise FileError(f"{path} exists", "Use another name, or --force to replace it.")


def _say_what_was_found(console: Console, found: object) -> None:
    from training.data.audio.own_notes import OwnNotes

    assert isinstance(found, OwnNotes)
    pitches = found.pitches
    layers = len(found.notes) / len(pitches)
    console.print(
        f"{len(found.notes)} notes on {len(pitches)} keys from {pitches[0]} to {pitches[-1]}"
        + (f", {layers:.1f} layers a key" if layers > 1.05 else "")
        + (", struck or plucked" if found.dies_away else ", sustained")
    )
    for note in found.notes:
        if note.remark:
            console.print(f"  {note.file}: {note.remark}", markup=False)
    for file, reason in found.skipped[:_SKIPPED_SHOWN]:
        console.print(f"  left out: {file}: {reason}", markup=False)
    if len(found.skipped) > _SKIPPED_SHOWN:
        console.print(f"  and {len(found.skipped) - _SKIPPED_SHOWN} others left out")


def _say_how_near(console: Console, learned: object) -> None:
    from export.frame_voice.learn import Learned

    assert isinstance(learned, Learned)
    if learned.hidden:
        table = Table(title="Keys that were hidden while it learned: dB from their recordings")
        for title in ("key", "this voice", "a sampler's nearest key"):
            table.add_column(title, justify="right")
        for note in learned.hidden:
            assert note.nearest is not None
            table.add_row(str(note.pitch), f"{note.ours:.1f}", f"{note.nearest:.1f}")
        console.print(table)
    typical = statistics.median(note.ours for note in learned.learned)
    console.print(
        f"All keys learned: {typical:.1f} dB from their recordings (median, up to 8 kHz); "
        f"it began as {learned.adapted.began_as}"
    )
