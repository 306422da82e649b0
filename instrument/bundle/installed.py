"""Which models are there: beside the preset, then in the user's folder, then the shipped ones.

In: a model's name, or what a preset says of it. Out: a checked `Bundle`.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs

from instrument.bundle.bundle import Bundle, load_sound
from instrument.bundle.reference import ModelReference
from instrument.errors import BundleError, PresetError
from instrument.files import shipped_presets_folder
from instrument.schema import nearest


def find_bundle(model: ModelReference, preset_path: Path | None = None) -> Bundle:
    """Find and load the bundle that a preset names.

    Parameters
    ----------
    model
        The preset's ``[model]``.
    preset_path
        The preset's own file: ``models/NAME`` beside it comes first.

    Raises
    ------
    PresetError
        No such model is installed, or another version whose latent numbers mean other sounds.
    BundleError
        The bundle itself fails a check.
    """
    what = f'preset "{preset_path.name}"' if preset_path else "the preset"
    folders = _model_folders(preset_path)
    found = [folder / model.name for folder in folders if (folder / model.name).is_dir()]
    if not found:
        names = [path.name for folder in folders if folder.is_dir() for path in folder.iterdir()]
        remedy = nearest(model.name, names) or f"Put its folder into {user_models_folder()}."
        raise PresetError(f"{what}: [model] name: there is no model {model.name!r}", remedy)
    bundles, problems = [], []
    for path in found:
        try:
            bundle = load_sound(path)
        except BundleError as problem:
            problems.append(problem)
            continue
        if bundle.weights_sha256 == model.sha256:
            return bundle
        bundles.append(bundle)
    if problems:
        raise problems[0]
    raise PresetError(
        f"{what}: [model] sha256: was made for {model.name} {model.version} "
        f"({model.sha256[:8]}), installed is {bundles[0].card.version} "
        f"({bundles[0].weights_sha256[:8]}), where the same numbers are another sound",
        "Install the matching model, or make the preset again: `latentkeys presets refresh`.",
    )


def installed_bundle(name: str, preset_path: Path | None = None) -> Bundle:
    """Load the voice of that name, whichever version is installed.

    Parameters
    ----------
    preset_path
        A preset's own file: ``models/NAME`` beside it comes first.

    Raises
    ------
    PresetError
        There is no model of that name.
    BundleError
        It is a composer, or a file fails a check.
    """
    beside = preset_path.parent / "models" / name if preset_path else None
    if beside and beside.is_dir():
        return load_sound(beside)
    installed = installed_models()
    if name not in installed:
        remedy = nearest(name, installed) or f"Put its folder into {user_models_folder()}."
        raise PresetError(f"there is no model {name!r}", remedy)
    return load_sound(installed[name])


def installed_models() -> dict[str, Path]:
    """Return the folder of every model by its name, the user's before the shipped ones.

    No file has been read: `Bundle.load` says whether a folder holds a model.
    """
    return {
        path.name: path
        for folder in (shipped_models_folder(), user_models_folder())
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }


def user_models_folder() -> Path:
    """Where the user's own bundles live; it need not exist yet."""
    return platformdirs.user_data_path("latentkeys") / "models"


def shipped_models_folder() -> Path:
    """The bundles that came with the project."""
    return shipped_presets_folder() / "models"


def _model_folders(preset_path: Path | None) -> list[Path]:
    beside = [preset_path.parent / "models"] if preset_path else []
    folders = [*beside, user_models_folder(), shipped_models_folder()]
    return list(dict.fromkeys(folder.resolve() for folder in folders))
