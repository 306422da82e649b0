"""The hands on the panel's pages: MIDI into a ring of the engine block, and no key that sticks."""

from __future__ import annotations

from collections import Counter

from instrument.midi.messages import (
    channel_pressure,
    control_change,
    note_off,
    note_on,
    pitch_bend,
)
from instrument.panel.messages.requests import Bend, KeyStroke, Press, Turn
from instrument.realtime.memory.constants import PANEL_SOURCE
from instrument.realtime.memory.state import EngineState

PEDALS = (64, 66, 67)


class Hands:
    """One page's hands.

    Parameters
    ----------
    state
        The engine block; this process is the only writer of its `panel_ring`.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._held: Counter[tuple[int, int]] = Counter()
        self._pedals: set[int] = set()
        self._bend = self._pressure = 0

    def note(self, note: KeyStroke) -> None:
        """Strike a key or let it go; a key that is not held cannot be let go."""
        channel = self._channel(note.channel)
        key = (channel, note.pitch)
        if note.velocity:
            if self._push(note_on(note.pitch, note.velocity, channel)):
                self._held[key] += 1
        elif self._held[key]:
            self._push(note_off(note.pitch, channel))
            self._held[key] -= 1

    def bend(self, bend: Bend) -> None:
        """Move the pitch wheel."""
        self._bend = bend.value
        self._push(pitch_bend(bend.value, self._channel()))

    def press(self, press: Press) -> None:
        """Press on the keys that are down."""
        self._pressure = press.value
        self._push(channel_pressure(press.value, self._channel()))

    def turn(self, turn: Turn) -> None:
        """Move a controller."""
        if turn.number in PEDALS:
            (self._pedals.add if turn.value else self._pedals.discard)(turn.number)
        self._push(control_change(turn.number, turn.value, self._channel()))

    def let_go(self) -> None:
        """Let go of everything that this page holds: keys, pedals, wheel, pressure."""
        for (channel, pitch), count in self._held.items():
            for _ in range(count):
                self._push(note_off(pitch, channel))
        for pedal in self._pedals:
            self._push(control_change(pedal, 0, self._channel()))
        if self._bend:
            self._push(pitch_bend(0, self._channel()))
        if self._pressure:
            self._push(channel_pressure(0, self._channel()))
        self._held.clear()
        self._pedals.clear()
        self._bend = self._pressure = 0

    def _channel(self, asked: int = 0) -> int:
        """Return the channel that was asked for, or the first one to which the engine listens."""
        mask = int(self._state.fields["channel_mask"])
        if mask >> asked & 1 or not mask:
            return asked
        return (mask & -mask).bit_length() - 1

    def _push(self, message: bytes) -> bool:
        return self._state.panel_ring.push(-1, *message, source=PANEL_SOURCE)
