"""What a take holds: every message and command that the partner was told, each at its frame.

An event is a short list in JSON: ``[52210,"903c64",1]`` is a MIDI message of input 1,
``[60000,{"type":"Lock"},0]`` a command. Whatever reads one checks it wholly.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from instrument.partner.commands import PartnerCommand
from instrument.schema import ranged

_DATA = "[0-7][0-9a-f]"
_MESSAGE = rf"[89abe][0-9a-f]({_DATA}){{2}}|[cd][0-9a-f]{_DATA}|f2({_DATA}){{2}}|f[013-9a-f]"
Frame = Annotated[int, ranged(0, 2**53)]
Message = Annotated[str, msgspec.Meta(pattern=rf"^({_MESSAGE})\Z")]
"""One whole MIDI message in hexadecimal digits; of the system's, the status byte [MIDI 1.0]."""


class TakeEvent(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One thing that the partner was told.

    Attributes
    ----------
    frame
        When.
    what
        A MIDI message, or a command.
    source
        Of a message: which input it came from.
    """

    frame: Frame
    what: Message | PartnerCommand
    source: Annotated[int, ranged(0, 255)] = 0
