"""``latentkeys presets``: list, show and check presets; `new_preset` makes them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from instrument.bundle.installed import shipped_models_folder
from instrument.bundle.trial import try_every_graph
from instrument.cli.new_preset import new_command, refresh_command
from instrument.errors import LatentkeysError, PresetError, SettingError
from instrument.latents.create_preset import check_preset
from instrument.partner.open_partner import open_partner
from instrument.preset.banks import program_table
from instrument.preset.preset import PresetEntry, find_preset, list_presets
from instrument.rendering.open_renderer import open_renderer
from instrument.schema import nearest

_BROKEN = "cannot be played"
_ANY_RATE_HZ = 48_000.0
_console = Console()


@click.group("presets")
def presets_group() -> None:
    """List, show, check and make presets."""


presets_group.add_command(new_command)
presets_group.add_command(refresh_command)


@presets_group.command("list")
@click.option("--tag", metavar="TAG", help="Only presets with this tag, such as plucked or pad.")
@click.option("--model", metavar="NAME", help="Only presets of this voice.")
def list_command(tag: str | None, model: str | None) -> None:
    """List presets, each with the MIDI program number that selects it.

    A preset that cannot be played keeps its line, which says why.
    """
    entries = list_presets()
    programs = {entry.path: str(number) for number, entry in program_table(entries).items()}
    chosen = _chosen(entries, tag, model)
    for (origin, voice), group in groupby(sorted(chosen, key=_group), key=_group):
        owner = "Yours" if origin == "user" else "Shipped"
        heading = f"{owner}, of the voice {voice}" if voice != _BROKEN else f"{owner}, {voice}"
        _console.print(heading, style="bold", markup=False, highlight=False)
        _console.print(_table(group, programs))
        _console.print()
    _console.print(
        "Play one with: latentkeys play --preset NAME\n"
        "A MIDI program change with its number selects it while you play.",
        highlight=False,
    )


def _group(entry: PresetEntry) -> tuple[str, str]:
    return ("user" if entry.origin == "user" else "with us"), _model(entry)


def _model(entry: PresetEntry) -> str:
    return entry.preset.model.name if entry.preset else _BROKEN


def _chosen(entries: list[PresetEntry], tag: str | None, model: str | None) -> list[PresetEntry]:
    """Keep the presets of a tag and a voice.

    Raises
    ------
    SettingError
        No preset has that tag, or is of that voice.
    """
    if tag is not None:
        tags = {known for entry in entries if entry.preset for known in entry.preset.tags}
        _check_choice("--tag", tag, tags)
        entries = [entry for entry in entries if entry.preset and tag in entry.preset.tags]
    if model is not None:
        _check_choice(
            "--model", model, {entry.preset.model.name for entry in entries if entry.preset}
        )
        entries = [entry for entry in entries if _model(entry) == model]
    return entries


def _check_choice(option: str, found: str, choices: Iterable[str]) -> None:
    if found not in choices:
        remedy = nearest(found, choices) or f"There are: {', '.join(sorted(choices))}."
        raise SettingError(f"{option}: no preset has {found!r}", remedy)


def _table(entries: Iterable[PresetEntry], programs: dict[Path, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", width=3)
    table.add_column(no_wrap=True)
    table.add_column()
    for entry in entries:
        table.add_row(programs.get(entry.path, "-"), entry.name, escape(_description(entry)))
    return table


def _description(entry: PresetEntry) -> str:
    if entry.preset is None:
        return entry.problem.message if entry.problem else ""
    return entry.preset.description or ", ".join(entry.preset.tags)


@presets_group.command("show")
@click.argument("name")
def show_command(name: str) -> None:
    """Show a preset: its file, its voice, its settings."""
    path = find_preset(name)
    preset, bundle = check_preset(path)
    _console.print(f"[bold]{escape(preset.name)}[/]  {escape(str(path))}", highlight=False)
    _console.print(f"model {bundle.card.name} {bundle.card.version}, {escape(str(bundle.path))}\n")
    _console.print(path.read_text(encoding="utf-8"), markup=False)


@presets_group.command("check")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def check_command(names: tuple[str, ...]) -> None:
    """Check presets and their voices; all presets when you name none."""
    paths = [find_preset(name) for name in names] or [entry.path for entry in list_presets()]
    broken, tried = 0, {shipped_models_folder()}
    for path in paths:
        try:
            preset, bundle = check_preset(path, _note)
            if not tried & {bundle.path, bundle.path.parent}:
                try_every_graph(bundle)
                open_renderer(bundle, device="cpu")
            tried.add(bundle.path)
            if preset.partner:
                open_partner(preset.partner, _ANY_RATE_HZ)  # its composer, or its band
        except LatentkeysError as problem:
            broken += 1
            said = f"[red]wrong[/]  {path.stem}: {escape(str(problem))}"
            _console.print(said, highlight=False, soft_wrap=True)
        else:
            _console.print(
                f"[green]good[/]   {path.stem}: {escape(preset.name)}, model {bundle.card.name} "
                f"{bundle.card.version}, {len(preset.sound.latent)} latent numbers",
                highlight=False,
                soft_wrap=True,
            )
    if broken:
        raise PresetError(f"{broken} of {len(paths)} presets cannot be played")


def _note(notice: str, remedy: str) -> None:
    text = f"[yellow]note[/]   {escape(notice)}. {escape(remedy)}"
    _console.print(text, highlight=False, soft_wrap=True)
