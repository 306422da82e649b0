"""One track of a MIDI file: a chunk's bytes in, events on a clock of ticks out, and back.

Neither library at hand would do for `midi.phrases`: symusic 0.6 drops channels, held notes, tracks
without notes and the end of track; mido decodes seven times more slowly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from instrument.midi.chunks import damaged, truncated
from instrument.midi.messages import NOTE_OFF, PITCH_BEND, PROGRAM_CHANGE, SYSEX, SYSEX_END, SYSTEM

META = 0x100
"""Added to a meta event's type, so that one number tells every event."""
NAME, END_OF_TRACK, SET_TEMPO, TIME_SIGNATURE, SEQUENCER_SPECIFIC = (
    META + kind for kind in (0x03, 0x2F, 0x51, 0x58, 0x7F)
)

_TEXT = META + 0x01
_LARGEST_DELTA = 0x0FFFFFFF  # four bytes of seven bits (RP-001, page 2)


class MidiEvent(NamedTuple):
    """A channel message or a meta event.

    Attributes
    ----------
    tick
        From the track's beginning.
    status
        A channel message's first byte (0x80-0xEF), or `META` and the meta event's type.
    data
        What follows: one or two bytes below 0x80, or the meta event's contents.
    """

    tick: int
    status: int
    data: bytes


def events_of(path: Path, body: bytes) -> Iterator[MidiEvent]:
    """Decode a track chunk up to its end of track; system-exclusive messages are skipped.

    Running status is understood, also behind a meta event, where the standard ends it and many
    files go on. What follows the end of track is not looked at; a track may lack one.

    Raises
    ------
    MidiFileError
        The track ends inside an event or is damaged; `path` is named.
    """
    try:
        yield from _decode(path, body)
    except IndexError as problem:
        raise truncated(path, "a track ends inside an event") from problem


def microseconds_of(path: Path, event: MidiEvent) -> int:
    """Return what a tempo event says a beat lasts.

    Raises
    ------
    MidiFileError
        It says nothing, or no time at all; `path` is named.
    """
    microseconds = int.from_bytes(event.data, "big")
    if len(event.data) != 3 or microseconds == 0:
        raise damaged(path, f"a tempo of {microseconds} microseconds in {len(event.data)} bytes")
    return microseconds


def chunk_of(events: Iterable[MidiEvent]) -> bytes:
    """Encode events, in order of time, as a track chunk's bytes, without running status."""
    body, now = bytearray(), 0
    for tick, status, data in events:
        delta, now = tick - now, tick
        while delta > _LARGEST_DELTA:  # an empty text bridges what one number cannot say
            body += _variable(_LARGEST_DELTA) + bytes((0xFF, _TEXT - META, 0))
            delta -= _LARGEST_DELTA
        body += _variable(delta)
        if status >= META:
            body += bytes((0xFF, status - META)) + _variable(len(data)) + data
        else:
            body += bytes((status,)) + data
    return bytes(body)


def _decode(path: Path, body: bytes) -> Iterator[MidiEvent]:
    position = tick = running = 0
    while position < len(body):
        delta, position = _read_variable(path, body, position)
        tick += delta
        status = body[position]
        if status >= NOTE_OFF:
            position += 1
        elif running:
            status = running
        else:
            raise damaged(path, f"data byte {status:#04x} where an event should begin")
        if status < SYSTEM:
            running = status
            end = position + (1 if PROGRAM_CHANGE <= status < PITCH_BEND else 2)
            data = body[position:end]
            if body[end - 1] >= 0x80 or data[0] >= 0x80:
                raise damaged(path, f"a message's data byte must be in 0..127, got {max(data)}")
            yield MidiEvent(tick, status, data)
        elif status == 0xFF:
            kind = META + body[position]
            length, position = _read_variable(path, body, position + 1)
            end = _end(body, position, length)
            yield MidiEvent(tick, kind, body[position:end])
            if kind == END_OF_TRACK:
                return
        elif status in (SYSEX, SYSEX_END):
            length, position = _read_variable(path, body, position)
            end, running = _end(body, position, length), 0
        else:
            raise damaged(path, f"status {status:#04x} has no place in a file")
        position = end


def _end(body: bytes, position: int, length: int) -> int:
    if position + length > len(body):
        raise IndexError
    return position + length


def _read_variable(path: Path, body: bytes, position: int) -> tuple[int, int]:
    """Return a variable-length number and the position behind it."""
    value = body[position]
    if value < 0x80:
        return value, position + 1
    value &= 0x7F
    for place in range(position + 1, position + 4):
        value = value << 7 | body[place] & 0x7F
        if body[place] < 0x80:
            return value, place + 1
    raise damaged(path, "a number has more than four bytes")


def _variable(value: int) -> bytes:
    """Encode a number below 2**28 in one to four bytes."""
    encoded = [value & 0x7F]
    while value := value >> 7:
        encoded.append(value & 0x7F | 0x80)
    return bytes(reversed(encoded))
