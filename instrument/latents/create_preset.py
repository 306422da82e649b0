"""Make presets: from instruments, from chance, from another preset, from two.

In: a model's bundle and a request. Out: a TOML file in the user's folder. For the command line:
`new_preset` (``presets new``), `refresh_preset` (``presets refresh``) and `check_preset`
(``presets check``).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import find_bundle, installed_bundle
from instrument.errors import PresetError
from instrument.latents.latent import Latent, between, follow, goes_around, random_recipe, slerp
from instrument.preset.banks import with_program
from instrument.preset.preset import (
    Preset,
    Say,
    file_stem,
    find_preset,
    load_preset,
    save_preset,
    user_presets_folder,
)
from instrument.preset.sections import Envelope, Recipe, Slide, Soft, Sound
from instrument.rendering.air_band import MODEL_HZ

Table = TypeVar("Table")
Point = TypeVar("Point", Slide | None, Soft | None)


@dataclass(frozen=True, slots=True)
class PresetRequest:
    """What a new preset starts from; exactly one of the four."""

    blend: dict[str, float] = field(default_factory=dict)  #: instruments and their shares
    seed: int | None = None  #: a draw from the model's latent prior
    source: str | None = None  #: another preset, name or path
    between: tuple[str, str] | None = None  #: two other presets of the same model
    amount: float = 0.5  #: of `between`: 0 = the first, 1 = the second
    path: Literal["own", "around"] = "own"  #: of `between`: as the model's points lie, or slerp

    def __post_init__(self) -> None:
        given = [bool(self.blend), self.seed is not None, bool(self.source), bool(self.between)]
        if sum(given) != 1:
            raise PresetError(
                "a new preset starts from exactly one of: a blend, a seed, a preset, two presets",
                "For example: --blend 'Marimba:0.5,Choir Aahs:0.5'",
            )
        if self.between and not 0 <= self.amount <= 1:
            raise PresetError(f"amount must be in 0..1, got {self.amount:g}")


def new_preset(
    name: str, request: PresetRequest, *, model: str = "frame_voice", folder: Path | None = None
) -> Path:
    """Make a preset and write it as ``NAME.toml``.

    Parameters
    ----------
    name
        What people call it; the file name is made from it.
    request
        What it starts from.
    model
        The model of a blend or a seed; the other two bring their own.
    folder
        Where it is written; the user's presets folder when not given.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    PresetError
        There is a preset of that name already, or the request names something that does not exist.
    """
    path = new_path(name, folder or user_presets_folder())
    save_preset(with_program(_fulfil(name, request, model), path), path)
    return path


def new_path(name: str, folder: Path, *, replace: bool = False) -> Path:
    """Return where a new preset goes; its folder is there then.

    Parameters
    ----------
    replace
        Whether there may be one already.

    Raises
    ------
    PresetError
        There is a preset of that name already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file_stem(name)}.toml"
    if path.exists() and not replace:
        raise PresetError(f'preset "{path.name}": is there already ({path})', "Use another name.")
    return path


def refresh_preset(path: Path, bundle: Bundle | None = None) -> Preset:
    """Make a preset's latent again from its recipe, for the model as it is installed now.

    Tables with an old name get today's; a preset that has one needs no recipe, its latent stays.

    Parameters
    ----------
    path
        The preset; it is overwritten, and all but its latent and ``[model]`` stays.
    bundle
        The model; the installed one of the preset's own model name when not given.

    Raises
    ------
    PresetError
        The preset has no recipe, or the model does not know an instrument of it.
    """
    renamed: list[str] = []
    preset = load_preset(path, lambda notice, _: renamed.append(notice))
    if preset.recipe is None and renamed:
        save_preset(preset, path)
        return preset
    if preset.recipe is None:
        raise PresetError(
            f'preset "{path.name}": has no [recipe], so its latent cannot be made again',
            f"It needs the model {preset.model.name} {preset.model.version} itself.",
        )
    bundle = bundle or installed_bundle(preset.model.name, path)
    sound = replace(preset.sound, latent=_numbers(follow(preset.recipe, bundle.sound)))
    slide = _made_again(preset.slide, preset, path, bundle)
    soft = _made_again(preset.soft, preset, path, bundle)
    preset = replace(preset, sound=sound, slide=slide, soft=soft, model=bundle.reference)
    save_preset(preset, path)
    return preset


def check_preset(path: Path, say: Say = lambda *_: None) -> tuple[Preset, Bundle]:
    """Load a preset together with its model and check that they belong together.

    Parameters
    ----------
    path, say
        See `load_preset`.

    Raises
    ------
    PresetError, BundleError
        Whatever keeps it from being played.
    """
    preset = load_preset(path, say)
    bundle = find_bundle(preset.model, path)
    check_latent(preset, path, bundle)
    return preset, bundle


def _made_again(point: Point, preset: Preset, path: Path, bundle: Bundle) -> Point:
    """Return a section of a preset with its blend's latent in another model."""
    if point and point.blend:
        return replace(point, latent=_numbers(follow(Recipe(point.blend), bundle.sound)))
    if point and preset.model != bundle.reference:
        section = type(point).__name__.lower()
        raise PresetError(
            f'preset "{path.name}": [{section}] has no blend, so its latent cannot be made again',
            f"Write one, or delete [{section}]; as it is, it needs the model {preset.model.name} "
            f"{preset.model.version} itself.",
        )
    return point


