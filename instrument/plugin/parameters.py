"""What a host can automate. An id is in songs for ever: never change or reuse one.

Every value is 0 to 1 inside the plug-in; `Parameter` says what a person reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gain", "control", "program", "bypass", "status"]
LOWEST_DB, HIGHEST_DB = -60.0, 6.0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the plug-in.

    Attributes
    ----------
    id
        Its number for ever.
    name, unit
        What the host shows.
    kind
        What it moves: the master's level, a MIDI controller on all channels, the preset, the
        bypass; or nothing: the status is a text to read.
    normal
        Where it stands in a new instance, 0 to 1.
    control
        The controller's number.
    steps
        Steps between 0 and 1; 0 if it moves smoothly.
    text
        How a value is written: percent, -100 to 100, decibels, or by name.
    """

    id: int
    name: str
    unit: str
    kind: Kind
    normal: float
    control: int = 0
    steps: int = 0
    text: Literal["percent", "balance", "decibels", "name"] = "percent"


PARAMETERS = (
    Parameter(1, "Level", "dB", "gain", -LOWEST_DB / (HIGHEST_DB - LOWEST_DB), text="decibels"),
    Parameter(2, "Preset", "", "program", 0.0, steps=127, text="name"),
    Parameter(3, "Brightness", "%", "control", 64 / 127, control=74, text="balance"),
    Parameter(4, "Modulation", "%", "control", 0.0, control=1),
    Parameter(5, "Expression", "%", "control", 1.0, control=11),
    Parameter(6, "Pan", "%", "control", 64 / 127, control=10, text="balance"),
    Parameter(8, "Bypass", "", "bypass", 0.0, steps=1, text="name"),
    Parameter(9, "Status", "", "status", 0.0, text="name"),
)
