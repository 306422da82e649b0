"""The knobs of racks: those of shipped ones stand in presets, those of a player's file in memory.

``rack.tape.wow`` turns a knob of the rack ``tape``; ``rack.own.wow`` one of the file behind
``--rack``. Both are found in the same places as every other knob: MIDI learn, OSC, the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from instrument.errors import PresetError
from instrument.panel.messages.news import ShapeKnob
from instrument.preset.rack import RackOptions
from instrument.rack.find import SHIPPED, shipped_rack
from instrument.rack.knob import Knob
from instrument.realtime.memory.state import EngineState

RACK = "rack."
OWN = "rack.own"
_UNITS = ("seconds", "hz", "db", "beats")
_NAMES = {
    "seconds": "Time",
    "treble_hz": "Treble up to",
    "bass_hz": "Bass from",
    "low_hz": "Lowest band",
}


def rack_tables() -> Iterator[tuple[str, tuple[ShapeKnob, ...]]]:
    """Yield the knobs of every shipped rack, by table: ``rack.tape``."""
    for name in SHIPPED:
        yield f"{RACK}{name}", _shown(f"{RACK}{name}", shipped_rack(name).knobs)


def rack_value(options: RackOptions, field: str) -> float | bool:
    """Return where a knob stands; one of another rack than the preset's stands as usual."""
    rack, _, name = field.removeprefix(RACK).partition(".")
    knob = next(knob for knob in shipped_rack(rack).knobs if knob.name == name)
    value = options.knobs.get(name, knob.usual) if options.name == rack else knob.usual
    return value >= 0.5 if knob.is_switch else value


def turned_rack(options: RackOptions, field: str, value: float | bool | str) -> RackOptions:
    """Return a preset's rack with one knob turned, which chooses the rack if there is none yet.

    A knob of another rack, which a controller may turn at any time, changes nothing.

    Raises
    ------
    PresetError
        It does not go so far.
    """
    rack, _, name = field.removeprefix(RACK).partition(".")
    if options.name not in ("none", rack):
        return options
    knob = next(knob for knob in shipped_rack(rack).knobs if knob.name == name)
    knobs = {**options.knobs, name: _number(knob, value)}
    return replace(options, name=rack, knobs=knobs)  # type: ignore[arg-type]


class OwnRackKnobs:
    """The knobs of the player's own file, while it plays.

    Parameters
    ----------
    state
        The engine block.
    """

    def __init__(self, state: EngineState) -> None:
        self._values = state.fields["rack"]["knobs"]
        self.knobs: tuple[Knob, ...] = ()

    def groups(self) -> dict[str, tuple[ShapeKnob, ...]]:
        """Return them as the page draws them."""
        return {OWN: _shown(OWN, self.knobs)} if self.knobs else {}

    def values(self) -> dict[str, float | bool | str]:
        """Return where they stand."""
        return {
            f"{OWN}.{knob.name}": bool(value >= 0.5) if knob.is_switch else float(value)
            for knob, value in zip(self.knobs, self._values, strict=False)
        }

    def turn(self, field: str, value: float | bool | str) -> None:
        """Turn one; the rack hears it with its next block.

        Raises
        ------
        PresetError
            There is none such, or it does not go so far.
        """
        for number, knob in enumerate(self.knobs):
            if field == f"{OWN}.{knob.name}":
                self._values[number] = _number(knob, value)
                return
        raise PresetError(f"there is no knob {field[:60]!r}")

    def turn_to_share(self, field: str, share: float) -> None:
        """Turn one as far as a controller has gone, 0 to 1; one that is not there stays."""
        for knob in self.knobs:
            if field == f"{OWN}.{knob.name}":
                self.turn(field, knob.low + (knob.high - knob.low) * share)


def _number(knob: Knob, value: float | bool | str) -> float:
    if isinstance(value, str) or not knob.low <= value <= knob.high:
        allowed = f"{knob.low:g}..{knob.high:g} {knob.unit}".rstrip()
        raise PresetError(f"{knob.name} must be in {allowed}, got {str(value)[:40]}")
    return round(float(value)) * 1.0 if knob.is_switch else float(value)


def _label(name: str) -> str:
    words = name.split("_")
    words = words[:-1] if words[1:] and words[-1] in _UNITS else words
    return _NAMES.get(name, " ".join(words).capitalize())


def _shown(table: str, knobs: tuple[Knob, ...]) -> tuple[ShapeKnob, ...]:
    return tuple(
        ShapeKnob(
            f"{table}.{knob.name}",
            _label(knob.name),
            "switch" if knob.is_switch else "number",
            knob.low,
            knob.high,
            knob.unit,
            "ratio" if knob.low > 0 and knob.high / knob.low > 12 else "even",
            knob.usual >= 0.5 if knob.is_switch else knob.usual,
        )
        for knob in knobs
    )
