"""``latentkeys generate notes``: labelled notes in numbers, to train on and to test with."""

from __future__ import annotations

import hashlib
import time
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import installed_bundle
from instrument.cli.options import RATE_HZ, SEED, HeadedCommand, under
from instrument.errors import MissingExtraError, SettingError
from instrument.first_start import compile_once
from instrument.labelled.job import LIST, Engine, make_notes
from instrument.labelled.plan import FORMAT, FileType, Layout, NotePlan
from instrument.latents.create_preset import check_preset
from instrument.preset.preset import find_preset
from instrument.progress import LongWork

_NOTES_PER_SOUND, _NOTES_PER_PART = 8, 64
_VELOCITIES = "25,50,75,100,127"

_sound, _notes, _files = under("Sounds"), under("Notes"), under("Files")


@click.command("notes", cls=HeadedCommand)
@_sound("--model", metavar="NAME", help="The voice of random sounds; frame_voice by default.")
@_sound(
    "--preset",
    "presets",
    multiple=True,
    metavar="NAME",
    help="Play this preset instead of random sounds; may be given several times.",
)
@_sound("--seed", type=SEED, default=0, show_default=True, help="The same number, the same notes.")
@_sound(
    "--truncation",
    type=click.FloatRange(0, 4),
    default=1.0,
    show_default=True,
    help="Below 1 random sounds are tamer, above 1 stranger.",
)
@_notes("--count", type=click.IntRange(1, 10**9), required=True, help="How many.")
@_notes(
    "--notes-per-sound",
    type=click.IntRange(1, 5000),
    metavar="N",
    help=f"How many of one sound; {_NOTES_PER_SOUND} by default, of presets as many as are needed.",
)
@_notes("--pitches", metavar="LOW-HIGH", help="MIDI numbers; all of the voice by default.")
@_notes("--velocities", default=_VELOCITIES, show_default=True, metavar="N,N", help="MIDI numbers.")
@_notes(
    "--seconds",
    type=click.FloatRange(0.1, 30),
    default=4.0,
    show_default=True,
    help="Length of each file.",
)
@_notes(
    "--held",
    type=click.FloatRange(0.05, 30),
    default=3.0,
    show_default=True,
    help="How long the key is held; its release follows.",
)
@_files("--out", type=click.Path(path_type=Path), required=True, help="Folder for the set.")
@_files(
    "--rate",
    "rate_hz",
    type=RATE_HZ,
    default=16_000,
    show_default=True,
    metavar="HZ",
    help="Frames per second.",
)
@_files("--stereo", is_flag=True, help="Two channels instead of one.")
@_files(
    "--type",
    "file_type",
    type=click.Choice(["wav", "flac"]),
    default="wav",
    show_default=True,
    help="Of the files; 16 bits either way.",
)
@_files(
    "--layout",
    type=click.Choice(["nsynth", "webdataset", "tfrecord"]),
    default="nsynth",
    show_default=True,
    help="A file for each note and NSynth's examples.json; or tar shards, or TFRecords with the"
    " keys of TensorFlow Datasets, as well as the list.",
)
@_files(
    "--splits",
    default="0.8,0.1,0.1",
    show_default=True,
    metavar="A,B,C",
    help="Shares of train, valid and test; a random sound is in one of them with all its notes.",
)
@_files("--workers", type=click.IntRange(1, 4096), help="Processes; one for each core by default.")
@_files(
    "--engine",
    type=click.Choice(["processes", "ray"]),
    default="processes",
    show_default=True,
    help="Work on this machine, or on the Ray cluster at RAY_ADDRESS; the notes are the same.",
)
def notes_command(
    model: str | None,
    presets: tuple[str, ...],
    seed: int,
    truncation: float,
    count: int,
    notes_per_sound: int | None,
    pitches: str | None,
    velocities: str,
    seconds: float,
    held: float,
    out: Path,
    rate_hz: int,
    stereo: bool,
    file_type: FileType,
    layout: Layout,
    splits: str,
    workers: int | None,
    engine: Engine,
) -> None:
    """Make notes with labels: pitch, velocity, mix of instruments, latent, seed, licence.

    Files lie as in NSynth, so that what reads NSynth reads them. Repeat the command to go on where
    it was interrupted: no note is made twice, none is missing.
    """
    if presets and model:
        raise SettingError("presets bring their own voice", "Leave --model out.")
    if presets and notes_per_sound:
        raise SettingError("--notes-per-sound is for random sounds", "Leave it or --preset out.")
    files = [find_preset(name) for name in presets]
    bundle = _bundle(model, files)
    lowest, highest = bundle.card.pitch_range
    plan = NotePlan(
        format=FORMAT,
        model=bundle.card.name,
        version=bundle.card.version,
        weights_sha256=bundle.weights_sha256,
        presets=tuple((file.stem, _digest(file)) for file in files),
        count=count,
        seed=seed,
        notes_per_sound=-(-count // len(files)) if files else notes_per_sound or _NOTES_PER_SOUND,
        pitches=_range(pitches, (lowest, highest)),
        velocities=_velocities(velocities),
        seconds=seconds,
        held_seconds=held,
        rate_hz=rate_hz,
        channels=2 if stereo else 1,
        file_type=file_type,
        truncation=truncation,
        sharpness=bundle.sound.prior.sharpness,
        splits=_splits(splits),
        layout=layout,
        notes_per_part=_NOTES_PER_PART,
    )
    if layout == "tfrecord" and find_spec("google_crc32c") is None:
        raise MissingExtraError("--layout tfrecord", "google_crc32c", "tfrecord")
    compile_once()
    _make(plan, bundle, out, workers, files, engine)


def _make(
    plan: NotePlan,
    bundle: Bundle,
    out: Path,
    workers: int | None,
    presets: list[Path],
    engine: Engine,
) -> None:
    console = Console(stderr=True, highlight=False)
    began = time.monotonic()
    with LongWork(console) as progress:
        task = progress.add_task("Notes", total=plan.count)
        made = make_notes(
            plan,
            bundle,
            out,
            workers,
            lambda done, total: progress.update(task, completed=done, total=total),
            presets=presets,
            engine=engine,
        )
    seconds = time.monotonic() - began
    pace = f", {made / seconds:.1f} a second" if made else ""
    console.print(
        f"{plan.count} notes in {out}, {made} made now{pace}; labels in each folder's {LIST}",
        soft_wrap=True,
    )


def _bundle(model: str | None, files: list[Path]) -> Bundle:
    if not files:
        return installed_bundle(model or "frame_voice")
    bundles = [check_preset(file)[1] for file in files]
    if other := next((b for b in bundles if b.weights_sha256 != bundles[0].weights_sha256), None):
        raise SettingError(
            f"the presets are of two voices, {bundles[0].card.name} and {other.card.name}",
            "Make a set for each.",
        )
    return bundles[0]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _range(text: str | None, whole: tuple[int, int]) -> tuple[int, int]:
    """Read ``36-84`` or ``60``."""
    if text is None:
        return whole
    low, _, high = text.partition("-")
    try:
        found = int(low), int(high or low)
    except ValueError:
        found = (1, 0)
    if not whole[0] <= found[0] <= found[1] <= whole[1]:
        raise SettingError(
            f"--pitches must be LOW-HIGH within {whole[0]} to {whole[1]}, got {text!r}",
            "For example: --pitches 48-72",
        )
    return found


def _velocities(text: str) -> tuple[int, ...]:
    try:
        found = tuple(sorted({int(item) for item in text.split(",")}))
    except ValueError:
        found = ()
    if not found or found[0] < 1 or found[-1] > 127:
        raise SettingError(
            f"--velocities must be numbers from 1 to 127, got {text!r}",
            "For example: --velocities 40,80,127",
        )
    return found


def _splits(text: str) -> tuple[float, float, float]:
    try:
        train, valid, test = (float(item) for item in text.split(","))
    except ValueError:
        train = valid = test = -1.0
    if min(train, valid, test) < 0 or not 0 < train + valid + test < 1e6:
        raise SettingError(
            f"--splits must be three shares, got {text!r}", "For example: --splits 0.8,0.1,0.1"
        )
    return train, valid, test
