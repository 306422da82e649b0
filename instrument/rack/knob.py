"""A rack's knobs: declared once in its file, found in presets, MIDI learn, panel and API."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from instrument.errors import RackError
from instrument.realtime.memory.aux_memory import MOST_KNOBS
from instrument.schema import nearest

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")


@dataclass(frozen=True, slots=True)
class Knob:
    """One thing that can be turned while the rack plays.

    Attributes
    ----------
    name
        As presets write it: ``age_hz``.
    usual
        Where it stands at first.
    low, high
        How far it goes; a switch goes from 0 to 1.
    unit
        "Hz", "s", "dB" and so on; empty for a share.
    is_switch
        It is off (0) or on (1).
    """

    name: str
    usual: float
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    is_switch: bool = False


def check_knobs(knobs: object, what: str) -> tuple[Knob, ...]:
    """Return the knobs that a rack's file declares, if they are knobs.

    Parameters
    ----------
    what
        The rack, for the message.

    Raises
    ------
    RackError
        With the first one that is none.
    """
    if not isinstance(knobs, (list, tuple)) or not all(isinstance(knob, Knob) for knob in knobs):
        raise RackError(f"{what}: KNOBS must be a list of Knob(...)")
    if len(knobs) > MOST_KNOBS:
        raise RackError(f"{what}: has {len(knobs)} knobs, {MOST_KNOBS} is the most")
    if len({knob.name for knob in knobs}) < len(knobs):
        raise RackError(f"{what}: two of its knobs have the same name")
    for knob in knobs:
        _check(knob, what)
    return tuple(knobs)


def knob_values(
    knobs: tuple[Knob, ...], turned: Mapping[str, float], what: str
) -> tuple[float, ...]:
    """Return where every knob stands, in order.

    Parameters
    ----------
    turned
        Those that do not stand where they usually do.
    what
        Who says so, for the message.

    Raises
    ------
    RackError
        There is no such knob, or it does not go so far.
    """
    known = {knob.name: knob for knob in knobs}
    for name, value in turned.items():
        if name not in known:
            remedy = nearest(name, known) or f"There are: {', '.join(known)}."
            raise RackError(f"{what}: the rack has no knob {name[:60]!r}", remedy)
        knob = known[name]
        if not knob.low <= value <= knob.high:
            allowed = f"{knob.low:g}..{knob.high:g} {knob.unit}".rstrip()
            raise RackError(f"{what}: {name} must be in {allowed}, got {value:g}")
    return tuple(float(turned.get(knob.name, knob.usual)) for knob in knobs)


def _check(knob: Knob, what: str) -> None:
    if not isinstance(knob.name, str) or not _NAME.match(knob.name):
        raise RackError(
            f"{what}: a knob cannot be called {str(knob.name)[:40]!r}",
            "Use small letters, digits and _, 32 at most.",
        )
    numbers = (knob.low, knob.usual, knob.high)
    if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
        raise RackError(f"{what}: the knob {knob.name} needs numbers for usual, low and high")
    if not (knob.low <= knob.usual <= knob.high and knob.low < knob.high):
        raise RackError(
            f"{what}: the knob {knob.name} goes from {knob.low:g} to {knob.high:g}, "
            f"and stands at {knob.usual:g}"
        )
