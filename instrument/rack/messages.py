"""What control and the rack's process say to each other: one JSON object per line.

Control says nothing: levels and knobs go through the engine's block. What is fixed for a process
lies in ``rack.json`` in the session's folder.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from instrument.processes.json_lines import Failed, Notice
from instrument.rack.knob import Knob

_FILE = "rack.json"


class RackSettings(msgspec.Struct, frozen=True):
    """What the rack's process is told at its start."""

    rack: str  #: a shipped one's name, or the player's own file
    impulse: str = ""  #: a WAV file of an impulse response; empty without one
    turned: dict[str, float] = {}  #: knobs that do not stand where they usually do
    waits: bool = False  #: in a render: nothing is ever skipped

    def save(self, folder: Path) -> None:
        """Write them where the process looks."""
        (folder / _FILE).write_bytes(msgspec.json.encode(self))

    @classmethod
    def load(cls, folder: Path) -> RackSettings:
        """Read what `save` has written."""
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=cls)


class Built(msgspec.Struct, frozen=True, tag=True):
    """Rack: it plays."""

    name: str
    says: str
    knobs: tuple[Knob, ...]


Report = Built | Notice | Failed
REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
NOTHING: msgspec.json.Decoder[Notice] = msgspec.json.Decoder(Notice)
