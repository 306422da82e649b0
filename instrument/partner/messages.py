"""What control and the partner's process say to each other: one JSON object per line.

Control sends `instrument.partner.commands`; what comes back stands here.

What is fixed for a session lies in ``partner.json`` in the session's folder.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from instrument.preset.partner_options import PartnerOptions
from instrument.processes.json_lines import Failed, Notice

PLAYER = -1  # among the parts of a view
OPTIONS_FILE = "partner.json"


def save_options(options: PartnerOptions, folder: Path) -> None:
    """Write all that the partner's process is told at its start into the session's folder."""
    (folder / OPTIONS_FILE).write_bytes(msgspec.json.encode(options))


def load_options(folder: Path) -> PartnerOptions:
    """Read what `save_options` has written."""
    return msgspec.json.decode((folder / OPTIONS_FILE).read_bytes(), type=PartnerOptions)


class Listening(msgspec.Struct, frozen=True, tag=True):
    """Partner: it listens."""

    model: str
    first_frame: int  #: of the stream: beat 0 of its own tempo


class Kept(msgspec.Struct, frozen=True, tag=True):
    """Partner: the take has been written into this folder."""

    folder: str


class KnobLearned(msgspec.Struct, frozen=True, tag=True):
    """Partner: a controller turns a knob from now on."""

    source: str  #: "cc20"
    knob: str


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
    key: str = ""  #: that is heard or was asked for: "G major, locked"
    knob: str = ""  #: what is learned or has just been turned: "temperature 0.80"


Report = Listening | Notice | Failed | Kept | KnobLearned | View

REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
