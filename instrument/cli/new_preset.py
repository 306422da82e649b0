"""``latentkeys presets new`` and ``refresh``: from instruments, chance, presets, a WAV file."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console

from instrument.bundle.installed import installed_bundle
from instrument.cli.options import FILE, SEED, HeadedCommand, refuse_without, under
from instrument.errors import SettingError
from instrument.latents.create_preset import (
    PresetRequest,
    new_path,
    new_preset,
    plain_preset,
    refresh_preset,
)
from instrument.latents.fit_to_recording import find_nearest, read_example, steps_of
from instrument.preset.banks import with_program
from instrument.preset.preset import find_preset, save_preset, user_presets_folder
from instrument.progress import LongWork
from instrument.rendering.open_renderer import open_renderer

DEFAULT_MODEL = "frame_voice"
_start, _more = under("Start from one of"), under("Options of a start")
_console = Console()


@click.command("new", cls=HeadedCommand)
@click.argument("name")
@_start("--blend", metavar="A:0.5,B:0.5", help="Instruments of the voice, each with its share.")
@_start(
    "--seed", type=SEED, metavar="N", help="A random sound; the same number gives the same sound."
)
@_start("--from", "source", metavar="PRESET", help="A copy of another preset, to edit.")
@_start("--between", nargs=2, metavar="A B", help="A sound between two presets of one voice.")
@_start("--like", type=FILE, metavar="WAV", help="The voice's nearest sound to a recorded note.")
@_more(
    "--model", metavar="NAME", help=f"Voice of --blend, --seed, --like; {DEFAULT_MODEL} by default."
)
@_more(
    "--amount",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Of --between: 0 is all A, 1 is all B; 0.5 by default.",
)
@_more(
    "--around", is_flag=True, help="Of --between: keep the sound as strong halfway as at its ends."
)
@_more(
    "--pitch",
    type=click.IntRange(0, 127),
    metavar="N",
    help="Of --like: the recorded note, as MIDI number; estimated when not given.",
)
def new_command(
    name: str,
    blend: str | None,
    seed: int | None,
    source: str | None,
    between: tuple[str, str] | None,
    like: Path | None,
    model: str | None,
    amount: float | None,
    around: bool,
    pitch: int | None,
) -> None:
    """Make a preset in your own presets folder."""
    if not between:
        remedy = "For example: --between felt_grand slow_strings --amount 0.3"
        refuse_without("--between", {"--amount": amount, "--around": around}, remedy)
    if like is None:
        refuse_without("--like", {"--pitch": pitch}, "For example: --like bell.wav --pitch 72")
    if source or between:
        remedy = "The preset brings its own voice: leave --model out."
        refuse_without("--blend, --seed or --like", {"--model": model}, remedy)
    if like is not None:
        if blend or seed is not None or source or between:
            raise SettingError("--like starts from a WAV file", "Leave the other starts out.")
        _make_like(name, like, pitch, model or DEFAULT_MODEL)
        return
    request = PresetRequest(
        blend=_shares(blend) if blend else {},
        seed=seed,
        source=source,
        between=between or None,
        amount=0.5 if amount is None else amount,
        path="around" if around else "own",
    )
    path = new_preset(name, request, model=model or DEFAULT_MODEL)
    _console.print(f"Made {path}\nHear it with: latentkeys play --preset {path.stem}", markup=False)


@click.command("refresh", short_help="Make a preset again, for the voice of now.")
@click.argument("name")
def refresh_command(name: str) -> None:
    """Make a preset's sound again from its recipe, for the voice that is installed now."""
    path = find_preset(name)
    preset = refresh_preset(path)
    _console.print(
        f"{path} now belongs to {preset.model.name} {preset.model.version}", markup=False
    )


def _make_like(name: str, wav: Path, pitch: int | None, model: str) -> None:
    """Make a preset whose sound is as near as the voice comes to a recorded note."""
    path = new_path(name, user_presets_folder())
    bundle = installed_bundle(model)
    renderer = open_renderer(bundle, threads=os.cpu_count() or 1)
    example = read_example(wav, pitch, renderer)
    with LongWork(Console(stderr=True)) as progress:
        looking = progress.add_task("Looking", total=steps_of(bundle.sound))
        found = find_nearest(example, bundle.sound, renderer, lambda: progress.advance(looking))
    preset = plain_preset(name, bundle, found.latent, dies_away=example.dies_away)
    save_preset(with_program(preset, path), path)
    _console.print(
        f"Made {path}\nPitch {example.pitch}; {found.distance_db:.1f} dB from the recording "
        f"(the best of the search: {found.searched_db:.1f} dB)\n"
        f"Hear it with: latentkeys play --preset {path.stem}",
        markup=False,
        highlight=False,
    )


def _shares(text: str) -> dict[str, float]:
    """Read ``Marimba:0.5,Choir Aahs:0.5``; a name alone has the share 1."""
    shares: dict[str, float] = {}
    for item in text.split(","):
        instrument, _, share = item.partition(":")
        try:
            shares[instrument.strip()] = float(share) if share else 1.0
        except ValueError:
            raise SettingError(
                f"--blend: the share of {instrument.strip()!r} must be a number, got {share!r}",
                "For example: --blend 'Marimba:0.5,Choir Aahs:0.5'",
            ) from None
    return shares
