"""A partner and all that it is told, so that a take can be kept at any moment.

In: messages and commands, in the order of their frames. Out: the partner's messages; and a folder
with the take, from which `instrument.partner.takes.replay` makes the same again. Whatever would
make a take that cannot be read is noticed before it is written: a take that has become too long
ends there, and the music goes on without it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from instrument.midi.track_notes import MAX_KEPT
from instrument.partner.append_log import AppendLog
from instrument.partner.commands import PartnerCommand
from instrument.partner.partner import Partner
from instrument.partner.sounding_notes import Message
from instrument.partner.takes.replay import composer_sha256
from instrument.partner.takes.take import FORMAT, LIMIT_BYTES, Take, write_take
from instrument.partner.takes.take_events import TakeEvent

TAKE_SECONDS = 2.5 * 3600.0
"""A take lasts no longer: files of notes end after three hours."""
_HEADER_BYTES = 1 << 16  # of a take's file, beside its events
_SPARE_NOTES = 4096  # more than one millisecond brings


class TakeRecorder:
    """Tell a partner everything, and remember it.

    Parameters
    ----------
    partner
        It has not begun yet.
    begins_at
        Its first frame.
    event_bytes, notes, seconds
        What a take holds.

    Attributes
    ----------
    begins_at
        The first frame.
    problem
        Why the take goes on no longer; empty while it does.
    """

    def __init__(
        self,
        partner: Partner,
        begins_at: int,
        *,
        event_bytes: int = LIMIT_BYTES - _HEADER_BYTES,
        notes: int = MAX_KEPT - _SPARE_NOTES,
        seconds: float = TAKE_SECONDS,
    ) -> None:
        self.partner, self.begins_at = partner, begins_at
        self.problem = ""
        self._options = partner.options  # knobs turn the partner's own
        self._events, self._separator = AppendLog(event_bytes), b""
        self._most_notes = notes
        self._longest_frames = round(seconds * partner.transport.rate_hz)
        self._last_frame: int | None = None  # where the take has ended
        partner.begin_at(begins_at)

    def hear(self, frame: int, data: bytes, source: int = 0) -> None:
        """Take one message of the player or of a clock; what changes nothing is left out."""
        if self.partner.listens_to(data):
            frame = max(frame, self.begins_at)
            self._remember(TakeEvent(frame, data.hex(), source))
            self.partner.hear(frame, data, source)

    def do(self, command: PartnerCommand) -> None:
        """Do what the player, or Link, asks for."""
        self._remember(TakeEvent(self.partner.frame, command))
        self.partner.do(command)

    def step(self) -> list[Message]:
        """Live through the next millisecond; see `Partner.step`."""
        partner = self.partner
        if partner.frame - self.begins_at >= self._longest_frames:
            self._end("it has become too long")
        elif partner.journal.count >= self._most_notes:
            self._end("it has too many notes")
        return partner.step()

    def keep(self, folder: Path) -> None:
        """Write the take into a folder.

        Raises
        ------
        LatentkeysError
            It cannot be written.
        """
        partner = self.partner
        last_frame = partner.frame if self._last_frame is None else self._last_frame
        take = Take(
            format=FORMAT,
            options=self._options,
            rate_hz=partner.transport.rate_hz,
            first_frame=self.begins_at,
            last_frame=last_frame,
            composer_sha256=composer_sha256(self._options.model),
        )
        write_take(folder, take, self._events, partner.journal.phrase(last_frame))

    def _remember(self, event: TakeEvent) -> None:
        if self._last_frame is not None:
            return
        if self._events.append(self._separator + msgspec.json.encode(event)):
            self._separator = b",\n"
        else:
            self._end(self._events.problem)

    def _end(self, problem: str) -> None:
        """Let the take end at this frame, before what comes now."""
        if self._last_frame is None:
            self.problem, self._last_frame = problem, self.partner.frame
            self.partner.journal.close(self.partner.frame)
