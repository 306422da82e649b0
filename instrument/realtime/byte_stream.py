"""From bytes to messages, as a cable delivers them: nothing but MIDI comes through.

System exclusive may come in pieces, with real-time bytes inside, or without its end; bytes that
belong to nothing are dropped and counted. The kernel runs the very same two functions on what JACK
delivers, the MIDI thread on what rtmidi does; `exclusive` says what system exclusive comes to. This
module imports neither numpy nor numba.

References in brackets are to the MIDI 1.0 Detailed Specification (4.2).
"""

from __future__ import annotations

from typing import Any

from instrument.realtime.exclusive import count_messages, make_message
from instrument.realtime.memory.constants import EXCLUSIVE_BYTES

EXCLUSIVE_END = 0xF7


class ByteStream:
    """One input's bytes, of which some may belong to a message that is still to be completed."""

    def __init__(self) -> None:
        self.status = 0
        self.data1 = 0
        self.needed = 0  # data bytes that are still to come
        self.is_exclusive = 0
        self.exclusive_bytes = 0
        self.exclusive = bytearray(EXCLUSIVE_BYTES)
        self.exclusive_size = 0  # bytes of the one that has ended
        self.made_data1 = 0
        self.made_data2 = 0
        self.made_value = 0
        self.stray_bytes = 0

    def messages(self, data: bytes) -> list[tuple[int, int, int, int]]:
        """Return the messages that a driver's packet completes: status, two data bytes, value.

        Drivers begin a packet with a status byte, or go on with system exclusive; running status
        is the cable's business. System exclusive is not passed on, but what `exclusive` makes of
        it. The value is a ring's; 0 for all other messages.
        """
        begin_packet(self)
        found = []
        for byte in data:
            status = take_byte(self, byte)
            if status == EXCLUSIVE_END:
                made = ((make_message(self, k), self._made()) for k in range(count_messages(self)))
                found += [(kind, *rest) for kind, rest in made if kind]
            elif status:
                found.append((status, *self._made()))
        begin_packet(self)
        return found

    def _made(self) -> tuple[int, int, int]:
        return self.made_data1, self.made_data2, self.made_value


def begin_packet(stream: Any) -> None:
    """Drop a message that its packet has left unfinished."""
    if stream.needed > 0:
        stream.stray_bytes += 1
    stream.needed = 0


def take_byte(stream: Any, byte: int) -> int:
    """Take one byte; return the status of the message that it completes, else 0.

    The message's data bytes are then in `made_data1` and `made_data2`. For system exclusive that
    has just ended the answer is F7: see `exclusive.count_messages`. `stream` is a `ByteStream`, or
    the kernel's record of the same fields.
    """
    stream.made_data1 = 0
    stream.made_data2 = 0
    stream.made_value = 0
    if byte >= 0xF8:  # a real-time byte may stand anywhere, within other messages too
        return byte
    if byte >= 0x80:  # every other status ends what was open, system exclusive too [p. 35]
        if stream.needed > 0:
            stream.stray_bytes += 1
        ended = 0
        if stream.is_exclusive:
            ended = EXCLUSIVE_END
            stream.exclusive_size = stream.exclusive_bytes
            stream.exclusive_bytes = 0
        stream.status = byte
        stream.is_exclusive = 1 if byte == 0xF0 else 0
        stream.needed = 0
        if byte < 0xF0:
            stream.needed = 1 if byte & 0xE0 == 0xC0 else 2
        elif 0xF0 < byte <= 0xF3:
            stream.needed = 2 if byte == 0xF2 else 1
        return ended
    if stream.is_exclusive:
        if stream.exclusive_bytes < EXCLUSIVE_BYTES:
            stream.exclusive[stream.exclusive_bytes] = byte
        stream.exclusive_bytes += 1
        return 0
    if stream.needed == 0:
        stream.stray_bytes += 1
        return 0
    stream.needed -= 1
    if stream.needed > 0:
        stream.data1 = byte
        return 0
    is_short = stream.status & 0xE0 == 0xC0 or stream.status == 0xF1 or stream.status == 0xF3
    stream.made_data1 = byte if is_short else stream.data1
    stream.made_data2 = 0 if is_short else byte
    return int(stream.status)