def check_latent(preset: Preset, path: Path, bundle: Bundle) -> None:
    """Refuse a preset whose latent is none of its model's.

    Raises
    ------
    PresetError
        It has too few or too many numbers.
    """
    found, wanted = len(preset.sound.latent), bundle.sound.latent_size
    if found != wanted:
        raise PresetError(
            f'preset "{path.name}": [sound] latent must have {wanted} numbers '
            f"for model {bundle.card.name}, got {found}"
        )
    if preset.sound.sustain == "ring" and bundle.sound.kind != "frame_voice":
        raise PresetError(
            f'preset "{path.name}": [sound] sustain = "ring" is for frame voices, and '
            f"{bundle.card.name} is a {bundle.sound.kind}",
            'Use "decay", which dies away as evenly.',
        )
    if preset.soft and bundle.sound.kind != "frame_voice":
        raise PresetError(
            f'preset "{path.name}": has [soft], and notes of {bundle.card.name} have one timbre',
            "Delete [soft]; [filter] velocity_octaves makes soft notes darker.",
        )


def plain_preset(
    name: str,
    bundle: Bundle,
    latent: Latent,
    recipe: Recipe | None = None,
    *,
    dies_away: bool = False,
) -> Preset:
    """Make the preset of a latent, shape (latent_size,), that nobody has worked on yet.

    Parameters
    ----------
    dies_away
        It is struck or plucked, and goes on dying away while its key is held.
    recipe
        Where the latent comes from, if anybody may want to know.
    """
    return Preset(
        name=name,
        model=bundle.reference,
        sound=Sound(
            _numbers(latent),
            sustain="decay" if dies_away else "loop",
            air=1.0 if bundle.sound.sample_rate_hz == MODEL_HZ else 0.0,
        ),
        envelope=Envelope(release_seconds=0.5 if dies_away else 0.3),
        recipe=recipe,
    )


def mixed(a: Table, b: Table, amount: float) -> Table:
    """Go from one preset, or table of one, to another in a straight line, number by number.

    What is no single number comes from the nearer one: texts, choices, knobs, the latent.

    Parameters
    ----------
    b
        The other end, of the same type.
    amount
        0 gives the first, 1 the second.
    """
    nearer = a if amount < 0.5 else b
    changes: dict[str, Any] = {}
    for entry in dataclasses.fields(a):  # type: ignore[arg-type]
        one, two = getattr(a, entry.name), getattr(b, entry.name)
        if isinstance(one, float) and isinstance(two, float):
            changes[entry.name] = round(one + amount * (two - one), 6)
        elif dataclasses.is_dataclass(one) and type(one) is type(two):
            changes[entry.name] = mixed(one, two, amount)
        else:
            changes[entry.name] = getattr(nearer, entry.name)
    return type(a)(**changes)


def _fulfil(name: str, request: PresetRequest, model: str) -> Preset:
    if request.source:
        preset, _ = check_preset(find_preset(request.source))
        return replace(preset, name=name, program=None)
    if request.between:
        first, second = (check_preset(find_preset(other)) for other in request.between)
        return _between(name, first, second, request)
    bundle = installed_bundle(model)
    recipe = Recipe(blend=request.blend)
    if request.seed is not None:
        recipe = random_recipe(bundle.sound, request.seed)
    latent = follow(recipe, bundle.sound)
    dies_away = _struck_share(request.blend, bundle) > 0.5
    return plain_preset(name, bundle, latent, recipe, dies_away=dies_away)


def _between(
    name: str, first: tuple[Preset, Bundle], second: tuple[Preset, Bundle], request: PresetRequest
) -> Preset:
    """Interpolate every number of two presets; what is no number comes from the nearer one."""
    (a, bundle), (b, other) = first, second
    if bundle.weights_sha256 != other.weights_sha256:
        raise PresetError(
            f"{a.name} and {b.name} belong to different models, there is nothing between them"
        )
    middle = mixed(a, b, request.amount)
    if request.path == "around":
        latent: Latent = slerp(a.sound.latent, b.sound.latent, request.amount, bundle.sound.prior)
    else:
        latent = between(bundle.sound, a.sound.latent, b.sound.latent, request.amount)
    is_straight = request.path == "own" and not goes_around(bundle.sound)
    recipe = _mixed_recipe(a, b, request.amount) if is_straight else None
    sound = replace(middle.sound, latent=_numbers(latent))
    made = replace(middle, name=name, program=None, description="", sound=sound, recipe=recipe)
    return replace(made, soft=None, pad_path=None)


def _mixed_recipe(a: Preset, b: Preset, amount: float) -> Recipe | None:
    """Mix two blends; a straight path between blends is again a blend."""
    if not (a.recipe and b.recipe and a.recipe.blend and b.recipe.blend):
        return None
    shares: dict[str, float] = {}
    for recipe, weight in ((a.recipe, 1 - amount), (b.recipe, amount)):
        total = sum(recipe.blend.values())
        for instrument, share in recipe.blend.items():
            shares[instrument] = shares.get(instrument, 0.0) + round(weight * share / total, 4)
    return Recipe(blend=shares)


def _struck_share(blend: dict[str, float], bundle: Bundle) -> float:
    total = sum(blend.values())
    struck = (share for name, share in blend.items() if bundle.sound.latents[name].is_struck)
    return sum(struck) / total if total else 0.0


def _numbers(latent: Latent) -> tuple[float, ...]:
    """Round to what a person can read; 1e-4 is far below what can be heard."""
    return tuple(round(float(number), 4) for number in latent)
