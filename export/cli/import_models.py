"""``latentkeys import``: turn models that others trained into bundles."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from export.bundle.folder import model_folder
from instrument.bundle.card import CARD_NAME
from instrument.cli.options import option
from instrument.errors import FileError, SettingError
from instrument.progress import working


@click.group("import")
def import_group() -> None:
    """Turn models that others trained into bundles, or models into runs."""


@import_group.command("magenta")
@click.argument("folder", metavar="CHECKPOINT_DIR", type=click.Path(path_type=Path))
@option("--name", required=True, help="The model's name: a-z, 0-9, _ and -.")
@option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder that gets NAME/; the user's models folder by default.",
)
@option("--force", is_flag=True, help="Replace the model NAME if there is one.")
def magenta_command(folder: Path, name: str, out: Path | None, force: bool) -> None:
    r"""Make a bundle of one of Google Magenta's GANSynth checkpoints.

    Google trained two on the NSynth data set and offers them as archives; download one of them
    yourself and unpack it:

    \b
    https://storage.googleapis.com/magentadata/models/gansynth/acoustic_only.zip
    https://storage.googleapis.com/magentadata/models/gansynth/all_instruments.zip

    CHECKPOINT_DIR is the folder that appears, with experiment.json and stage folders. The code that
    made them is under Apache-2.0, NSynth under CC BY 4.0; no licence was published with the weights
    themselves, so latentkeys neither brings them along nor allows you to pass them on.

    TensorFlow is not needed. The graphs are compared with torch and tested on this machine's
    onnxruntime before the bundle appears.
    """
    from export.bundle.summary import describe_parity
    from export.magenta.import_model import import_magenta

    target = model_folder(name, out)
    _refuse_to_replace(target, force)
    console = Console(highlight=False)
    with working(Console(stderr=True), "reading the checkpoint") as now:
        bundle = import_magenta(folder, target, report=now)
    size = sum(entry.size_bytes for entry in bundle.card.files.values())
    console.print(f"{bundle.path}: {len(bundle.card.files) + 1} files, {size / 1e6:.1f} MB")
    console.print(describe_parity(bundle))
    console.print(f"Make a preset of it with: latentkeys presets new GLASS --model {name} --seed 1")


@import_group.command("model")
@click.argument("name", metavar="MODEL")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@option("--recipe", default="with_critic", show_default=True, help="How it goes on learning.")
@option("--data", default="soundfont", show_default=True, help="What from, by name or folder.")
@option("--steps", type=click.IntRange(min=1), default=8000, show_default=True, help="How long.")
@option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of its chance.")
def model_command(name: str, run: Path, recipe: str, data: str, steps: int, seed: int) -> None:
    """Begin a training run RUN with the sound of MODEL, a GANSynth of `train gansynth-small`.

    The recipe with_critic lets a critic judge its random sounds from then on.
    """
    from export.gansynth.restore import begin_again
    from instrument.bundle.installed import installed_bundle
    from training.data.audio.waves import open_waves
    from training.gansynth.small.config import RECIPES
    from training.trainer.checkpoint import CHECKPOINT
    from training.trainer.run_card import Length

    console = Console(highlight=False)
    if recipe not in RECIPES:
        raise SettingError(f"there is no recipe {recipe!r}", f"Choose of: {', '.join(RECIPES)}.")
    if (run / CHECKPOINT).exists():
        raise SettingError(f"{run} already has a checkpoint", "Choose another folder.")
    bundle = installed_bundle(name)
    begin_again(bundle, recipe, open_waves(data), Length(steps, 0.0, seed), run)
    console.print(
        f"{run} sounds like {name}. Go on with:\n  latentkeys train gansynth-small {run} --resume",
        soft_wrap=True,
    )


def _refuse_to_replace(target: Path, force: bool) -> None:
    if (target / CARD_NAME).is_file() and not force:
        raise FileError(
            f"there is a model {target.name} in {target.parent}",
            "Choose another --name, or replace it with --force.",
        )
