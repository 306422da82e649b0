"""Presets: one TOML file each, which a person can read, edit and give to a friend.

In: ``NAME.toml``. Out: a `Preset`, the frozen tree of dataclasses below; their fields are the only
list of keys, each with its unit and range. A wrong file raises `PresetError` and says what, where,
what was found and what is allowed.

Here nothing opens a model; `instrument.latents.create_preset` makes, checks and refreshes presets
with theirs. Presets are looked for in this order: the path given, the user's
folder, the shipped folder.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
import tomli_w
from msgspec import Meta

from instrument.bundle.reference import ModelReference
from instrument.errors import PresetError, SettingError
from instrument.files import is_file, replacing_file, shipped_presets_folder
from instrument.preset.effects import Effects
from instrument.preset.modulation import Modulation, check_modulation
from instrument.preset.pad_path import PadPath, check_pad_path
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.playing import Playing
from instrument.preset.rack import RackOptions, check_rack
from instrument.preset.sections import (
    Control,
    Envelope,
    Filter,
    Recipe,
    Slide,
    Soft,
    Sound,
    Touch,
    Vibrato,
    check_control,
    check_point,
    check_recipe,
)
from instrument.schema import Text, decode, nearest, ranged, read_limited

FORMAT = 1
LIMIT_BYTES = 64 * 1024
_ROW_ITEMS = 8
_LONG_LIST = re.compile(r"\[\n((?:    .+,\n)+)\]")
DEFAULT_PRESET = "breathing_piano"
_OLD_PARTNER = "phrase"

Description = Annotated[str, Meta(max_length=400)]


@dataclass(frozen=True, slots=True)
class Preset:
    """A sound with a name."""

    name: Text
    model: ModelReference
    sound: Sound
    format: Annotated[int, ranged(1, 10**6)] = FORMAT
    author: Annotated[str, Meta(max_length=80)] = ""
    description: Description = ""
    tags: tuple[Annotated[str, Meta(min_length=1, max_length=24)], ...] = ()
    program: Annotated[int, ranged(0, 127)] | None = None  #: MIDI program change that selects it
    envelope: Envelope = field(default_factory=Envelope)
    filter: Filter = field(default_factory=Filter)
    touch: Touch = field(default_factory=Touch)
    soft: Soft | None = None
    slide: Slide | None = None
    vibrato: Vibrato = field(default_factory=Vibrato)
    playing: Playing = field(default_factory=Playing)
    modulation: Modulation = field(default_factory=Modulation)
    #: What all voices go through together; the kernel adds nothing without it.
    effects: Effects = field(default_factory=Effects)
    #: An effect written in Python that everything goes through as well, in a process of its own.
    rack: RackOptions = field(default_factory=RackOptions)
    #: Keys are ``cc2`` … ``cc119``, without `RESERVED_CONTROLLERS`.
    controls: dict[str, Control] = field(default_factory=dict)
    recipe: Recipe | None = None
    #: The partner that comes with this sound.
    partner: PartnerOptions | None = None
    #: A path over the panel's morph pad.
    pad_path: PadPath | None = None

    @property
    def layer_latents(self) -> tuple[tuple[float, ...], ...]:
        """The latents of the velocity layers, soft and loud, or the only one of both."""
        return (self.soft.latent, self.sound.latent) if self.soft else (self.sound.latent,)

    @classmethod
    def of(cls, latent: Iterable[float], name: str = "Untitled") -> Preset:
        """Make a preset for a renderer of one's own, behind which no bundle stands."""
        model = ModelReference("none", "0", "0" * 64)
        return cls(name, model, Sound(tuple(float(number) for number in latent)))


@dataclass(frozen=True, slots=True)
class PresetEntry:
    """One line of the preset list; a broken file keeps its line and says its problem."""

    path: Path
    origin: Literal["user", "shipped"]
    preset: Preset | None
    problem: PresetError | None

    @property
    def name(self) -> str:
        """What a person types after ``--preset``."""
        return self.path.stem


Say = Callable[[str, str], None]
"""Told something that the player should know, and what to do about it."""


def load_preset(name: Path | str, say: Say = lambda *_: None) -> Preset:
    """Read and check one preset; the model is not opened (`latents.create_preset` does).

    Parameters
    ----------
    name
        Its file, or whatever `find_preset` takes.
    say
        Told what is understood but has another name today.

    Raises
    ------
    PresetError
        There is none of that name, or the file cannot be read, is not TOML, or has a wrong key or
        value.
    """
    path = find_preset(name) if isinstance(name, str) else name
    what = f'preset "{path.name}"'
    content = read_limited(path, LIMIT_BYTES, what, PresetError)
    try:
        raw = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise PresetError(f"{what}: is not a TOML text file: {reason}") from reason
    except (ValueError, RecursionError) as reason:
        raise PresetError(f"{what}: has an endless number or endless brackets in it") from reason
    _check_format(raw.get("format"), what)
    if _OLD_PARTNER in raw:
        _rename_partner(raw, what)
        remedy = f"Rewrite the file with: latentkeys presets refresh {path.stem}"
        say(f"{what}: [{_OLD_PARTNER}] is called [partner] now", remedy)
    preset = decode(raw, Preset, what, PresetError)
    for source, control in preset.controls.items():
        check_control(source, control, what)
    check_modulation(preset.modulation, what)
    check_recipe(preset.recipe, what)
    check_point(preset.slide, preset.sound, what)
    check_point(preset.soft, preset.sound, what)
    check_pad_path(preset.pad_path, what)
    check_rack(preset.rack, what)
    _check_partner(preset.partner, what)
    return preset


