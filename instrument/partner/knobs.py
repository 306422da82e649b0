"""Controllers that change what the partner is asked for, and how they are learned.

In: control changes. Out: new `PartnerControls`. A knob is bound by
`instrument.partner.commands.Learn` and by turning it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from instrument.music.constraints import Key
from instrument.partner.settings import KnobName, PartnerControls

Turn = Callable[[PartnerControls, float], PartnerControls]  # with the knob's position, 0 to 1


@dataclass(frozen=True, slots=True)
class Knob:
    """What can be turned.

    Attributes
    ----------
    what
        For the list of knobs.
    turn
        Applies a position.
    """

    what: str
    turn: Turn


def _controls(**change: Callable[[float], object]) -> Turn:
    def turn(wishes: PartnerControls, at: float) -> PartnerControls:
        changed = {name: value(at) for name, value in change.items()}
        return replace(wishes, controls=replace(wishes.controls, **changed))  # type: ignore[arg-type]

    return turn


def _key(at: float) -> Key | None:
    """Return no key at the bottom, then the majors from C up, then the minors."""
    number = round(at * 24)
    if number == 0:
        return None
    return Key((number - 1) % 12, "major" if number <= 12 else "minor")


def _register(at: float) -> tuple[int, int]:
    """Return two octaves around a middle from 36 to 96."""
    middle = round(36 + 60 * at)
    return max(0, middle - 12), min(127, middle + 12)


def _curve(low: float, high: float) -> Callable[[float], float]:
    return lambda at: low * (high / low) ** at


KNOBS: dict[KnobName, Knob] = {
    "temperature": Knob("bolder or safer, 0.25 to 2", _controls(temperature=_curve(0.25, 2.0))),
    "density": Knob("notes per beat, 0.25 to 8", _controls(density=_curve(0.25, 8.0))),
    "key": Knob("none, twelve majors, twelve minors", _controls(key=_key)),
    "register": Knob("two octaves, from low to high", _controls(register=_register)),
    "length": Knob("longest note, 1/4 to 8 beats", _controls(max_length_beats=_curve(0.25, 8.0))),
    "polyphony": Knob(
        "notes at once, 1 to 8", lambda wishes, at: replace(wishes, polyphony=1 + round(7 * at))
    ),
    "velocity": Knob(
        "as loud as you, from not to wholly",
        lambda wishes, at: replace(wishes, velocity_follow=at),
    ),
    "blend": Knob("the network, or this session's counts", lambda w, at: replace(w, blend=at)),
    "quantise": Knob(
        "free, or on sixteenths", lambda wishes, at: replace(wishes, is_quantised=at >= 0.5)
    ),
}


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

    def turn(self, control: int, value: int, wishes: PartnerControls) -> PartnerControls:
        """Apply a control change; the same wishes come back if it turns nothing."""
        if self.learns is not None:
            self.bound = {cc: name for cc, name in self.bound.items() if name != self.learns}
            self.bound[f"cc{control}"], self.learns = self.learns, None
        if f"cc{control}" not in self.bound:
            return wishes
        return KNOBS[self.bound[f"cc{control}"]].turn(wishes, value / 127.0)
