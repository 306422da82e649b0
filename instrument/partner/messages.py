"""What control and the partner's process say to each other: one JSON object per line.

Control sends `instrument.partner.commands`; what comes back stands here.

What is fixed for a session lies in ``partner.json`` in the session's folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from instrument.partner.settings import PartnerControls, PartnerSettings
from instrument.processes.json_lines import Failed, Notice

PLAYER = -1  # among the parts of a view
SETTINGS_FILE = "partner.json"

ClockName = Literal["internal", "midi", "link"]


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """All that the partner's process is told at its start.

    Attributes
    ----------
    clock
        Whose tempo counts.
    bpm
        The tempo to begin with.
    bar_beats
        Quarter notes per bar.
    """

    partner: PartnerSettings = field(default_factory=PartnerSettings)
    wishes: PartnerControls = field(default_factory=PartnerControls)
    clock: ClockName = "internal"
    bpm: float = 120.0
    bar_beats: float = 4.0

    def save(self, folder: Path) -> None:
        """Write it into the session's folder."""
        (folder / SETTINGS_FILE).write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, folder: Path) -> SessionSettings:
        """Read it from the session's folder."""
        return msgspec.json.decode((folder / SETTINGS_FILE).read_bytes(), type=cls)


class Listening(msgspec.Struct, frozen=True, tag=True):
    """Partner: it listens."""

    model: str
    first_frame: int  #: of the stream: beat 0 of its own tempo


class Kept(msgspec.Struct, frozen=True, tag=True):
    """Partner: the take has been written into this folder."""

    folder: str


class RollNote(msgspec.Struct, frozen=True):
    """A note of the piano roll: positions in beats."""

    start: float
    length: float
    pitch: int
    part: int  #: of the partner, or `PLAYER`


class View(msgspec.Struct, frozen=True, tag=True):
    """Partner: what it does now and what it is going to play, ten times a second."""

    beats: float
    bpm: float
    bar_beats: float
    is_running: bool
    clock: str  #: "internal", "MIDI clock", "waits for the MIDI clock", …
    mode: str
    situation: str  #: who plays: "listening", "answering", …
    is_locked: bool
    notes: tuple[RollNote, ...]


Report = Listening | Notice | Failed | Kept | View

REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
