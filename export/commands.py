"""``latentkeys export``: turn a training run into a bundle."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--name", default="frame_voice", show_default=True, help="The model's name.")
@click.option("--version", default="1", show_default=True, help="Written on the card.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder that gets NAME/; the user's models folder when not given.",
)
def export_command(run: Path, name: str, version: str, out: Path | None) -> None:
    """Write the model of the training run RUN as a bundle that latentkeys can play.

    The graphs are exported, compared with torch on random notes, and tested on this machine's
    onnxruntime before the bundle appears.
    """
    from export.write_bundle import ROUNDING, write_bundle
    from instrument.bundle import user_models_folder

    console = Console()
    with console.status("reading the run") as status:
        bundle = write_bundle(
            run,
            (out or user_models_folder()) / name,
            version=version,
            report=lambda what: status.update(what),
        )
    card = bundle.card
    size = sum(entry.size_bytes for entry in card.files.values())
    worst = max(value for graph, value in card.parity.items() if graph in card.graphs)
    console.print(f"{bundle.path}: {len(card.files) + 1} files, {size / 1e6:.1f} MB")
    console.print(f"largest difference to torch {worst:.1e} of full scale, self-test good")
    console.print(f"matrices kept as float16 change levels by {card.parity[ROUNDING]:.3f} dB (p99)")
