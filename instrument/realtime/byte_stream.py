"""From bytes to messages, as a cable delivers them: nothing but MIDI comes through.

System exclusive may come in pieces, with real-time bytes inside, or without its end; bytes that
belong to nothing are dropped and counted. The kernel runs the very same two functions on what JACK
delivers, the MIDI thread on what rtmidi does. This module imports neither numpy nor numba.

References in brackets are to the MIDI 1.0 Detailed Specification (4.2).
"""

from __future__ import annotations

from typing import Any

SYSTEM_RESET = 0xFF
EXCLUSIVE_END = 0xF7


class ByteStream:
    """One input's bytes, of which some may belong to a message that is still to be completed."""

    def __init__(self) -> None:
        self.status = 0
        self.data1 = 0
        self.needed = 0  # data bytes that are still to come
        self.is_exclusive = 0
        self.exclusive_bytes = 0
        self.exclusive_head = 0  # the first eight of them
        self.made_data1 = 0
        self.made_data2 = 0
        self.stray_bytes = 0

    def messages(self, data: bytes) -> list[tuple[int, int, int]]:
        """Return the messages that a driver's packet completes: status and two data bytes.

        Drivers begin a packet with a status byte, or go on with system exclusive; running status
        is the cable's business. System exclusive is not passed on, but one that resets a General
        MIDI, GS or XG instrument comes out as System Reset.
        """
        begin_packet(self)
        found = []
        for byte in data:
            status = take_byte(self, byte)
            if status == EXCLUSIVE_END:
                status = SYSTEM_RESET if is_reset(self) else 0
            if status:
                found.append((status, self.made_data1, self.made_data2))
        begin_packet(self)
        return found


def begin_packet(stream: Any) -> None:
    """Drop a message that its packet has left unfinished."""
    if stream.needed > 0:
        stream.stray_bytes += 1
    stream.needed = 0


def take_byte(stream: Any, byte: int) -> int:
    """Take one byte; return the status of the message that it completes, else 0.

    The message's data bytes are then in `made_data1` and `made_data2`. For system exclusive that
    has just ended the answer is F7: see `is_reset`. `stream` is a `ByteStream`, or the kernel's
    record of the same fields.
    """
    stream.made_data1 = 0
    stream.made_data2 = 0
    if byte >= 0xF8:  # a real-time byte may stand anywhere, within other messages too
        return byte
    if byte >= 0x80:  # every other status ends what was open, system exclusive too [p. 35]
        if stream.needed > 0:
            stream.stray_bytes += 1
        ended = 0xF7 if stream.is_exclusive else 0
        stream.status = byte
        stream.is_exclusive = 1 if byte == 0xF0 else 0
        stream.needed = 0
        if byte < 0xF0:
            stream.needed = 1 if byte & 0xE0 == 0xC0 else 2
        elif 0xF0 < byte <= 0xF3:
            stream.needed = 2 if byte == 0xF2 else 1
        return ended
    if stream.is_exclusive:
        if stream.exclusive_bytes < 8:
            stream.exclusive_head = (stream.exclusive_head << 8) | byte
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


def is_reset(stream: Any) -> bool:
    """Tell whether the system exclusive that has ended resets the instrument; then forget it.

    General MIDI System On (also level 2) and Off, Roland's GS Reset and SC-88 mode, Yamaha's XG
    System On and All Parameter Reset. Whose number the message bears does not matter.
    """
    head = stream.exclusive_head
    size = stream.exclusive_bytes
    stream.exclusive_bytes = 0
    stream.exclusive_head = 0
    if size == 4:
        return bool(0x7E000901 <= head & 0xFF00FFFF <= 0x7E000903)
    if size == 7:
        parameter = head & 0xFFF0FFFFFFFFFF
        return bool(parameter == 0x43104C00007E00 or parameter == 0x43104C00007F00)
    if size == 9:  # its last byte is a checksum
        parameter = head & 0x7F007F7F7F7F7F7F
        return bool(parameter == 0x4100421240007F00 or parameter >> 8 == 0x4100421200007F)
    return False
