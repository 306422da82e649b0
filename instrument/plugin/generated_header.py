"""``generated.h``: what the plug-in's C has to know of Python, written out and never typed.

The block's size and default bytes, which of them a reset puts back, the fields of a sound, the
entry points, the parameters, and the preset that a new instance plays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from instrument.files import shipped_presets_folder
from instrument.import_names import DISTRIBUTION
from instrument.plugin.entry_points.table import ENTRY_POINTS, name_in_file
from instrument.plugin.instance_panel import FIGURES
from instrument.plugin.morphing import map_of
from instrument.plugin.parameters import PARAMETERS, PLACES, Parameter
from instrument.plugin.streaming.header import stream_records
from instrument.plugin.tables.table_file import (
    TABLE_AUDIO_AT,
    TABLE_SLOTS_AT,
    layout_number,
    recipe_of,
)
from instrument.preset.banks import program_table
from instrument.preset.preset import DEFAULT_PRESET, list_presets, load_preset
from instrument.preset.voice_parameters import sound_fields
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    BANK_COUNT,
    CARRY_BANK,
    FADE_BANK,
    LET_GO,
    MASTER_GAIN,
    PANEL_SOURCE,
    PANIC,
    PITCH_COUNT,
    PRESET_BANKS,
    TEMPO,
    USE_BANK,
)
from instrument.realtime.memory.layout import SLOT, SOUND, STATE
from instrument.realtime.memory.state import EngineState

KEPT = {
    *("magic", "format", "rate_hz", "slot_frames", "slot_stride", "heartbeats"),
    *("bank_addresses", "bank_strides", "banks", "slots", "wanted", "channel_mask", "rack"),
    *("stream_address", "stream_stride", "streams"),
    *(name for name in STATE.names or () if name.endswith("_ring")),
}
"""Fields that a reset leaves: where tones lie, and what the helper's thread writes; and requests
for held notes, whose numbers must never come again."""


def generated_header() -> str:
    """Return the whole file; the same text whenever the sources are the same."""
    fresh = np.frombuffer(EngineState.create(None).fields.tobytes(), np.uint8)
    parts = [
        "/* Written by instrument/plugin/generated_header.py: do not edit. */",
        "#pragma once\n#include <stdint.h>",
        *_numbers(),
        *_entry_points(),
        *_runs("LK_DEFAULTS", fresh),
        *_reset_ranges(),
        *_sound_fields(),
        *stream_records(),
        *_parameters(),
        *_programs(),
        *_first_preset(),
    ]
    return "\n".join(parts) + "\n"


def _numbers() -> Iterator[str]:
    yield f'#define LK_VERSION "{version(DISTRIBUTION)}"'
    for name, value in (
        ("STATE_BYTES", STATE.itemsize),
        ("SOUND_BYTES", SOUND.itemsize),
        ("BANKS", BANK_COUNT),
        ("SLOTS", int(np.prod(EngineState.create(None, 48_000.0, 0.1).tones.shape[1:-1]))),
        ("SLOT_BYTES", SLOT.itemsize),
        ("SLOTS_AT", TABLE_SLOTS_AT),
        ("AUDIO_AT", TABLE_AUDIO_AT),
        ("FIRST_BANK", PRESET_BANKS.start),
        ("SOUNDS_AT", _offset("banks")),
        ("USE_BANK", USE_BANK),
        ("FADE_BANK", FADE_BANK),
        ("MASTER_GAIN", MASTER_GAIN),
        ("TEMPO", TEMPO),
        ("ALL_CHANNELS", ALL_CHANNELS),
        ("LET_GO", LET_GO),
        ("PANIC", PANIC),
        ("CARRY_BANK", CARRY_BANK),
        ("PANEL_SOURCE", PANEL_SOURCE),
        ("PITCHES", PITCH_COUNT),
        ("FIGURES", FIGURES),
        ("PLACES", PLACES),
    ):
        yield f"#define LK_{name} {value}"
    yield f"#define LK_LAYOUT 0x{layout_number():016x}ull"


def _entry_points() -> Iterator[str]:
    yield "typedef struct {"
    for name, (_, _, c) in ENTRY_POINTS.items():
        yield f"    {c.replace('(*)', f'(*{name})')};"
    yield "} lk_code;"
    for suffix in ("_v3", "_v2", "_arm64"):
        names = [name_in_file(name, suffix) for name in ENTRY_POINTS]
        yield f"#ifdef LK_HAS{suffix}"
        for name, (_, _, c) in zip(names, ENTRY_POINTS.values(), strict=True):
            yield f"{c.replace('(*)', f' {name}')};"
        yield f"static const lk_code LK_CODE{suffix} = {{{', '.join(names)}}};"
        yield "#endif"


def _runs(name: str, content: np.ndarray[Any, Any]) -> Iterator[str]:
    """Yield the bytes that are not 0, as runs of offset, length and bytes."""
    used = np.flatnonzero(content)
    parts = np.split(used, np.flatnonzero(np.diff(used) > 16) + 1)
    runs = [(int(part[0]), content[part[0] : part[-1] + 1].tobytes()) for part in parts]
    kept = b""  # banks are alike: their bytes are there once
    yield f"static const struct {{ uint32_t at, count, from; }} {name}[] = {{"
    for begin, found in runs:
        if found not in kept:
            kept += found
        yield f"    {{{begin}, {len(found)}, {kept.index(found)}}},"  # no pointer to relocate
    yield "};"
    yield f"static const uint8_t {name}_BYTES[] ="
    for begin in range(0, len(kept), 32):
        yield '    "' + "".join(f"\\{byte:03o}" for byte in kept[begin : begin + 32]) + '"'
    yield ";"


def _reset_ranges() -> Iterator[str]:
    yield "static const struct { uint32_t at, count; } LK_RESET[] = {"
    begin = end = 0
    for name in STATE.names or ():
        if name in KEPT:
            continue
        at, size = _offset(name), STATE[name].itemsize
        if at > end + 16 and end:
            yield f"    {{{begin}, {end - begin}}},"
            begin = at
        begin, end = (at, at + size) if not end else (begin, at + size)
    yield f"    {{{begin}, {end - begin}}},\n}};"


def _sound_fields() -> Iterator[str]:
    longest = max(len(name) for name, _ in _sound_places())  # in place: no pointer to relocate
    yield (
        f"static const struct {{ char name[{longest + 1}]; uint16_t at; char kind; }} "
        "LK_SOUND[] = {"
    )
    for name, (at, kind) in _sound_places():
        yield f"    {{\"{name}\", {at}, '{kind}'}},"
    yield "};"


def _sound_places() -> Iterator[tuple[str, tuple[int, str]]]:
    """Yield every value of a sound by its name, with its offset and the kind of number it is."""
    for name in SOUND.names or ():
        kind, at = SOUND.fields[name][:2]  # type: ignore[index]
        for place in range(int(np.prod(kind.shape))):
            spoken = f"{name}.{place}" if kind.shape else name
            yield spoken, (at + place * kind.base.itemsize, kind.base.kind)


def _parameters() -> Iterator[str]:
    kinds = "LK_GAIN, LK_CONTROL, LK_SOUND_FIELD, LK_PROGRAM, LK_BYPASS, LK_STATUS, LK_PARTNER"
    kinds += ", LK_PANEL, LK_MORPH"
    texts = "LK_PERCENT, LK_BALANCE, LK_DECIBELS, LK_NUMBER, LK_NAME"
    yield f"enum {{ {kinds} }};\nenum {{ {texts} }};"
    yield f"#define LK_PARAMETERS {len(PARAMETERS)}"

    def longest(text: str) -> int:
        return max(len(getattr(entry, text)) for entry in PARAMETERS) + 1

    yield (
        f"typedef struct {{ uint32_t id; char name[{longest('name')}], unit[{longest('unit')}]; "
        "int kind, control, steps, text, field; double normal, low, high, curve; } lk_parameter;"
    )
    yield "extern const lk_parameter LK_PARAMETER[LK_PARAMETERS];"
    yield "#ifdef LK_HERE\nconst lk_parameter LK_PARAMETER[LK_PARAMETERS] = {"
    for entry in PARAMETERS:
        kind = "sound_field" if entry.kind == "sound" else entry.kind
        at = dict(_sound_places()).get(entry.field, (-1, ""))[0]
        yield (
            f'    {{{entry.id}, "{entry.name}", "{entry.unit}", LK_{kind.upper()}, '
            f"{entry.control}, {entry.steps}, LK_{entry.text.upper()}, {at}, {_normal(entry)!r}, "
            f"{entry.low}, {entry.high}, {entry.curve}}},"
        )
    yield "};\n#endif"
    places: dict[str, int] = {entry.kind: place for place, entry in enumerate(PARAMETERS)}
    for kind in ("gain", "program", "bypass", "status", "partner", "panel"):
        yield f"#define LK_AT_{kind.upper()} {places[kind]}"
    yield f"#define LK_AT_MORPH {places['morph'] - 1}  /* x, and then y */"


def _normal(entry: Parameter) -> float:
    """Return where a parameter stands in a new instance: at the first preset's own value."""
    if entry.kind == "program":
        return program_number(DEFAULT_PRESET) / 127
    if entry.kind == "sound":
        return entry.place(sound_fields(load_preset(_first_path()))[entry.field])
    if entry.kind == "morph":
        x, y = map_of(_first_path()).where(load_preset(_first_path()).sound.latent)
        return round(x if entry.name.endswith("x") else y, 4)
    return entry.normal


