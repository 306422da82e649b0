"""``latentkeys generate random``: sounds that nobody has heard, as presets and to listen to.

In: a model's latent prior and a seed. Out: for every sound a preset (TOML) and a WAV file in which
it plays one note in each octave and a chord. The same seed gives the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import installed_bundle
from instrument.cli.options import option
from instrument.errors import SettingError
from instrument.files import cannot_write
from instrument.first_start import compile_once
from instrument.latents.audition import Audition
from instrument.latents.create_preset import plain_preset
from instrument.latents.latent import follow, random_recipe
from instrument.midi.messages import note_off, note_on
from instrument.midi.song import Song, SongMessage
from instrument.offline.morph_player import MorphPlayer
from instrument.offline.timbre_path import Morph, TimbrePoint
from instrument.preset.preset import Preset, save_preset
from instrument.preset.sections import Recipe
from instrument.progress import LongWork
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.prefetch import TonePrefetch
from instrument.rendering.renderer import ToneRenderer
from instrument.wav_files import WavFile

RATE_HZ = 48_000
OCTAVES = (36, 48, 60, 72, 84)
CHORD = (48, 60, 64, 67)

_HELD_SECONDS, _STEP_SECONDS, _CHORD_SECONDS = 0.6, 0.7, 1.5
_VELOCITY = 100
_MOST_LEFT_OUT = 200


@click.command("random")
@option(
    "--count", type=click.IntRange(1, 1000), default=8, show_default=True, help="How many sounds."
)
@option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1001),
    default=0,
    show_default=True,
    help="The same number gives the same sounds.",
)
@option("--model", default="frame_voice", show_default=True, metavar="NAME", help="The voice.")
@option(
    "--truncation",
    type=click.FloatRange(0, 4),
    default=1.0,
    show_default=True,
    help="Below 1 tamer and better in tune, above 1 stranger.",
)
@option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the files; random_MODEL when not given.",
)
@option(
    "--sharpness",
    type=click.FloatRange(0, 16),
    help="How far sounds are drawn towards single instruments; the voice's own by default, 0 draws "
    "them as before.",
)
@option("--all", "takes_all", is_flag=True, help="Also keep what is silent, out of tune or alike.")
@option("--force", is_flag=True, help="Replace files that exist.")
def random_command(
    count: int,
    seed: int,
    model: str,
    truncation: float,
    out: Path | None,
    sharpness: float | None,
    takes_all: bool,
    force: bool,
) -> None:
    """Make presets from random latents, and a WAV file of each.

    Sounds are the draws of seed, seed + 1, …, which `presets new --seed` would make too; those that
    are silent, out of tune or like the one before are left out.
    """
    folder = out or Path(f"random_{model}")
    bundle = installed_bundle(model)
    renderer = open_renderer(bundle, threads=os.cpu_count() or 1)
    audition = None if takes_all else Audition(renderer)
    recipes = _worth_keeping(bundle, count, seed, truncation, sharpness, audition)
    generate_sounds(bundle, recipes, folder, renderer, replace=force)


def _worth_keeping(
    bundle: Bundle,
    count: int,
    seed: int,
    truncation: float,
    sharpness: float | None,
    audition: Audition | None,
) -> list[Recipe]:
    """Draw sounds until so many have passed, or too many have not; say which were left out."""
    recipes: list[Recipe] = []
    console = Console(stderr=True)
    for number in range(seed, seed + count + _MOST_LEFT_OUT):
        if len(recipes) == count:
            break
        recipe = random_recipe(bundle.sound, number, truncation, sharpness)
        fault = audition.fault(follow(recipe, bundle.sound)) if audition else None
        if fault:
            console.print(f"Left out: {number}, {fault}", highlight=False)
        else:
            recipes.append(recipe)
    if len(recipes) < count:
        raise SettingError(
            f"of {count + _MOST_LEFT_OUT} sounds only {len(recipes)} are worth keeping",
            "Take them all with --all, or choose another --truncation.",
        )
    return recipes


def generate_sounds(
    bundle: Bundle,
    recipes: list[Recipe],
    folder: Path,
    renderer: ToneRenderer,
    *,
    replace: bool = False,
) -> None:
    """Write a preset and a WAV file for each recipe, with progress, and say where they are.

    Raises
    ------
    SettingError
        One of the files exists and `replace` is false; nothing has been written then.
    FileError
        The folder or a file cannot be written.
    """
    presets = [_preset(bundle, recipe) for recipe in recipes]
    paths = [folder / f"{bundle.card.name}_{recipe.seed}.toml" for recipe in recipes]
    _check_targets(paths, folder, replace=replace)
    compile_once()
    console = Console(stderr=True)
    with LongWork(console) as progress:
        sounds = progress.add_task("Sounds", total=len(presets))
        for preset, path in zip(presets, paths, strict=True):
            write_sample(preset, bundle, renderer, path.with_suffix(".wav"))
            save_preset(preset, path)
            progress.advance(sounds)
    for path in paths:
        console.print(f"{path} and .wav", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"Play one with: latentkeys play --preset {paths[0]}", markup=False, soft_wrap=True
    )


def write_sample(preset: Preset, bundle: Bundle, renderer: ToneRenderer, path: Path) -> None:
    """Write what a preset sounds like: 16-bit, because a float WAV file tells its time of birth."""
    player = MorphPlayer(
        sample_song(),
        Morph([TimbrePoint(0.0, preset)], bundle.sound),
        TonePrefetch(renderer, RATE_HZ),
        RATE_HZ,
    )
    with WavFile(path, RATE_HZ, subtype="PCM_16") as file:
        for audio in player.play():
            file.write(audio)


def sample_song() -> Song:
    """Return one note in each octave, from low to high, and a chord: seven seconds."""
    timed = sorted(_score(), key=lambda message: message.time_seconds)
    return Song(tuple(timed), timed[-1].time_seconds)


def _score() -> Iterator[SongMessage]:
    chord_at = len(OCTAVES) * _STEP_SECONDS
    notes = [(_STEP_SECONDS * n, _HELD_SECONDS, pitch) for n, pitch in enumerate(OCTAVES)]
    for start, length, pitch in notes + [(chord_at, _CHORD_SECONDS, pitch) for pitch in CHORD]:
        yield SongMessage(start, note_on(pitch, _VELOCITY))
        yield SongMessage(start + length, note_off(pitch))


def _preset(bundle: Bundle, recipe: Recipe) -> Preset:
    name = f"{bundle.card.name} {recipe.seed}"
    return plain_preset(name, bundle, follow(recipe, bundle.sound), recipe)


def _check_targets(paths: list[Path], folder: Path, *, replace: bool) -> None:
    both = [path.with_suffix(suffix) for path in paths for suffix in (".toml", ".wav")]
    there = [path for path in both if path.exists()]
    if there and not replace:
        raise SettingError(
            f'"{there[0]}" exists', "Add --force to replace it, or choose another --out or --seed."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise cannot_write(folder, problem) from problem
