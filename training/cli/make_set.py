"""What every ``latentkeys data …`` does: make a set where none is; say what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from instrument.errors import SettingError
from training.data.audio.wave_writer import CollectedWaves
from training.data.named_sets import NamedSets
from training.data.symbolic.reading import Collected, Show, Skipped
from training.trainer.progress import counting

_NAMED_SKIPPED = 20


Made = TypeVar("Made", Collected, CollectedWaves)


def make_set(
    kind: NamedSets, name: str, place: Path, force: bool, read: Callable[[Show], Made]
) -> Made | None:
    """Read a set into its place with a progress bar; return None if it is there already.

    Raises
    ------
    SettingError
        The name cannot be one, or something else is at its place.
    """
    console = Console()
    if not name or Path(name).name != name or name.startswith("."):
        raise SettingError(f"--name must be a plain name, got {name!r}")
    if kind.has(place) and not force:
        console.print(f"The {kind.what} {name} is there already ({place}); --force makes it again.")
        return None
    if place.exists() and not kind.has(place):
        raise SettingError(f"{place} is there and is no {kind.what}", "Choose another place.")
    with counting(console, "reading") as show:
        made = read(lambda item, done, total: show(escape(item[-40:]), done, total))
    name_skipped(made.skipped)
    console.print(f"{place}:")
    return made


def name_skipped(skipped: Sequence[Skipped]) -> None:
    """Say on stderr what could not be read."""
    console = Console(stderr=True)
    for name, reason in skipped[:_NAMED_SKIPPED]:
        console.print(f"skipped {escape(name)}: {escape(reason)}", style="yellow", highlight=False)
    if skipped:
        console.print(f"skipped in all: {len(skipped)}", style="yellow", highlight=False)
