"""What the panel tells its pages: one JSON object per WebSocket message; docs/api.md shows them."""

from __future__ import annotations

from typing import Literal

import msgspec

from instrument.panel.messages.link import Devices, NowPlaying
from instrument.partner.messages import View
from instrument.processes.json_lines import Notice


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
