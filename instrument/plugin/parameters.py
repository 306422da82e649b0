"""What a host can automate. An id is in songs for ever, and so is what its ends mean.

Every value is 0 to 1 inside the plug-in; `Parameter` says what a person reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "gain", "control", "sound", "program", "bypass", "status", "partner", "panel", "morph"
]
PLACES = 64
"""Steps from one end of the map of sounds to the other: each place has tones of its own."""


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
        What it moves: the master's level, a MIDI controller on all channels, a field of the
        sound, the preset, the bypass, whether the partner plays; the panel opens when it is
        turned on, and it is off again; where on the map of its model the sound is; or nothing: the
        status is a text to read.
    normal
        Where it stands in a new instance, 0 to 1; a field of the sound and a place of the map
        stand where the preset has them until somebody moves them, and again after the next preset.
    control
        The controller's number.
    field
        A field of `layout.SOUND`; ``lfo_depth.1`` is the second place of one.
    low, high
        What 0 and 1 mean.
    curve
        What it means between: ``low + (high - low) * value ** curve``.
    steps
        Steps between 0 and 1; 0 if it moves smoothly.
    text
        How a value is written: percent, -100 to 100, decibels, a plain number, or by name.
    """

    id: int
    name: str
    unit: str
    kind: Kind
    normal: float = 0.0
    control: int = 0
    field: str = ""
    low: float = 0.0
    high: float = 1.0
    curve: float = 1.0
    steps: int = 0
    text: Literal["percent", "balance", "decibels", "number", "name"] = "percent"

    def place(self, plain: float) -> float:
        """Return where a plain value lies, 0 to 1."""
        share = (plain - self.low) / (self.high - self.low)
        return float(min(max(share, 0.0), 1.0) ** (1.0 / self.curve))


def _level(number: int, name: str, field: str, high: float = 1.0) -> Parameter:
    return Parameter(number, name, "%", "sound", field=field, high=high)


def _number(
    number: int, name: str, unit: str, field: str, low: float, high: float, curve: float = 1.0
) -> Parameter:
    return Parameter(
        number, name, unit, "sound", field=field, low=low, high=high, curve=curve, text="number"
    )


PARAMETERS = (
    Parameter(1, "Level", "dB", "gain", 60 / 66, low=-60.0, high=6.0, text="decibels"),
    Parameter(2, "Preset", "", "program", steps=127, text="name"),
    Parameter(3, "Brightness", "%", "control", 64 / 127, control=74, text="balance"),
    Parameter(4, "Modulation", "%", "control", control=1),
    Parameter(5, "Expression", "%", "control", 1.0, control=11),
    Parameter(6, "Pan", "%", "control", 64 / 127, control=10, text="balance"),
    Parameter(8, "Bypass", "", "bypass", steps=1, text="name"),
    Parameter(9, "Status", "", "status", text="name"),
    Parameter(10, "Partner", "", "partner", steps=1, text="name"),
    _level(16, "Reverb", "reverb_level"),
    _number(17, "Reverb time", "s", "reverb_seconds", 0.1, 20.0, 3.0),
    Parameter(18, "Reverb size", "%", "sound", field="reverb_size", low=0.5, high=1.5),
    _level(19, "Delay", "delay_level"),
    _level(20, "Delay feedback", "delay_feedback", 0.95),
    _level(21, "Chorus", "chorus_level"),
    _level(22, "Orbit", "orbit_depth"),
    _number(23, "Orbit rate", "Hz", "orbit_rate_hz", 0.02, 10.0, 3.0),
    _level(24, "Drive", "drive"),
    _level(25, "Width", "width"),
    _level(26, "Glue", "glue"),
    _number(27, "Low", "dB", "tone_low_db", -18.0, 18.0),
    _number(28, "Middle", "dB", "tone_mid_db", -18.0, 18.0),
    _number(29, "High", "dB", "tone_high_db", -18.0, 18.0),
    _number(30, "Glide time", "s", "glide_seconds", 0.0, 10.0, 3.0),
    _number(31, "Attack", "s", "attack_seconds", 0.0, 10.0, 3.0),
    _number(32, "Release", "s", "release_seconds", 0.0, 10.0, 3.0),
    _number(33, "Cut-off", "Hz", "cutoff_hz", 20.0, 20_000.0, 4.0),
    _level(34, "Resonance", "resonance"),
    _number(35, "Vibrato", "cents", "vibrato_depth_cents", 0.0, 200.0, 2.0),
    _number(36, "Vibrato rate", "Hz", "vibrato_rate_hz", 0.1, 12.0, 2.0),
    _level(37, "Drift", "drift"),
    _level(38, "LFO 1", "lfo_depth.0"),
    _number(39, "LFO 1 rate", "Hz", "lfo_rate_hz.0", 0.01, 20.0, 3.0),
    _level(40, "LFO 2", "lfo_depth.1"),
    _number(41, "LFO 2 rate", "Hz", "lfo_rate_hz.1", 0.01, 20.0, 3.0),
    Parameter(42, "Open panel", "", "panel", steps=1, text="name"),
    Parameter(43, "Morph x", "%", "morph"),
    Parameter(44, "Morph y", "%", "morph"),
)
