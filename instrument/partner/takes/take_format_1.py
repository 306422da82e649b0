"""Takes of format 1 (latentkeys 0.1), read as takes of today.

In: what stands in such a file. Out: the same as a file of today has it, still to be checked. The
player's options were spread over four tables then, and commands were words in hexadecimal digits.
"""

from __future__ import annotations

from typing import Annotated, Any

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
from instrument.partner.takes.take_events import Frame, TakeEvent
from instrument.schema import ranged

_COMMAND_SOURCE = -1
_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_NEVER_ASKED: dict[str, Any] = {
    "top_p": 0.95,
    "velocity": None,
    "candidates": 1,
    "earliest_beats": 0.0,
}
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


_decoder = msgspec.json.Decoder(_Event)


def options_of(settings: Any) -> dict[str, Any]:
    """Return the options of today, unchecked.

    Raises
    ------
    msgspec.ValidationError
        The tables are not there, or are no tables.
    """
    try:
        partner, live = dict(settings["partner"]), dict(settings["wishes"])
        asked = dict(live.pop("controls"))
        key, register = asked.pop("key"), asked.pop("register")
        here, out = partner.pop("channels"), partner.pop("out_channels")
        options = {
            "clock": settings["clock"],
            "tempo": settings["bpm"],
            "bar_beats": _whole(settings["bar_beats"]),
            "metronome": partner.pop("has_metronome"),
            "out_early_milliseconds": round(1e3 * partner.pop("out_early_seconds"), 9),
            "plays_here": bool(here),
            "plays_out": bool(out),
            "channels": [channel + 1 for channel in here],
            "out_channels": [channel + 1 for channel in out],
            "key": None if key is None else f"{_TONICS[key['tonic']]} {key['mode']}",
            "lowest_pitch": 0 if register is None else register[0],
            "highest_pitch": 127 if register is None else register[1],
            "longest_beats": asked.pop("max_length_beats"),
        }
        for name, value in _NEVER_ASKED.items():
            if asked[name] == value:
                del asked[name]
    except (LookupError, TypeError, ValueError, OverflowError) as reason:
        raise msgspec.ValidationError(f"the settings are damaged: {reason}") from reason
    return {**partner, **live, **asked, **options}


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number


def decode_old_event(content: msgspec.Raw) -> TakeEvent:
    """Return one entry of what was heard as an event of today.

    Raises
    ------
    msgspec.DecodeError
        It is neither a message nor a command.
    """
    old = _decoder.decode(content)
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
