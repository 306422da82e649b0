"""MIDI from control: a song, a program, a test."""

from __future__ import annotations

from collections.abc import Sequence

from instrument.realtime.byte_stream import ByteStream
from instrument.realtime.memory.constants import CONTROL_SOURCE
from instrument.realtime.memory.state import EngineState


class ControlInput:
    """Bytes of control's, as a cable would bring them; one thread at a time.

    Parameters
    ----------
    state
        Whose kernel plays them.
    """

    def __init__(self, state: EngineState) -> None:
        self._ring = state.control_ring
        self._bytes = ByteStream()

    def send(self, data: Sequence[int], frame: int = -1) -> bool:
        """Play MIDI at an absolute frame, -1 = as soon as possible.

        False, and nothing of it is played, when the ring has no room for all that it becomes: a
        system exclusive message is many. Whoever sends it again plays it once.

        Parameters
        ----------
        data
            One message, or several in a row.
        """
        return self._ring.push_all(
            [
                (frame, status, data1, data2, CONTROL_SOURCE, value)
                for status, data1, data2, value in self._bytes.messages(bytes(data))
            ]
        )
