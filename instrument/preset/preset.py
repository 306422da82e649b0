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

from instrument.bundle.card import LatentNumber, ModelReference
from instrument.errors import PresetError, SettingError
from instrument.files import is_file, replacing_file, shipped_presets_folder
from instrument.preset.effects import Effects
from instrument.preset.modulation import Modulation, check_modulation
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.playing import Playing
from instrument.schema import Text, decode, nearest, ranged, read_limited

FORMAT = 1
LIMIT_BYTES = 64 * 1024
_ROW_ITEMS = 8
_LONG_LIST = re.compile(r"\[\n((?:    .+,\n)+)\]")
DEFAULT_PRESET = "breathing_piano"
_OLD_PARTNER = "phrase"

Description = Annotated[str, Meta(max_length=400)]
Parameter = Literal[
    "attack_seconds",
    "decay_seconds",
    "sustain_level",
    "release_seconds",
    "cutoff_hz",
    "resonance",
    "gain_db",
    "vibrato_rate_hz",
    "vibrato_depth_cents",
    "width",
    "drive",
    "tone_low_db",
    "tone_mid_db",
    "tone_high_db",
    "chorus_level",
    "delay_level",
    "delay_feedback",
    "reverb_level",
]
#: What a controller may play: the range and unit of each, which are also the preset's own.
PARAMETER_RANGES: dict[Parameter, tuple[float, float, str]] = {
    "attack_seconds": (0, 10, "s"),
    "decay_seconds": (0, 30, "s"),
    "sustain_level": (0, 1, ""),
    "release_seconds": (0, 10, "s"),
    "cutoff_hz": (20, 20_000, "Hz"),
    "resonance": (0, 1, ""),
    "gain_db": (-60, 24, "dB"),
    "vibrato_rate_hz": (0.1, 12, "Hz"),
    "vibrato_depth_cents": (0, 200, "cents"),
    "width": (0, 1, ""),
    "drive": (0, 1, ""),
    "tone_low_db": (-18, 18, "dB"),
    "tone_mid_db": (-18, 18, "dB"),
    "tone_high_db": (-18, 18, "dB"),
    "chorus_level": (0, 1, ""),
    "delay_level": (0, 1, ""),
    "delay_feedback": (0, 0.95, ""),
    "reverb_level": (0, 1, ""),
}


@dataclass(frozen=True, slots=True)
class Sound:
    """The point in the model's latent space, and what becomes of its notes."""

    latent: tuple[LatentNumber, ...]  #: as many numbers as the model's latent_size
    note_seconds: Annotated[float, ranged(0.5, 4, "s")] = 2.5  #: length rendered per key
    #: What a key held beyond the rendered note does: go on evenly, or go on dying away.
    sustain: Literal["loop", "decay"] = "loop"
    gain_db: Annotated[float, ranged(*PARAMETER_RANGES["gain_db"])] = 0.0
    pan: Annotated[float, ranged(-1, 1)] = 0.0  #: -1 left, 1 right
    stereo_width: Annotated[float, ranged(0, 1)] = 0.0  #: low keys to the left, high to the right
    #: How much strikes differ; at 1 by up to 2 cents, 0.4 dB, 0.1 octave of cut-off, 0.5 ms.
    variation: Annotated[float, ranged(0, 1)] = 0.0
    #: How much a held note wanders; at 1 by up to 4 cents and 0.5 dB, along slow lines.
    drift: Annotated[float, ranged(0, 1)] = 0.0
    #: How much partials beat, 1 = as recorded; high keys have less, see `rendering.frame_voice`.
    motion: Annotated[float, ranged(0, 1.5)] = 1.0


@dataclass(frozen=True, slots=True)
class Envelope:
    """Amplitude over the note's own course: the model's attack and decay are multiplied by it."""

    attack_seconds: Annotated[float, ranged(*PARAMETER_RANGES["attack_seconds"])] = 0.0
    #: From full level to within 1/1000 of the way to the sustain level.
    decay_seconds: Annotated[float, ranged(*PARAMETER_RANGES["decay_seconds"])] = 0.0
    #: Amplitude factor; 1 = as the model has it.
    sustain_level: Annotated[float, ranged(*PARAMETER_RANGES["sustain_level"])] = 1.0
    #: From key-up until 60 dB lower.
    release_seconds: Annotated[float, ranged(*PARAMETER_RANGES["release_seconds"])] = 0.25


@dataclass(frozen=True, slots=True)
class Filter:
    """The two-pole low-pass of each voice."""

    #: At middle C and velocity 127; 20000 = open. CC 74 moves it while notes sound.
    cutoff_hz: Annotated[float, ranged(*PARAMETER_RANGES["cutoff_hz"])] = 20_000.0
    #: 0 = no peak (Butterworth), 1 = strong peak.
    resonance: Annotated[float, ranged(*PARAMETER_RANGES["resonance"])] = 0.0
    #: Octaves that the cut-off moves per octave of pitch, around middle C (60).
    key_tracking: Annotated[float, ranged(0, 1)] = 0.0
    #: How far velocity 1 lies below velocity 127.
    velocity_octaves: Annotated[float, ranged(0, 6, "octaves")] = 0.0
    #: Where a note's cut-off begins, above (or below) where it then stays.
    envelope_octaves: Annotated[float, ranged(-6, 6, "octaves")] = 0.0
    envelope_seconds: Annotated[float, ranged(0.01, 10, "s")] = 0.5  #: until it is there


