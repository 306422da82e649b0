"""The few system-exclusive messages that change how the rest of a file is to be heard.

In: a message's bytes after F0. Out: what it asks for, if it is one of these: General MIDI, GS and
XG switched on, and the parts that GS and XG make drums of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from instrument.midi.messages import DRUM_CHANNEL

Standard = Literal["GM", "GM2", "GS", "XG"]


@dataclass(frozen=True, slots=True)
class SystemOn:
    """Every channel goes back to what a standard begins with."""

    standard: Standard


@dataclass(frozen=True, slots=True)
class PartMode:
    """A channel plays drums from now on, or notes."""

    channel: int
    is_drum: bool


# General MIDI 1 and 2 on and off [RP-003, RP-024]; GS reset and mode set, XG system on and reset
# (Roland SC-88 and Yamaha MU80 manuals, "MIDI implementation"); device numbers are not looked at.
_ON: tuple[tuple[re.Pattern[bytes], Standard], ...] = (
    (re.compile(rb"\x7e.\x09[\x01\x02]\xf7?", re.DOTALL), "GM"),
    (re.compile(rb"\x7e.\x09\x03\xf7?", re.DOTALL), "GM2"),
    (re.compile(rb"\x41.\x42\x12(\x40\x00\x7f[\x00\x7f]|\x00\x00\x7f.).\xf7?", re.DOTALL), "GS"),
    (re.compile(rb"\x43[\x10-\x1f]\x4c\x00\x00[\x7e\x7f]\x00\xf7?"), "XG"),
)
_GS_PART = re.compile(rb"\x41.\x42\x12\x40([\x10-\x1f])\x15(.).\xf7?", re.DOTALL)
_XG_PART = re.compile(rb"\x43[\x10-\x1f]\x4c\x08([\x00-\x0f])\x07(.)\xf7?", re.DOTALL)


def read_sysex(data: bytes) -> SystemOn | PartMode | None:
    """Understand a message, its end included or not; None if it is none of these."""
    for pattern, standard in _ON:
        if pattern.fullmatch(data):
            return SystemOn(standard)
    if found := _GS_PART.fullmatch(data):
        part = found[1][0] & 0x0F  # GS counts: the drums, then the others in order
        channel = DRUM_CHANNEL if part == 0 else part - 1 if part <= DRUM_CHANNEL else part
        return PartMode(channel, found[2] != b"\x00")
    if found := _XG_PART.fullmatch(data):
        return PartMode(found[1][0], found[2] != b"\x00")
    return None
