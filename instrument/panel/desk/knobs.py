"""What of a preset can be shaped, read from its own schema: a new field appears by itself."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Meta

from instrument.errors import PresetError
from instrument.panel.desk.rack_knobs import RACK, rack_tables, rack_value, turned_rack
from instrument.panel.messages.news import ShapeKnob
from instrument.preset.preset import Preset
from instrument.schema import decode

Value = float | bool | str

_UNITS = {
    "seconds": "s",
    "milliseconds": "ms",
    "hz": "Hz",
    "db": "dB",
    "cents": "cents",
    "semitones": "semitones",
}
_LABELS = {
    "key_tracking": "Follows the keys",
    "glide": "Notes that glide",
    "glide_seconds": "Glide time",
    "glide_timing": "Glide by",
    "of": "One for",
    "envelope_seconds": "Envelope time",
    "seconds": "Time",
    "low_hz": "Low at",
    "mid_hz": "Mid at",
    "high_hz": "High at",
}
RACK_NAME = "rack.name"
_NOT_SHAPED = {"model", "recipe", "partner"}


def groups() -> dict[str, tuple[ShapeKnob, ...]]:
    """Return every knob by its table, in the order of the preset's file: ``effects.reverb``."""
    return {**dict(_tables("", Preset)), **dict(rack_tables())}


def values(preset: Preset) -> dict[str, Value]:
    """Return what every knob of a preset stands at."""
    return {place: _at(preset, place) for place in _by_field()}


def turned(preset: Preset, field: str, value: Value) -> Preset:
    """Return the preset with one knob turned.

    Raises
    ------
    PresetError
        There is no such knob, or it does not go so far.
    """
    table, _, name = field.rpartition(".")
    if field not in {knob.field for knob in groups().get(table, ())}:
        raise PresetError(f"there is no knob {field[:60]!r}")
    if table.startswith(RACK):
        return dataclasses.replace(preset, rack=turned_rack(preset.rack, field, value))
    old = _at(preset, table)
    if field == RACK_NAME:  # the knobs are another rack's
        old = dataclasses.replace(old, knobs={})
    if isinstance(value, float) and _is_whole(getattr(old, name)):
        value = round(value)  # a knob turns smoothly
    new: Any = decode(
        {**msgspec.to_builtins(old), name: value}, type(old), f"[{table}]", PresetError
    )
    above, _, last = table.rpartition(".")
    if above:
        new, last = dataclasses.replace(_at(preset, above), **{last: new}), above
    return dataclasses.replace(preset, **{last: new})


def value_at(field: str, share: float) -> Value:
    """Return what a knob stands at when it has gone a share of its way, 0 to 1."""
    knob = _by_field()[field]
    if knob.kind == "switch":
        return share >= 0.5
    if knob.kind == "choice":
        return knob.choices[min(int(share * len(knob.choices)), len(knob.choices) - 1)]
    if knob.scale == "ratio":
        return float(f"{knob.low * (knob.high / knob.low) ** share:.4g}")
    curved = share**3 if knob.scale == "cube" else share
    return float(f"{knob.low + curved * (knob.high - knob.low):.4g}")


@functools.cache
def _by_field() -> dict[str, ShapeKnob]:
    return {knob.field: knob for knobs in groups().values() for knob in knobs}


def _at(preset: Preset, place: str) -> Any:
    if place.startswith(RACK) and place.count(".") > 1:
        return rack_value(preset.rack, place)
    return functools.reduce(getattr, place.split("."), preset)


def _tables(above: str, kind: Any) -> Iterator[tuple[str, tuple[ShapeKnob, ...]]]:
    """Yield each table of a preset, and those within it, with its knobs if it has any."""
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        if not dataclasses.is_dataclass(hint) or (not above and name in _NOT_SHAPED):
            continue
        table = f"{above}{name}"
        if knobs := tuple(_knobs(table, hint)):
            yield table, knobs
        yield from _tables(f"{table}.", hint)


def _knobs(table: str, kind: Any) -> list[ShapeKnob]:
    hints = typing.get_type_hints(kind, include_extras=True)
    knobs = [_knob(table, field, hints[field.name]) for field in dataclasses.fields(kind)]
    return [knob for knob in knobs if knob]


def _knob(table: str, field: dataclasses.Field[Any], hint: Any) -> ShapeKnob | None:
    if field.default is dataclasses.MISSING:
        return None
    place, label = f"{table}.{field.name}", _label(field.name)
    if typing.get_origin(hint) is typing.Literal:
        choices = tuple(str(choice) for choice in typing.get_args(hint))
        return ShapeKnob(place, label, "choice", usual=field.default, choices=choices)
    if hint is bool:
        return ShapeKnob(place, label, "switch", usual=field.default)
    meta = next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Meta)), None)
    if meta is None or meta.ge is None or meta.le is None or not _is_number(field.default):
        return None
    unit = str((meta.extra or {}).get("unit", ""))
    unit = unit or _UNITS.get(field.name.rsplit("_", 1)[-1], "")
    low, high = float(meta.ge), float(meta.le)
    scale = _scale(field.name, low, high)
    return ShapeKnob(place, label, "number", low, high, unit, scale, field.default)


def _scale(name: str, low: float, high: float) -> Literal["even", "ratio", "cube"]:
    """Say how a knob's way is shared out: wide ranges give small values room."""
    if low > 0 and high / low > 50:
        return "ratio"
    return "cube" if low == 0 and name.endswith("_seconds") and high >= 5 else "even"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _label(name: str) -> str:
    if name in _LABELS:
        return _LABELS[name]
    words = name.split("_")
    words = words[:-1] if words[-1] in _UNITS and words[1:] else words
    return " ".join(words).capitalize()
