"""Takes of format 1 (latentkeys 0.1), whose commands were words in hexadecimal digits.

In: what stands in such a file, decoded from JSON. Out: the same as in a take of today.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from instrument.partner.commands import (
    Accept,
    FollowLink,
    Learn,
    Lock,
    PartnerCommand,
    Silence,
    Tap,
    ThinkAgain,
)
from instrument.partner.take_events import Frame, TakeEvent
from instrument.schema import ranged

_COMMAND_SOURCE = -1
_WORDS: dict[str, PartnerCommand] = {
    "tap": Tap(),
    "again": ThinkAgain(),
    "accept": Accept(),
    "lock": Lock(),
    "silence": Silence(),
}


class _Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A MIDI message; or, with source -1, a command's words."""

    frame: Frame
    data: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{2}){1,32}\Z")]
    source: Annotated[int, ranged(-1, 255)]


def decode_old_events(content: msgspec.Raw) -> tuple[TakeEvent, ...]:
    """Return what was heard, in events of today.

    Raises
    ------
    msgspec.DecodeError
        An event is neither a message nor a command; the message says where, as msgspec's do.
    """
    events = []
    for number, old in enumerate(msgspec.json.decode(content, type=list[_Event])):
        try:
            events.append(_event(old))
        except msgspec.ValidationError as reason:
            raise msgspec.ValidationError(f"{reason} - at `$[{number}]`") from reason
    return tuple(events)


def _event(old: _Event) -> TakeEvent:
    if old.source == _COMMAND_SOURCE:
        return TakeEvent(old.frame, _command(bytes.fromhex(old.data).decode("ascii", "replace")))
    return msgspec.convert((old.frame, old.data, old.source), TakeEvent)


def _command(words: str) -> PartnerCommand:
    match words.split():
        case ["learn", knob]:
            return msgspec.convert({"type": "Learn", "knob": knob}, Learn)
        case ["link", beats, bpm]:
            place = {"type": "FollowLink", "beats": _number(beats), "bpm": _number(bpm)}
            return msgspec.convert(place, FollowLink)
        case [word] if word in _WORDS:
            return _WORDS[word]
    raise msgspec.ValidationError(f"{words!r} is no command")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise msgspec.ValidationError(f"{text!r} is no number") from None
