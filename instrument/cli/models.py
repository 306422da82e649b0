"""``latentkeys models``: the voices that sound and the composers that write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from instrument.bundle.card import CARD_NAME, VoiceCard, read_card
from instrument.bundle.installed import installed_models, user_models_folder
from instrument.composers.registry import list_composers
from instrument.errors import BundleError

_console = Console(highlight=False)


@click.group("models")
def models_group() -> None:
    """List the voices and the composers."""


@models_group.command("list", short_help="List the voices and the composers.")
def list_command() -> None:
    """List the voices, which turn presets into sound, and the composers, which write notes."""
    _console.print(_table("voice", _voices()))
    _console.print(
        "\nMake a preset of one with: latentkeys presets new NAME --model VOICE --seed 1\n"
    )
    composers = ((entry.name, entry.kind, entry.description) for entry in list_composers())
    _console.print(_table("composer", composers))
    _console.print("\nUse one with: latentkeys continue IN.mid OUT.mid --model COMPOSER")
    _console.print(f"Yours are in: {user_models_folder()}", soft_wrap=True, markup=False)


def _voices() -> Iterator[tuple[str, str, str]]:
    for name, folder in installed_models().items():
        try:
            card = read_card(folder / CARD_NAME, f'bundle "{name}", {CARD_NAME}')
        except BundleError:
            continue  # nobody knows whether it is a voice: the list of composers says its problem
        if isinstance(card, VoiceCard):
            yield name, card.kind, card.description


def _table(what: str, rows: Iterable[tuple[str, str, str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(what, no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("what it is")
    for name, kind, description in rows:
        table.add_row(name, kind, escape(description.split(". ")[0].removesuffix(".")))
    return table
