"""What a page and the panel say to each other: one JSON object per WebSocket message.

A page sends a `Request`; the panel sends `News`. docs/api.md shows them all, with examples. Every
object says its ``type``; what is none of these, or out of its range, is refused and does nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from instrument.panel.link_messages import (
    CallPartner,
    Devices,
    DismissPartner,
    LookForDevices,
    NowPlaying,
    Panic,
    PartnerCommand,
    PlayTake,
    StopTake,
    UseDevices,
)
from instrument.partner.messages import View
from instrument.processes.json_lines import Notice
from instrument.schema import ranged

LIMIT_BYTES = 128 * 1024
"""Of one message; a preset's file has 64 KiB at most."""

Seven = Annotated[int, ranged(0, 127)]
Share = Annotated[float, ranged(0, 1)]
Name = Annotated[str, Meta(min_length=1, max_length=80)]


class Request(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a page may ask for."""


class KeyStroke(Request, frozen=True, tag="Note"):
    """Strike a key, or let it go with velocity 0."""

    pitch: Seven
    velocity: Seven
    channel: Annotated[int, ranged(0, 15)] = 0


class Bend(Request, frozen=True):
    """Move the pitch wheel."""

    value: Annotated[int, ranged(-8192, 8191)]


class Press(Request, frozen=True):
    """Press harder or softer on all keys that are down: channel pressure."""

    value: Seven


class Turn(Request, frozen=True):
    """Move a controller: 1 is the wheel, 64 the pedal."""

    number: Annotated[int, ranged(0, 119)]
    value: Seven


class LetGo(Request, frozen=True):
    """Let go of everything that this page holds."""


class Play(Request, frozen=True):
    """Play a preset, by the name of its file."""

    preset: Name


class Set(Request, frozen=True):
    """Give a knob of the preset that plays a value: ``envelope.attack_seconds``."""

    field: Name
    value: float | bool | str


class Undo(Request, frozen=True):
    """Take the last change of the sound back."""


class Redo(Request, frozen=True):
    """Make the change again that was taken back last."""


class Compare(Request, frozen=True):
    """Change between the sound as it is now (A) and as it was stored (B)."""


class Save(Request, frozen=True):
    """Keep the sound as it is now: in its own file, or under a name."""

    name: Annotated[str, Meta(max_length=80)] = ""


class Rename(Request, frozen=True):
    """Give one of the player's presets another name."""

    preset: Name
    name: Name


class Delete(Request, frozen=True):
    """Put one of the player's presets into the bin."""

    preset: Name


class Restore(Request, frozen=True):
    """Take a preset out of the bin again."""

    preset: Name


class Import(Request, frozen=True):
    """Take a preset's file."""

    text: Annotated[str, Meta(max_length=64 * 1024)]


class Favourite(Request, frozen=True):
    """Mark a preset, or take the mark away."""

    preset: Name
    on: bool


class Place(Request, frozen=True):
    """Go to a point of the map: both from 0 to 1."""

    x: Share
    y: Share


class MorphTo(Request, frozen=True, tag="Morph"):
    """Be between up to four presets in the corners: left and right below, left and right above."""

    corners: Annotated[tuple[Name, ...], Meta(min_length=2, max_length=4)]
    x: Share
    y: Share


class MorphPath(Request, frozen=True):
    """Record the way that the morph pad goes, or go it round and round."""

    do: Literal["record", "loop", "stop"]


class LearnKnob(Request, frozen=True, tag="Learn"):
    """Let the next controller that moves turn a knob or an axis; once more: no longer."""

    field: Name


class Forget(Request, frozen=True):
    """Let no controller turn a knob or an axis any more."""

    field: Name


class Surprise(Request, frozen=True):
    """Draw a new sound from the model."""


class Alike(Request, frozen=True):
    """Draw a sound that is near to the one that plays."""


class StopSearch(Request, frozen=True):
    """Look no longer for what is nearest to a recording, or for a draw."""


AnyRequest = (
    KeyStroke | Bend | Press | Turn | LetGo | Play | Set | Undo | Redo | Compare
    | Save | Rename | Delete | Restore | Import | Favourite | Place | MorphTo | MorphPath
    | LearnKnob | Forget | Surprise | Alike | StopSearch
    | PartnerCommand | CallPartner | DismissPartner
    | PlayTake | StopTake | LookForDevices | UseDevices | Panic
)  # fmt: skip
REQUESTS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyRequest)


class News(msgspec.Struct, frozen=True, tag=True):
    """What the panel tells every page."""


