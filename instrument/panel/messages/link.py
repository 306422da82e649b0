"""What control and the panel's process say to each other: one JSON object per line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from instrument.partner.commands import (
    Accept,
    BarLine,
    ComeToEnd,
    Keep,
    Learn,
    Lock,
    LockKey,
    Silence,
    Tap,
    ThinkAgain,
)
from instrument.partner.messages import KnobLearned, View
from instrument.preset.partner_options import ModeName, Name
from instrument.processes.json_lines import Failed, Notice
from instrument.rack.knob import Knob
from instrument.schema import ranged

SETTINGS_FILE = "panel.json"
IN_A_HOST = "host"
"""The kind of audio device of an instance of the plug-in."""


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """What control has decided for the panel, in the session's folder."""

    host: str = "127.0.0.1"
    port: int = 0  #: 0 = the usual one, or any if that is taken
    token: str = ""
    osc_port: int = 0  #: 0 = no OSC
    any_port: bool = False  #: never the usual one, and another one if `port` is taken

    def save(self, folder: Path) -> None:
        """Write them where the panel's process looks."""
        path = folder / SETTINGS_FILE
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> PanelSettings:
        """Read what `save` has written."""
        return msgspec.json.decode((folder / SETTINGS_FILE).read_bytes(), type=cls)


class UseDevices(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Panel: play on these devices from now on; held notes end, the sound pauses for a second."""

    audio: Annotated[str, Meta(min_length=1, max_length=200)] = "auto"
    midi_in: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=16)] = ()
    channel: Annotated[int, ranged(0, 16)] = 0  #: 0: all
    block_frames: Annotated[int, ranged(0, 8192, "frames")] = 0  #: 0: the device's own


class NowPlaying(msgspec.Struct, frozen=True, tag="Situation"):
    """Control: what plays, where and how soon, whenever it changes."""

    preset: str = ""  #: path of the file
    notes: str = ""
    provider: str = ""
    output: str = ""
    kind: str = ""  #: of the audio device; "null" without one, `IN_A_HOST` in the plug-in
    block_frames: int = 0
    rate_hz: float = 0.0
    latency_seconds: float = 0.0
    midi: tuple[str, ...] = ()
    recording: float | None = None
    chosen: UseDevices = UseDevices()
    take: str = ""  #: which plays
    take_seconds: float = 0.0  #: where it is
    take_length: float = 0.0
    rack: str = ""  #: which plays; empty without one
    rack_is_asked: bool = False  #: by ``--rack``, so that presets choose none
    own_rack: tuple[Knob, ...] = ()  #: what can be turned if it is a file of the player's
    has_partner: bool = False
    partner_channels: tuple[int, ...] = ()  #: 0-15, among our own voices


class PlayFile(msgspec.Struct, frozen=True, tag=True):
    """Panel: let new notes play this preset."""

    path: str
    carries: bool = False  #: notes that sound go over to it


class CallPartner(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Panel: let a partner play along, or another one than now."""

    mode: ModeName = "answer"
    model: Name = "note_lstm_tunes"
    tempo: Annotated[float, ranged(20, 400, "bpm")] = 120.0
    metronome: bool = False


class DismissPartner(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Panel: let the partner go."""


class PlayTake(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Panel: play a kept take with the sounds of now."""

    take: Name


class StopTake(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Panel: end the take that plays."""


class LookForDevices(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Panel: look for sound cards and keyboards."""


class Devices(msgspec.Struct, frozen=True, tag=True):
    """Control: what there is to choose from."""

    audio: tuple[str, ...]
    midi: tuple[str, ...]
    problem: str = ""


class Panic(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Panel: end every sound at once."""


class Serving(msgspec.Struct, frozen=True, tag=True):
    """Panel: it can be reached there."""

    address: str  #: with its token
    port: int


PartnerCommand = Tap | BarLine | ThinkAgain | Accept | Lock | LockKey | Silence | ComeToEnd | Keep
Report = (
    PlayFile | CallPartner | DismissPartner | Panic | Serving | PartnerCommand | Learn
    | PlayTake | StopTake | LookForDevices | UseDevices | Notice | Failed
)  # fmt: skip
REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)

FromControl = NowPlaying | Notice | View | KnobLearned | Devices
FROM_CONTROL: msgspec.json.Decoder[FromControl] = msgspec.json.Decoder(FromControl)