def save_preset(preset: Preset, path: Path | str) -> None:
    """Write a preset; the file appears whole or not at all.

    Raises
    ------
    FileError
        The folder does not exist or cannot be written, or the disk is full.
    """
    text = _LONG_LIST.sub(_in_rows, tomli_w.dumps(_plain(preset)))
    with replacing_file(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def list_presets() -> list[PresetEntry]:
    """List every preset, the user's before the shipped, by program number and then by name.

    A user's preset hides a shipped one of the same file name.
    """
    entries: dict[str, PresetEntry] = {}
    folders: list[tuple[Literal["user", "shipped"], Path]] = [
        ("user", user_presets_folder()),
        ("shipped", shipped_presets_folder()),
    ]
    for origin, folder in folders:
        for path in _preset_files(folder):
            entries.setdefault(path.stem, _entry(path, origin))
    return sorted(entries.values(), key=_listing_order)


def find_preset(name: str) -> Path:
    """Find the file of a preset by name or path.

    Raises
    ------
    PresetError
        There is none; the message names the nearest.
    """
    if name.endswith(".toml") or "/" in name or os.sep in name:
        path = Path(name).expanduser()
        if is_file(path):
            return path
        raise PresetError(f"preset file {name[:200]} does not exist")
    folders = (user_presets_folder(), shipped_presets_folder())
    for folder in folders:
        if is_file(folder / f"{name}.toml"):
            return folder / f"{name}.toml"
    names = [path.stem for folder in folders for path in _preset_files(folder) if is_file(path)]
    remedy = nearest(name, names) or "`latentkeys presets list` shows them all."
    raise PresetError(f"there is no preset {name[:80]!r}", remedy)


def file_stem(name: str) -> str:
    """Make a file name that every system takes: ``Glass Choir!`` becomes ``glass_choir``."""
    stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not stem:
        raise PresetError(f"a preset's name needs a letter or digit, got {name!r}")
    return stem[:64]


def user_presets_folder() -> Path:
    """Where the user's own presets live; it need not exist yet."""
    return platformdirs.user_data_path("latentkeys") / "presets"


def _entry(path: Path, origin: Literal["user", "shipped"]) -> PresetEntry:
    try:
        return PresetEntry(path, origin, load_preset(path), None)
    except PresetError as problem:
        return PresetEntry(path, origin, None, problem)


def _listing_order(entry: PresetEntry) -> tuple[bool, int, str]:
    program = entry.preset.program if entry.preset else None
    return (program is None, program or 0, entry.name)


def _check_format(found: object, what: str) -> None:
    if found is None:
        raise PresetError(f"{what}: format is missing", f"Write format = {FORMAT} at the top.")
    if isinstance(found, int) and found > FORMAT:
        raise PresetError(
            f"{what}: has format {found}, this version reads up to {FORMAT}",
            "Update latentkeys, or ask for the preset in an older format.",
        )


def _rename_partner(raw: dict[str, Any], what: str) -> None:
    """Take the partner's table under the name that it had in latentkeys 0.1."""
    if "partner" in raw:
        raise PresetError(
            f"{what}: has both [partner] and [{_OLD_PARTNER}], which is its old name",
            f"Put everything into [partner] and delete [{_OLD_PARTNER}].",
        )
    raw["partner"] = raw.pop(_OLD_PARTNER)


def _check_partner(options: PartnerOptions | None, what: str) -> None:
    """Refuse a key or a register that no note fits."""
    try:
        if options:
            options.constraints()
    except SettingError as problem:
        raise PresetError(f"{what}: [partner] {problem.message}", problem.remedy) from problem


def _preset_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.toml") if not path.name.startswith("."))


def _plain(preset: Preset) -> dict[str, object]:
    """Turn a preset into the tables that TOML writes, the plain keys first."""
    table = _without_unset(dataclasses.asdict(preset))
    if preset.rack.name == "none":
        del table["rack"]
    return {"format": table.pop("format"), **table}


def _in_rows(items: re.Match[str]) -> str:
    """Set a list in rows of eight; tomli-w gives each latent number a line of its own.

    Tables keep theirs.
    """
    if "{" in items[1]:
        return items[0]
    flat = [line.strip().removesuffix(",") for line in items[1].splitlines()]
    if len(flat) <= _ROW_ITEMS:
        return f"[{', '.join(flat)}]"
    rows = [flat[start : start + _ROW_ITEMS] for start in range(0, len(flat), _ROW_ITEMS)]
    return "[\n" + "".join(f"    {', '.join(row)},\n" for row in rows) + "]"


def _without_unset(table: dict[str, Any]) -> dict[str, Any]:
    """Drop what TOML cannot say (None) and what says nothing (empty tables, lists and texts)."""
    kept = {
        key: _without_unset(value) if isinstance(value, dict) else value
        for key, value in table.items()
    }
    return {key: value for key, value in kept.items() if value not in (None, {}, (), "")}
