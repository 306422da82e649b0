"""The partner on the engine's clock: what the kernel has logged goes in, messages go out.

The kernel logs every message with the frame at which it was applied, before its clock moves on. So
the partner can live through its milliseconds one by one, as far as that clock goes, and hears each
message in the same one whenever this loop comes to look: being late costs time, never the music.
"""

from __future__ import annotations

from collections import deque

from instrument.midi.messages import NOTE_OFF, SYSEX, is_note_on, message_of
from instrument.partner.partner import Partner
from instrument.partner.sounding_notes import Message
from instrument.partner.takes.take_recorder import TakeRecorder
from instrument.realtime.memory.constants import PARTNER_SOURCE
from instrument.realtime.memory.state import EngineState

TOO_LATE_SECONDS = 0.1
"""After a stall of the machine, strikes that should have been so long ago are left out."""


class LivePartner:
    """Drive a partner by the engine's block.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    partner
        Begins at the engine's present frame.
    """

    def __init__(self, state: EngineState, partner: Partner) -> None:
        self.partner = partner
        self._state = state
        self._log = state.read_log()
        self._waiting: deque[tuple[int, bytes, int]] = deque()
        self.take = TakeRecorder(partner, state.clock)
        self.first_frame = partner.transport.frame_at(0.0)

    def follow(self) -> None:
        """Live through everything up to the engine's clock."""
        until = self._state.clock
        self._read_log()
        partner = self.partner
        while partner.frame + partner.step_frames <= until:
            while self._waiting and self._waiting[0][0] <= partner.frame:
                self.take.hear(*self._waiting.popleft())
            self.send(self.take.step())

    def send(self, messages: list[Message]) -> None:
        """Give messages to the kernel."""
        too_late = self._state.clock - round(TOO_LATE_SECONDS * self._state.rate_hz)
        for message in messages:
            if message.frame < too_late and is_note_on(message.data):
                continue  # better left out than played with others that are late as well
            padded = (*message.data, 0, 0)[:3]
            self._state.partner_ring.push(
                message.frame, *padded, source=PARTNER_SOURCE, value=message.to
            )

    def _read_log(self) -> None:
        for event in self._log.read():
            status = event["status"]
            if event["source"] != PARTNER_SOURCE and status >= NOTE_OFF and status != SYSEX:
                data, source = message_of(event), int(event["source"])
                self._waiting.append((int(event["time_frames"]), data, source))
