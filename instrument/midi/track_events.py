"""One track of a MIDI file: a chunk's bytes in, events on a clock of ticks out, and back.

Neither library at hand would do: symusic 0.6 drops channels, held notes, tracks without notes and
the end of track; mido decodes seven times more slowly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from instrument.midi.chunks import Damage
from instrument.midi.messages import (
    NOTE_OFF,
    PITCH_BEND,
    PROGRAM_CHANGE,
    SONG_POSITION,
    SYSEX,
    SYSEX_END,
    SYSTEM,
)

META = 0x100
"""Added to a meta event's type, so that one number tells every event."""
NAME, DEVICE_NAME, PORT, END_OF_TRACK, SET_TEMPO, TIME_SIGNATURE, SEQUENCER_SPECIFIC = (
    META + kind for kind in (0x03, 0x09, 0x21, 0x2F, 0x51, 0x58, 0x7F)
)
TEXTS = range(META + 0x01, META + 0x10)
"""Meta events whose contents are text."""

_LARGEST_DELTA = 0x0FFFFFFF  # four bytes of seven bits (RP-001, page 2)
_LARGEST_UNIT_EXPONENT = 7  # 128th notes
_SYSTEM_BYTES = {0xF1: 1, SONG_POSITION: 2, 0xF3: 1}  # data bytes of what has no place in a file
DEFAULT_MICROSECONDS = 500_000
"""Of a beat where a file says nothing: 120 beats per minute."""


class MidiEvent(NamedTuple):
    """A channel message, a system-exclusive message or a meta event.

    Attributes
    ----------
    tick
        From the track's beginning.
    status
        A channel message's first byte (0x80-0xEF), `SYSEX`, `SYSEX_END` (the later part of one, or
        raw bytes), or `META` and the meta event's type.
    data
        What follows: one or two bytes below 0x80, or the contents, of any length.
    """

    tick: int
    status: int
    data: bytes


def events_of(body: bytes, damage: Damage) -> list[MidiEvent]:
    """Decode a track chunk; the last event is its one end of track.

    Running status is understood, also behind meta events and system-exclusive messages, where the
    standard ends it and many files go on. Events behind the end of track count if they are whole.
    """
    events, end = _decode(body, 0, 0, damage)
    if events and events[-1].status == END_OF_TRACK:
        strict = Damage()
        behind, _ = _decode(body, end, events[-1].tick, strict)
        if not strict and any(event.status < SYSTEM for event in behind):
            damage.add("an end of track before the last event")
            events = events[:-1] + behind
    if not events or events[-1].status != END_OF_TRACK:
        events.append(MidiEvent(events[-1].tick if events else 0, END_OF_TRACK, b""))
    return events


def tempo_of(event: MidiEvent) -> int | None:
    """Return how many microseconds a tempo event gives to a beat; None if none at all."""
    return int.from_bytes(event.data[:3], "big") or None


def meter_of(event: MidiEvent) -> tuple[int, int] | None:
    """Return a time signature's beats and unit; None if there is no such meter."""
    data = event.data
    if len(data) < 2 or data[0] == 0 or data[1] > _LARGEST_UNIT_EXPONENT:
        return None
    return data[0], 2 ** data[1]


def chunk_of(events: Iterable[MidiEvent]) -> bytes:
    """Encode events, in order of time, as a track chunk's bytes, without running status."""
    body, now = bytearray(), 0
    for tick, status, data in events:
        delta, now = tick - now, tick
        while delta > _LARGEST_DELTA:  # an empty text bridges what one number cannot say
            body += _variable(_LARGEST_DELTA) + bytes((0xFF, TEXTS[0] - META, 0))
            delta -= _LARGEST_DELTA
        body += _variable(delta)
        if status >= META:
            body += bytes((0xFF, status - META)) + _variable(len(data)) + data
        elif status >= SYSTEM:
            body += bytes((status,)) + _variable(len(data)) + data
        else:
            body += bytes((status,)) + data
    return bytes(body)


def _decode(body: bytes, position: int, tick: int, damage: Damage) -> tuple[list[MidiEvent], int]:
    """Decode to the end of track or of the bytes; return the events and where they ended."""
    events: list[MidiEvent] = []
    running, size = 0, len(body)
    try:
        while position < size:
            delta, position = _read_variable(body, position, damage)
            tick += delta
            status = body[position]
            if status >= NOTE_OFF:
                position += 1
            elif running:
                status = running
            else:
                damage.add("data bytes where an event should begin, left out")
                status, position = _next_status(body, position)
            if status < SYSTEM:
                running = status
                end = position + (1 if PROGRAM_CHANGE <= status < PITCH_BEND else 2)
                data = body[position:end]
                if body[end - 1] >= 0x80 or data[0] >= 0x80:
                    damage.add("a data byte above 127, limited to it")
                    data = bytes(min(byte, 127) for byte in data)
                events.append(MidiEvent(tick, status, data))
            elif status == 0xFF:
                kind = META + body[position]
                length, position = _read_variable(body, position + 1, damage)
                end = _end(body, position, length)
                events.append(MidiEvent(tick, kind, body[position:end]))
                if kind == END_OF_TRACK:
                    return events, end
            elif status in (SYSEX, SYSEX_END):
                begin, end = _sysex(body, position, damage)
                events.append(MidiEvent(tick, status, body[begin:end]))
            else:
                damage.add(f"status {status:#04x}, which has no place in a file, left out")
                end = position + _SYSTEM_BYTES.get(status, 0)
            position = end
    except IndexError:
        damage.add("a track that breaks off")
    return events, size


def _next_status(body: bytes, position: int) -> tuple[int, int]:
    while body[position] < NOTE_OFF:
        position += 1
    return body[position], position + 1


def _sysex(body: bytes, position: int, damage: Damage) -> tuple[int, int]:
    """Return where a system-exclusive message's contents begin and end."""
    length, begin = _read_variable(body, position, damage)
    if begin + length <= len(body):
        return begin, begin + length
    damage.add("a system-exclusive message with a wrong length")
    return begin, body.index(SYSEX_END, begin) + 1 if SYSEX_END in body[begin:] else len(body)


def _end(body: bytes, position: int, length: int) -> int:
    if position + length > len(body):
        raise IndexError
    return position + length


def _read_variable(body: bytes, position: int, damage: Damage) -> tuple[int, int]:
    """Return a variable-length number and the position behind it."""
    value = body[position]
    position += 1
    if value < 0x80:
        return value, position
    value &= 0x7F
    first = position
    while True:
        byte = body[position]
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position
        if position - first == 3:
            damage.add("a number of more than four bytes")
            return value, position


def _variable(value: int) -> bytes:
    """Encode a number below 2**28 in one to four bytes."""
    encoded = [value & 0x7F]
    while value := value >> 7:
        encoded.append(value & 0x7F | 0x80)
    return bytes(reversed(encoded))
