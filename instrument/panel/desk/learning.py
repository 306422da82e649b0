"""Controllers that turn knobs of the panel: learned by moving them, seen in the engine's log."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from instrument.errors import PresetError
from instrument.midi.messages import CONTROL_CHANGE
from instrument.panel.messages.news import Controllers
from instrument.preset.learned_controllers import PARTNER, bind, forget, learned_controllers
from instrument.realtime.memory.constants import PARTNER_SOURCE
from instrument.realtime.memory.state import EngineState

CHANNEL_PRESSURE, KEY_PRESSURE = 0xD0, 0xA0
PEDALS_AND_DATA = frozenset({0, 6, 32, 38, 64, 65, 66, 67, 68, 69, 88, *range(96, 102)})
"""Controllers that cannot be learned: banks, data entry and switches under a foot."""


class Learning:
    """Follow the controllers that the engine has applied.

    Parameters
    ----------
    state
        The engine block.
    targets
        What can be turned.
    """

    def __init__(self, state: EngineState, targets: frozenset[str]) -> None:
        self._log = state.read_log()
        self._targets = targets
        self._learns = ""
        self.look()

    def look(self) -> None:
        """Read again what is kept."""
        self._bound = learned_controllers()

    def show(self) -> Controllers:
        """Return what the pages see."""
        return Controllers({knob: name for name, knob in self._bound.items()}, self._learns)

    @property
    def turns_sounds(self) -> bool:
        """A controller turns something here, whether a page is open or not."""
        return any(not target.startswith(PARTNER) for target in self._bound.values())

    def may_learn(self, targets: Iterable[str]) -> None:
        """Let more be turned than was known at first."""
        self._targets |= frozenset(targets)

    def learn(self, target: str) -> None:
        """Let the next controller that moves turn a knob; asked for again: no longer.

        Raises
        ------
        PresetError
            There is no such knob.
        """
        if target not in self._targets:
            raise PresetError(f"there is no knob {target[:60]!r}")
        self._learns = "" if self._learns == target else target

    def forget(self, target: str) -> None:
        """Let no controller turn a knob any more.

        Raises
        ------
        FileError
            That cannot be kept.
        """
        forget(target)
        self.look()

    def moved(self) -> dict[str, float]:
        """Return how far each knob was turned since the last call, 0 to 1, and bind one to learn.

        Raises
        ------
        FileError
            What was learned cannot be kept.
        """
        turned: dict[str, float] = {}
        for source, share in self._heard():
            if self._learns and (source != "pressure" or not self._learns.startswith(PARTNER)):
                target, self._learns = self._learns, ""
                bind(source, target)
                self.look()
            if target := self._bound.get(source, ""):
                turned[target] = share
        return {name: at for name, at in turned.items() if not name.startswith(PARTNER)}

    def _heard(self) -> list[tuple[str, float]]:
        events = self._log.read()
        events = events[(events["command"] == 0) & (events["source"] != PARTNER_SOURCE)]
        kinds = (CONTROL_CHANGE, CHANNEL_PRESSURE, KEY_PRESSURE)
        heard = events[np.isin(events["status"] & 0xF0, kinds)]
        found = []
        for event in heard:
            kind = int(event["status"]) & 0xF0
            data1, data2 = int(event["data1"]), int(event["data2"])
            if kind == CONTROL_CHANGE and data1 < 120 and data1 not in PEDALS_AND_DATA:
                found.append((f"cc{data1}", data2 / 127))
            elif kind != CONTROL_CHANGE:
                found.append(("pressure", (data1 if kind == CHANNEL_PRESSURE else data2) / 127))
        return found
