"""What a page may ask the panel for: one JSON object per WebSocket message.

docs/api.md shows them all, with examples. Every object says its ``type``; what is none of these, or
out of its range, is refused and does nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from instrument.panel.messages.link import (
    CallPartner,
    DismissPartner,
    LookForDevices,
    Panic,
    PartnerCommand,
    PlayTake,
    StopTake,
    UseDevices,
)
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
