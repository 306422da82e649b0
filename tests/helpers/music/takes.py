"""A session in virtual time that can be kept, as the partner's process keeps one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from instrument.partner.commands import PartnerCommand
from instrument.partner.open_partner import open_partner
from instrument.partner.sounding_notes import Message
from instrument.partner.takes.take_recorder import TakeRecorder
from instrument.preset.partner_options import PartnerOptions
from tests.helpers.music.partner_stage import RATE


class Session:
    """A partner, and what it sent."""

    def __init__(self, options: PartnerOptions, begins_at: int = 777, **limits: int) -> None:
        self.partner = open_partner(options, RATE)
        self.recorder = TakeRecorder(self.partner, begins_at, **limits)
        self.messages: list[Message] = []

    def do(self, command: PartnerCommand) -> None:
        self.recorder.do(command)

    def play(
        self, until_frame: int, events: Iterable[tuple[int, bytes] | tuple[int, bytes, int]] = ()
    ) -> None:
        """Go on to a frame; what the player does is heard in the millisecond after it."""
        waiting = sorted(events, key=lambda event: event[0])
        while self.partner.frame + self.partner.step_frames <= until_frame:
            while waiting and waiting[0][0] <= self.partner.frame:
                self.recorder.hear(*waiting.pop(0))
            self.messages += self.recorder.step()

    def keep(self, folder: Path) -> None:
        """Write the take."""
        self.recorder.keep(folder)
