"""Controllers that change what the partner is asked for, and how they are learned.

In: control changes. Out: new `PartnerOptions`. A knob is bound by
`instrument.partner.commands.Learn` and by turning it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from instrument.preset.partner_options import KnobName, PartnerOptions

_KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class PartnerKnob:
    """What can be turned.

    Attributes
    ----------
    what
        For the list of knobs.
    at
        The options that it changes, from its position, 0 to 1.
    """

    what: str
    at: Callable[[float], dict[str, Any]]


def _key(at: float) -> str | None:
    """Return no key at the bottom, then the majors from C up, then the minors."""
    number = round(at * 24)
    if number == 0:
        return None
    return f"{_KEYS[(number - 1) % 12]} {'major' if number <= 12 else 'minor'}"


def _register(at: float) -> dict[str, int]:
    """Return two octaves around a middle from 36 to 96."""
    middle = round(36 + 60 * at)
    return {"lowest_pitch": max(0, middle - 12), "highest_pitch": min(127, middle + 12)}


def _curve(low: float, high: float, at: float) -> float:
    return float(low * (high / low) ** at)


KNOBS: dict[KnobName, PartnerKnob] = {
    "temperature": PartnerKnob(
        "bolder or safer, 0.25 to 2", lambda at: {"temperature": _curve(0.25, 2.0, at)}
    ),
    "density": PartnerKnob(
        "notes per beat, 0.25 to 8", lambda at: {"density": _curve(0.25, 8.0, at)}
    ),
    "key": PartnerKnob("none, twelve majors, twelve minors", lambda at: {"key": _key(at)}),
    "register": PartnerKnob("two octaves, from low to high", _register),
    "length": PartnerKnob(
        "longest note, 1/4 to 8 beats", lambda at: {"longest_beats": _curve(0.25, 8.0, at)}
    ),
    "polyphony": PartnerKnob("notes at once, 1 to 8", lambda at: {"polyphony": 1 + round(7 * at)}),
    "velocity": PartnerKnob(
        "as loud as you, from not to wholly", lambda at: {"velocity_follow": at}
    ),
    "blend": PartnerKnob("the network, or this session's counts", lambda at: {"blend": at}),
    "quantise": PartnerKnob("free, or on sixteenths", lambda at: {"is_quantised": at >= 0.5}),
}


def change_in_words(before: PartnerOptions, now: PartnerOptions) -> str:
    """Say what turning knobs has changed: "temperature 0.80"; empty if nothing."""
    said = []
    for field in fields(now):
        value = getattr(now, field.name)
        if value != getattr(before, field.name):
            shown = f"{value:.2f}" if isinstance(value, float) else value
            said.append(f"{field.name.replace('_', ' ')} {shown}")
    return ", ".join(said)


class KnobBoard:
    """Which controller turns what.

    Parameters
    ----------
    bound
        Names of `KNOBS` by controller: "cc20".
    """

    def __init__(self, bound: Mapping[str, KnobName]) -> None:
        self.bound = dict(bound)
        self.learns: KnobName | None = None

    def learn(self, name: KnobName) -> None:
        """Bind the next controller that moves."""
        self.learns = name

    def listens_to(self, control: int) -> bool:
        """Tell whether a controller turns something, or would be learned now."""
        return self.learns is not None or f"cc{control}" in self.bound

    def turn(self, control: int, value: int, options: PartnerOptions) -> PartnerOptions:
        """Apply a control change; the same options come back if it turns nothing."""
        if self.learns is not None:
            self.bound = {cc: name for cc, name in self.bound.items() if name != self.learns}
            self.bound[f"cc{control}"], self.learns = self.learns, None
        if f"cc{control}" not in self.bound:
            return options
        return replace(options, **KNOBS[self.bound[f"cc{control}"]].at(value / 127.0))