@dataclass(frozen=True, slots=True)
class Touch:
    """How the hands are heard; brightness by velocity comes from the model itself."""

    #: 0 = every velocity equally loud, 1 = all of ``(velocity / 127) ** velocity_curve``.
    velocity_to_gain: Annotated[float, ranged(0, 1)] = 1.0
    velocity_curve: Annotated[float, ranged(0.25, 4)] = 1.5  #: smaller: a light touch is louder
    pressure: Literal["nothing", "vibrato", "cutoff", "level"] = "vibrato"  #: what pressure plays
    #: Pitch bend at full deflection, until a sequencer says otherwise (RPN 0).
    bend_range_semitones: Annotated[float, ranged(0, 24, "semitones")] = 2.0


@dataclass(frozen=True, slots=True)
class Vibrato:
    """Pitch moved by a sine; its depth follows the mod wheel (CC 1), from none to all."""

    rate_hz: Annotated[float, ranged(*PARAMETER_RANGES["vibrato_rate_hz"])] = 5.5
    #: Peak deviation with the wheel fully up.
    depth_cents: Annotated[float, ranged(*PARAMETER_RANGES["vibrato_depth_cents"])] = 40.0
    share: Annotated[float, ranged(0, 1)] = 0.0  #: of the depth, that comes without the wheel,
    delay_seconds: Annotated[float, ranged(0, 5, "s")] = 0.5  #: so long after the strike


#: Controllers with a meaning of their own (MIDI 1.0, table III; CC 1 plays the vibrato and CC 74
#: the filter, as in GM2): a preset cannot take them.
RESERVED_CONTROLLERS = frozenset({0, 1, 6, 7, 10, 11, 32, 38, 64, 66, 67, 74, *range(96, 102)})


@dataclass(frozen=True, slots=True)
class Control:
    """One controller's parameter, from its value at 0 to its value at 127.

    It takes hold of the notes struck after it moved, because a voice copies its sound when it
    starts, and of effects at once; a controller that has not moved leaves the preset's own value.
    """

    parameter: Parameter
    low: float  #: in the unit of the parameter, at controller value 0
    high: float  #: at controller value 127; may be the smaller of the two
    curve: Literal["linear", "exponential"] = "linear"  #: exponential: equal ratios per step


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where the latent came from, so that it can be made again for another model.

    Exactly one of the two is given: ``blend``, instrument names of the bundle's card with their
    shares, or ``seed``, a draw from the latent prior.
    """

    blend: dict[str, Annotated[float, ranged(-4, 4)]] = field(default_factory=dict)
    seed: Annotated[int, ranged(0, 2**31 - 1)] | None = None
    #: Of a draw: how far from the prior's mean, 1 when not given; see `latent.draw`.
    truncation: Annotated[float, ranged(0, 4)] | None = None
    #: Of a draw: how far towards few instruments, 0 when not given; see `latent.draw`.
    sharpness: Annotated[float, ranged(0, 16)] | None = None


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
    envelope: Envelope = Envelope()
    filter: Filter = Filter()
    touch: Touch = Touch()
    vibrato: Vibrato = Vibrato()
    playing: Playing = field(default_factory=Playing)
    modulation: Modulation = field(default_factory=Modulation)
    #: What all voices go through together; the kernel adds nothing without it.
    effects: Effects = field(default_factory=Effects)
    #: Keys are ``cc2`` … ``cc119``, without `RESERVED_CONTROLLERS`.
    controls: dict[str, Control] = field(default_factory=dict)
    recipe: Recipe | None = None
    #: The partner that comes with this sound.
    partner: PartnerOptions | None = None

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
        _check_control(source, control, what)
    check_modulation(preset.modulation, what)
    _check_recipe(preset.recipe, what)
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


def _check_control(source: str, control: Control, what: str) -> None:
    """Refuse a controller that MIDI has taken, and ends that the parameter cannot reach."""
    number = source.removeprefix("cc")
    is_number = source.startswith("cc") and number.isascii() and number.isdigit()
    if not (is_number and len(number) <= 3 and int(number) < 120):
        found = f"{what}: [controls] {source[:20]} is not a controller"
        raise PresetError(found, "Use cc2 to cc119.")
    if int(number) in RESERVED_CONTROLLERS:
        raise PresetError(
            f"{what}: [controls] {source} has a meaning of its own in MIDI",
            "Use another one; cc2, cc4, cc12 to cc31, cc71 to cc73 and cc75 to cc79 are usual.",
        )
    low, high, unit = PARAMETER_RANGES[control.parameter]
    for end, value in (("low", control.low), ("high", control.high)):
        if not low <= value <= high:
            allowed = f"{low:g}..{high:g} {unit}".rstrip()
            raise PresetError(
                f"{what}: [controls.{source}] {end} must be in {allowed} for {control.parameter}, "
                f"got {value:g}"
            )
    if control.curve == "exponential" and min(control.low, control.high) <= 0:
        raise PresetError(
            f"{what}: [controls.{source}] an exponential curve needs low and high above 0, "
            f"got {control.low:g} and {control.high:g}",
            'Use curve = "linear".',
        )


def _check_recipe(recipe: Recipe | None, what: str) -> None:
    if recipe and bool(recipe.blend) == (recipe.seed is not None):
        raise PresetError(f"{what}: [recipe] must have either blend or seed")
    if recipe and recipe.seed is None:
        for name in ("truncation", "sharpness"):
            if getattr(recipe, name) is not None:
                raise PresetError(f"{what}: [recipe] {name} belongs to a seed, not to a blend")


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