class ShapeKnob(msgspec.Struct, frozen=True):
    """One thing that can be shaped: how to draw it and what it takes."""

    field: str  #: what `Set` calls it
    label: str
    kind: str  #: number, choice or switch
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    scale: Literal["even", "ratio", "cube"] = "even"  #: how its way is shared out
    usual: float | bool | str = 0.0
    choices: tuple[str, ...] = ()


class Hello(News, frozen=True):
    """The first message: what does not change while the panel runs."""

    version: str
    groups: dict[str, tuple[ShapeKnob, ...]]
    partner_models: tuple[str, ...]
    lowest_pitch: int
    highest_pitch: int


class PresetCard(msgspec.Struct, frozen=True):
    """One preset of the library."""

    preset: str
    name: str
    model: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    program: int | None = None
    is_own: bool = False
    is_favourite: bool = False
    picture: str = ""  #: base64: `PICTURE_BANDS` rows of `PICTURE_STEPS` bytes, the lowest first
    problem: str = ""


class Library(News, frozen=True):
    """All presets, and which were played lately, the last one first."""

    presets: tuple[PresetCard, ...]
    recent: tuple[str, ...]
    bin: tuple[str, ...]


class Desk(News, frozen=True):
    """The sound that plays, as it is now."""

    preset: str
    name: str
    values: dict[str, float | bool | str]
    is_changed: bool
    undo: int
    redo: int
    side: str  #: A: as it is now; B: as it was stored
    x: float | None = None  #: its place on the map
    y: float | None = None


class Spot(msgspec.Struct, frozen=True):
    """An instrument or preset on the map."""

    name: str
    x: float
    y: float
    preset: str = ""  #: empty: an instrument that the model has learned


class Map(News, frozen=True):
    """Where the sounds of a model lie: both axes 0 to 1, neighbours alike."""

    model: str
    spots: tuple[Spot, ...]


class Controllers(News, frozen=True):
    """Which controller turns which knob, and which knob waits for one."""

    bound: dict[str, str]  #: "cc20" or "pressure", by what it turns: "filter.cutoff_hz"
    learns: str  #: empty: none


class Pad(News, frozen=True):
    """The morph pad."""

    corners: tuple[str, ...]
    x: float
    y: float
    path: Literal["stopped", "recording", "looping"]
    seconds: float  #: how long the path is; 0 without one


class TakeCard(msgspec.Struct, frozen=True):
    """One kept take: ``/takes/NAME/notes.mid`` and, with sound, ``/takes/NAME/audio.wav``."""

    name: str
    seconds: float = 0.0
    mode: str = ""
    model: str = ""
    has_audio: bool = False


class Takes(News, frozen=True):
    """The takes that were kept, the last one first."""

    takes: tuple[TakeCard, ...]


class Search(News, frozen=True):
    """What is looked for: a draw that can be played, or what is nearest to a recording."""

    stage: Literal["nothing", "drawing", "searching", "found", "failed"]
    name: str = ""  #: of the recording
    share: float = 0.0
    pitch: int = 0
    distance_db: float = 0.0
    message: str = ""
    remedy: str = ""


class Meters(News, frozen=True):
    """How it goes, ten times a second."""

    seconds: float
    peak: float  #: the highest sample since the last of these messages
    hold: float  #: the highest of the last seconds
    limiter_gain: float
    load: float  #: share of one core that the kernel takes
    voices: int
    underruns: int
    late: int
    lost: int
    stolen: int
    late_streams: int  #: times that a held note went round because its sound was not rendered yet
    late_racks: int  #: times that the rack's part faded because it was not there in time
    listeners: int
    pages: int
    key_p99_ms: float  #: from a page's key to the kernel, since the start; 0: none struck yet


class Keys(News, frozen=True):
    """What sounds, as pairs of pitch and who (0 player, 1 partner), and which keys are ready."""

    sounding: tuple[tuple[int, int], ...]
    ready: str  #: one character per key from the lowest: 0 not yet, 1 its attack, 2 whole


class Heard(News, frozen=True):
    """MIDI messages that the engine applied: seconds, who, and the message in words."""

    messages: tuple[tuple[float, str, str], ...]


class Refused(News, frozen=True):
    """To one page: why what it asked for cannot be."""

    message: str
    remedy: str = ""


class Said(News, frozen=True):
    """To one page: what it asked for has been done, where that is not to be seen."""

    message: str


Told = (
    Hello
    | Library
    | Desk
    | Map
    | Controllers
    | Pad
    | Search
    | Takes
    | Meters
    | Keys
    | Heard
    | Refused
    | Said
    | NowPlaying
    | Devices
    | View
    | Notice
)
