"""What the partner can be asked to do: the commands of keys, panels and clocks.

Each is a tagged struct: a line of JSON on its way to the partner's process, an entry of a take, an
argument of `instrument.partner.partner.Partner.do`. What is none of them is refused on reading.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from instrument.preset.partner_options import KnobName
from instrument.schema import ranged

LINK_SLOWEST_BPM, LINK_FASTEST_BPM = 20.0, 999.0
"""Tempos that Ableton Link knows."""
FARTHEST_BEATS = 1e9


class Tap(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Take this moment for a beat: three or more in a row set the tempo."""


class ThinkAgain(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Compose what is planned once more, differently."""


class Accept(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Play what is planned now, whatever happens."""


class Lock(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Let nothing change the plan, until it is asked for again."""


class Silence(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Forget what is planned, stop what sounds, and listen."""


class BarLine(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Take this moment for a bar line: two in a row say how long a bar is."""


class ComeToEnd(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Come to an end: a last chord on the next bar line, then listen."""


class LockKey(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Stay in the key that is heard now, until it is asked for again."""


class Learn(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Let the next controller that moves turn a knob."""

    knob: KnobName


class FollowLink(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Be where Ableton Link is at this moment, in its tempo."""

    beats: Annotated[float, ranged(-FARTHEST_BEATS, FARTHEST_BEATS, "beats")]
    bpm: Annotated[float, ranged(LINK_SLOWEST_BPM, LINK_FASTEST_BPM, "bpm")]


class Keep(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Write the take; it changes no music, so it is not part of one."""


PartnerCommand = (
    Tap | ThinkAgain | Accept | Lock | Silence | BarLine | ComeToEnd | LockKey | Learn | FollowLink
)
Command = PartnerCommand | Keep

COMMANDS: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
