"""A preset's ``[rack]``: which shipped rack its sound goes through, and where the knobs stand.

In: a preset's table. Out: a frozen `RackOptions`. A preset names a shipped rack and never a file:
what comes from elsewhere runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from msgspec import Meta

from instrument.errors import PresetError, RackError
from instrument.rack.find import RackName, shipped_rack
from instrument.rack.knob import knob_values
from instrument.schema import ranged

KnobName = Annotated[str, Meta(min_length=1, max_length=32)]


@dataclass(frozen=True, slots=True)
class RackOptions:
    """An effect of pyo's, beside or instead of the direct sound."""

    name: Literal["none", RackName] = "none"
    send: Annotated[float, ranged(0, 1)] = 1.0  #: how much of the sound goes in
    level: Annotated[float, ranged(0, 2)] = 1.0  #: of what comes back, 1 = as it is
    direct: Annotated[float, ranged(0, 1)] = 1.0  #: of the direct sound, while the rack plays
    #: Where the rack's knobs stand, in their units; the others stand where they usually do.
    knobs: dict[KnobName, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RackChoice:
    """What was asked for behind ``--rack``; it goes before what presets bring.

    Attributes
    ----------
    rack
        A shipped one's name, or a file of the player's own; empty: as presets say.
    impulse
        An impulse response, checked; empty without one.
    """

    rack: str = ""
    impulse: str = ""

    def options(self, preset: RackOptions) -> tuple[str, RackOptions]:
        """Return which rack plays with a preset, empty for none, and how."""
        name = self.rack or ("" if preset.name == "none" else preset.name)
        return name, preset if preset.name == name else replace(preset, knobs={})


def check_rack(options: RackOptions, what: str) -> None:
    """Refuse knobs that the rack does not have.

    Parameters
    ----------
    what
        The preset, for the message.

    Raises
    ------
    PresetError
        With what was found and what is allowed.
    """
    if options.name == "none":
        if options.knobs:
            raise PresetError(f"{what}: [rack] has knobs, but no name")
        return
    try:
        knob_values(shipped_rack(options.name).knobs, options.knobs, f"{what}: [rack.knobs]")
    except RackError as problem:
        raise PresetError(problem.message, problem.remedy) from problem
