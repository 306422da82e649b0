"""``latentkeys export``: turn a training run into a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from export.bundle.summary import describe_parity
from instrument.bundle.bundle import Bundle, load_sound
from instrument.bundle.card import CARD_NAME
from instrument.bundle.installed import installed_bundle
from instrument.cli.options import option
from instrument.errors import SettingError
from instrument.progress import working

CONVGAN = "convgan"


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@option("--name", help="Name of the model; the system's by default.")
@option("--version", default="1", show_default=True, help="Written on the card.")
@option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder that gets NAME/; the user's models folder by default.",
)
@option(
    "--data", metavar="CORPUS", help="Of a composer: its corpus, where that is not found by name."
)
@option(
    "--accept",
    type=click.FloatRange(0, 200),
    metavar="DB",
    help="Of GANSynth: take notes that are only so exact; 50 dB by default. It is on the card.",
)
@option(
    "--triton",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write a model repository for a server such as Triton, too; RUN may be a model's name.",
)
def export_command(
    run: Path,
    name: str | None,
    version: str,
    out: Path | None,
    data: str | None,
    accept: float | None,
    triton: Path | None,
) -> None:
    """Write what the run RUN has learned as a bundle that latentkeys can play.

    The graphs are exported, compared with torch, and tested with this machine's onnxruntime before
    the bundle appears. A voice's bundle is played; a composer's plays along and continues files.

    With --triton the graphs of a voice are written once more, for a server that renders for
    `latentkeys play --renderer grpc://HOST:8001`. Serve them: tritonserver
    --model-repository=FOLDER
    """
    console = Console(highlight=False)
    if triton and (made := _made_already(run)):
        _write_repository(made, triton, console)
        return
    bundle = _export(run, name, version, out, data, accept, console)
    if triton:
        _write_repository(bundle, triton, console)


def _export(
    run: Path,
    name: str | None,
    version: str,
    out: Path | None,
    data: str | None,
    accept: float | None,
    console: Console,
) -> Bundle:
    from export.bundle.folder import model_folder
    from training.systems import SOUND_SYSTEMS
    from training.trainer.checkpoint import FRAME_VOICE, read_checkpoint

    with working(Console(stderr=True), "reading the run") as now:
        system, _, _ = read_checkpoint(run)
        target = model_folder(name or system.replace("-", "_"), out)
        if system == FRAME_VOICE:
            bundle, said = _export_voice(run, target, version, now)
        elif system in SOUND_SYSTEMS:
            bundle, said = _export_notes(run, system, target, version, accept, now)
        else:
            bundle, said = _export_composer(run, target, version, data, now)
    size = sum(entry.size_bytes for entry in bundle.card.files.values())
    console.print(f"{bundle.path}: {len(bundle.card.files) + 1} files, {size / 1e6:.1f} MB")
    console.print(said)
    return bundle


def _made_already(run: Path) -> Bundle | None:
    """Load what is a model already, by its folder or its name; None of a run."""
    if (run / CARD_NAME).is_file():
        return load_sound(run)
    return None if run.is_dir() else installed_bundle(str(run))


def _write_repository(bundle: Bundle, folder: Path, console: Console) -> None:
    from export.triton.repository import write_repository

    names = write_repository(bundle, folder)
    console.print(f"{folder}: {len(names)} models for a server, {names[0]} ...", soft_wrap=True)


def _export_voice(
    run: Path, target: Path, version: str, report: Callable[[str], None]
) -> tuple[Bundle, str]:
    from export.frame_voice.write import ROUNDING, write_bundle

    bundle = write_bundle(run, target, version=version, report=report)
    return bundle, (
        f"largest difference to torch {_worst(bundle):.1e} of full scale, self-test good\n"
        f"matrices kept as float16 change levels by {bundle.card.parity[ROUNDING]:.3f} dB (p99)"
    )


def _export_notes(
    run: Path,
    system: str,
    target: Path,
    version: str,
    accept: float | None,
    report: Callable[[str], None],
) -> tuple[Bundle, str]:
    if system == CONVGAN:
        return _export_tiles(run, target, version, report)
    from export.gansynth.export import SYSTEMS, export_gansynth
    from export.gansynth.parity import LEAST_DB

    if system not in SYSTEMS:
        raise SettingError(
            f"a run of {system} cannot be exported: no instrument plays it",
            f"These can: {', '.join(SYSTEMS)}, {CONVGAN}, frame-voice and the composers.",
        )
    least_db = LEAST_DB if accept is None else accept
    bundle = export_gansynth(run, target, version=version, report=report, least_db=least_db)
    return bundle, describe_parity(bundle)


def _export_tiles(
    run: Path, target: Path, version: str, report: Callable[[str], None]
) -> tuple[Bundle, str]:
    from export.convgan.write import SOUND, export_convgan
    from instrument.rendering.convgan import GRAPH

    bundle = export_convgan(run, target, version=version, report=report)
    parity = bundle.card.parity
    return bundle, (
        f"tiles differ from torch by at most {parity[GRAPH]:.1e} dB, their sound, drawn again, by "
        f"{parity[SOUND]:.2f} dB on average; self-test good"
    )


def _export_composer(
    run: Path, target: Path, version: str, corpus: str | None, report: Callable[[str], None]
) -> tuple[Bundle, str]:
    from export.composers.write import ROUNDING, write_composer

    bundle = write_composer(run, target, version=version, corpus=corpus, report=report)
    return bundle, (
        f"largest difference to torch {_worst(bundle):.1e}, self-test good\n"
        f"matrices kept as float16 change outputs by {100 * bundle.card.parity[ROUNDING]:.2f} %\n"
        f"Try it with: latentkeys compose OUT.mid --model {target.name}"
    )


def _worst(bundle: Bundle) -> float:
    """Return the largest difference to torch of any graph."""
    card = bundle.card
    return max(value for graph, value in card.parity.items() if graph in card.graphs)
