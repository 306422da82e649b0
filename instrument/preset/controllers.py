"""A preset's own controllers: which parameter a knob turns, and how far.

The kernel plays the usual controllers itself, within a block. A preset's ``[controls]`` change its
bank's sound record instead, of which a voice takes its copy when it starts: they shape the notes
struck after the knob has moved. While playing live, control follows the engine's log, so a knob
takes hold within 20 ms; offline it does at its very frame.
"""

from __future__ import annotations

from collections.abc import Iterable

from instrument.midi.messages import CONTROL_CHANGE
from instrument.preset.banks import LoadedPreset
from instrument.preset.sections import Control
from instrument.realtime.memory.state import EngineState


def turn_control(state: EngineState, loaded: LoadedPreset, control: int, value: int) -> bool:
    """Let one control change shape a preset's coming notes; True if the preset has that knob.

    Parameters
    ----------
    value
        Of the controller, 0-127.
    """
    entry = loaded.preset.controls.get(f"cc{control}")
    if entry is None:
        return False
    state.banks[loaded.bank][entry.parameter] = parameter_value(entry, value)
    return True


def parameter_value(control: Control, value: int) -> float:
    """Return the parameter, in its unit, for a controller value of 0 to 127."""
    share = value / 127
    if control.curve == "exponential":
        return float(control.low * (control.high / control.low) ** share)
    return float(control.low + (control.high - control.low) * share)


class ControlFollower:
    """Read the engine's log for the knobs of the preset that plays.

    Parameters
    ----------
    state
        The engine block.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._log = state.read_log()

    def follow(self, loaded: Iterable[LoadedPreset]) -> None:
        """Apply every control change since the last call to all presets that lie in a bank."""
        presets = [entry for entry in loaded if entry.preset.controls]
        events = self._log.read()
        if not presets or not len(events):
            return
        for event in events[(events["status"] & 0xF0) == CONTROL_CHANGE]:
            for entry in presets:
                turn_control(self._state, entry, int(event["data1"]), int(event["data2"]))