def _programs() -> Iterator[str]:
    shipped = shipped_programs()
    names = [shipped[n].preset.name if n in shipped else "" for n in range(128)]
    yield f"static const char LK_PROGRAMS[] = {_c_string(chr(0).join(names))};"


def shipped_programs() -> dict[int, Any]:
    """Return the presets that come with latentkeys, by the program change that selects them."""
    return program_table([entry for entry in list_presets() if entry.origin == "shipped"])


def program_number(stem: str) -> int:
    """Return the program change of a shipped preset."""
    return next(number for number, entry in shipped_programs().items() if entry.name == stem)


def _first_path() -> Path:
    return shipped_presets_folder() / f"{DEFAULT_PRESET}.toml"


def _first_preset() -> Iterator[str]:
    path = _first_path()
    preset = load_preset(path)
    yield f"static const char LK_FIRST_RECIPE[] = {_c_string(recipe_of(path))};"
    lines = "".join(f"{name} {value!r}\n" for name, value in sound_fields(preset).items())
    yield f"static const char LK_FIRST_SOUND[] = {_c_string(lines)};"
    text = path.read_text(encoding="utf-8")
    yield f"static const char LK_FIRST_PRESET[] = {_c_string(text)};"


def _c_string(text: str) -> str:
    """Write text as a C string; octal escapes end by themselves, hexadecimal ones do not."""
    return f'"{"".join(_escaped(text))}"'


def _escaped(text: str) -> Iterable[str]:
    for byte in text.encode():
        yield chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"


def _offset(name: str) -> int:
    return int(STATE.fields[name][1])  # type: ignore[index]
