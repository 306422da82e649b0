"""Export the composers that come with the project, and prove each by letting it play.

``python -m export.release.composers presets/models note_lstm_tunes=runs/note_tunes …``

In: runs, by the name that each model gets. Out: their bundles, and a table of their sizes and
figures. It ends with an error if a model plays two different answers to the same seed, plays
nothing, or if all composers together are larger than the project wants to carry.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from export.bundle.card_file import to_json
from export.bundle.evaluation import read_evaluation
from export.composers.samples import answer
from export.composers.write import ROUNDING, run_card, write_composer
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import CARD_NAME, ComposerCard
from instrument.composers.registry import composer_of
from instrument.errors import BundleError, LatentkeysError, SettingError
from instrument.files import replacing_file
from instrument.midi.phrases import write_phrase
from instrument.music.constraints import Constraints
from instrument.music.note import Phrase

LARGEST_BYTES = 28_000_000
PROOF_BARS = 4


@dataclass(frozen=True, slots=True)
class Proof:
    """What a composer did when it was asked for four bars.

    Attributes
    ----------
    notes
        How many notes it wrote.
    seconds
        How long it took, without opening.
    """

    notes: int
    seconds: float


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("runs", nargs=-1, required=True, metavar="NAME=RUN...")
@click.option("--version", default="1", show_default=True)
@click.option(
    "--only-figures", is_flag=True, help="Only put what evaluate found since on the cards."
)
def main(folder: Path, runs: tuple[str, ...], version: str, only_figures: bool) -> None:
    """Export every RUN as the model NAME into FOLDER."""
    console = Console(width=120)
    try:
        pairs = [_pair(text) for text in runs]
        for name, run in pairs:
            if only_figures:
                renew_figures(folder / name, run)
                continue
            with console.status(name) as status:
                write_composer(run, folder / name, version=version, report=status.update)
            console.print(f"{name}: written", markup=False)
        console.print(table([Bundle.load(folder / name) for name, _ in pairs]))
        check_size(folder)
    except LatentkeysError as problem:
        console.print(str(problem), markup=False)
        raise SystemExit(2) from problem


def renew_figures(folder: Path, run: Path) -> None:
    """Put a run's latest evaluation on the card of the bundle that was exported from it.

    Raises
    ------
    BundleError
        The bundle was exported from another step of the run.
    """
    bundle = Bundle.load(folder)
    found = run_card(run)
    if found.step != bundle.card.training.get("steps"):
        raise BundleError(
            f"{bundle.what}: was exported at step {bundle.card.training.get('steps')}, "
            f"{run} is at step {found.step}",
            "Export it again.",
        )
    card = dataclasses.replace(bundle.music, metrics=read_evaluation(run, found))
    with replacing_file(folder / CARD_NAME) as path:
        path.write_bytes(to_json(card))


def prove(bundle: Bundle) -> Proof:
    """Let a composer play twice from the same seed, beside, after or without a melody.

    Raises
    ------
    BundleError
        The two differ, or there is not one note.
    """
    composer = composer_of(bundle)
    began = time.perf_counter()
    made = [answer(bundle, composer, PROOF_BARS, Constraints()) for _ in range(2)]
    seconds = (time.perf_counter() - began) / 2
    if _bytes(made[0]) != _bytes(made[1]):
        raise BundleError(f"{bundle.what}: one seed gives two different answers")
    if not made[0].notes:
        raise BundleError(f"{bundle.what}: writes no note")
    return Proof(len(made[0].notes), seconds)


def check_size(folder: Path) -> None:
    """Refuse a folder whose composers are too large together.

    Raises
    ------
    BundleError
        They are.
    """
    bundles = [Bundle.load(path.parent) for path in sorted(folder.glob(f"*/{CARD_NAME}"))]
    composers = [bundle for bundle in bundles if isinstance(bundle.card, ComposerCard)]
    total = sum(_size(bundle) for bundle in composers)
    if total > LARGEST_BYTES:
        raise BundleError(
            f"{folder}: the composers have {total / 1e6:.1f} MB together, may have "
            f"{LARGEST_BYTES / 1e6:.0f}"
        )


def table(bundles: list[Bundle]) -> Table:
    """Tabulate what was written; every model is proven on the way."""
    made = Table(box=None, pad_edge=False)
    for heading in ("composer", "MB", "torch", "float16 %", "held-out loss", "notes", "s / bar"):
        made.add_column(heading, justify="left" if heading == "composer" else "right")
    for bundle in bundles:
        proof, parity = prove(bundle), bundle.card.parity
        loss = bundle.card.metrics.get("validation", {}).get("loss")
        made.add_row(
            bundle.card.name,
            f"{_size(bundle) / 1e6:.2f}",
            f"{max(parity[graph] for graph in bundle.card.graphs):.0e}",
            f"{100 * parity[ROUNDING]:.2f}",
            "" if loss is None else f"{loss:.4f}",
            str(proof.notes),
            f"{proof.seconds / PROOF_BARS:.3f}",
        )
    return made


def _pair(text: str) -> tuple[str, Path]:
    name, _, run = text.partition("=")
    if not run:
        raise SettingError(f"each run must be NAME=RUN, got {text!r}")
    return name, Path(run)


def _bytes(phrase: Phrase) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proof.mid"
        write_phrase(path, phrase)
        return path.read_bytes()


def _size(bundle: Bundle) -> int:
    return sum(file.size_bytes for file in bundle.card.files.values())


if __name__ == "__main__":
    main()
