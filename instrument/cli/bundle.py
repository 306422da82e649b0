"""``latentkeys bundle check``: whether a model is whole and does here what it did at home."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import ComposerCard
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import installed_models
from instrument.bundle.self_test import check_graphs
from instrument.bundle.trial import try_every_graph
from instrument.errors import BundleError
from instrument.files import is_folder
from instrument.rendering.open_renderer import open_renderer, self_test
from instrument.schema import nearest

_console = Console(highlight=False)


@click.group("bundle")
def bundle_group() -> None:
    """Look after models, which are folders called bundles."""


@bundle_group.command("check", short_help="Check a model's files and test notes.")
@click.argument("path", metavar="NAME|FOLDER")
def check_command(path: str) -> None:
    """Check every file of a model, and that it gives here what it gave where it was made."""
    bundle = Bundle.load(_folder(path))
    files = len(bundle.card.files)
    _console.print(f"{bundle.path}: {files} files have the card's checksums", markup=False)
    try_every_graph(bundle)
    _console.print(f"{len(bundle.card.graphs)} graphs run, and take and give what the card says")
    if isinstance(bundle.card, ComposerCard):
        difference = check_graphs(bundle, Runtime(device="cpu"))
        tests = len(bundle.card.self_test)
        _console.print(f"{tests} self-test runs: largest difference {difference:.1e}")
        return
    renderer = open_renderer(bundle)
    difference = self_test(bundle, renderer)
    _console.print(
        f"{len(bundle.card.self_test)} self-test notes on {renderer.info.provider}: "
        f"largest difference {difference:.1e} of full scale"
    )
    if renderer.info.notice:
        _console.print(renderer.info.notice, markup=False)


def _folder(name: str) -> Path:
    """Find a model by its folder or its name.

    Raises
    ------
    BundleError
        There is none; the message names the nearest.
    """
    if is_folder(Path(name)):
        return Path(name)
    installed = installed_models()
    if name not in installed:
        remedy = nearest(name, installed) or (
            f"There are: {', '.join(installed)}." if installed else ""
        )
        raise BundleError(f"there is no bundle {name[:80]!r}", remedy)
    return installed[name]
