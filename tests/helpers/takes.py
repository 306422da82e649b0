"""A session in virtual time that can be kept, as the partner's process keeps one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from instrument.partner.commands import PartnerCommand
from instrument.partner.open_partner import open_partner
from instrument.partner.replay import composer_sha256
from instrument.partner.sounding_notes import Message
from instrument.partner.take import FORMAT, Take, write_take
from instrument.partner.take_events import TakeEvent
from instrument.preset.partner_options import PartnerOptions
from tests.helpers.partner_stage import RATE


class Session:
    """A partner, what it was told, and what it sent."""

    def __init__(self, options: PartnerOptions, begins_at: int = 777) -> None:
        self.options, self.begins_at = options, begins_at
        self.partner = open_partner(options, RATE)
        self.partner.begin_at(begins_at)
        self.heard: list[TakeEvent] = []
        self.messages: list[Message] = []

    def hear(self, frame: int, data: bytes, source: int = 0) -> None:
        self.heard.append(TakeEvent(frame, data.hex(), source))
        self.partner.hear(frame, data, source)

    def do(self, command: PartnerCommand) -> None:
        self.heard.append(TakeEvent(self.partner.frame, command))
        self.partner.do(command)

    def play(self, until_frame: int, events: Iterable[tuple[int, bytes]] = ()) -> None:
        """Go on to a frame; what the player does is heard in the millisecond after it."""
        waiting = sorted(events, key=lambda event: event[0])
        while self.partner.frame + self.partner.step_frames <= until_frame:
            while waiting and waiting[0][0] <= self.partner.frame:
                self.hear(*waiting.pop(0))
            self.messages += self.partner.step()

    def take(self) -> Take:
        return Take(
            format=FORMAT,
            options=self.options,
            rate_hz=RATE,
            first_frame=self.begins_at,
            last_frame=self.partner.frame,
            composer_sha256=composer_sha256(self.options.model),
            heard=tuple(self.heard),
        )

    def keep(self, folder: Path) -> Take:
        """Write the take; return it."""
        take = self.take()
        write_take(folder, take, self.partner.journal.phrase(self.partner.frame))
        return take
