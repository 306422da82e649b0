"""MIDI messages with a time: what a hand did, and when.

Inside the instrument raw MIDI bytes are the language; the kernel itself interprets them. These few
functions spell the messages, so that nobody has to remember 0xB0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CENTRE = 8192


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """One MIDI message as an input delivered it.

    Attributes
    ----------
    time_ns
        When it arrived, on `instrument.engine.clock.now_ns`.
    data
        One to three bytes, the status byte first.
    source
        Number of the input, for the log.
    """

    time_ns: int
    data: bytes
    source: int = 0


def message_of(event: np.void) -> bytes:
    """Spell a ring's entry (`realtime.event_ring.EVENT`) as the bytes of one MIDI message."""
    data = bytes((event["status"], event["data1"], event["data2"]))
    return data[: message_bytes(data[0])]


def message_bytes(status: int) -> int:
    """Return the length of messages with this status byte [MIDI 1.0, table 1]."""
    if status >= 0xF0:
        return 3 if status == 0xF2 else 1
    return 2 if status & 0xE0 == 0xC0 else 3


def note_on(pitch: int, velocity: int = 100, channel: int = 0) -> bytes:
    """Strike a key; channels count from 0."""
    return bytes((0x90 | channel, pitch, velocity))


def note_off(pitch: int, channel: int = 0) -> bytes:
    """Let a key go."""
    return bytes((0x80 | channel, pitch, 0))


def control_change(control: int, value: int, channel: int = 0) -> bytes:
    """Move a controller."""
    return bytes((0xB0 | channel, control, value))


def program_change(program: int, channel: int = 0) -> bytes:
    """Ask for another preset."""
    return bytes((0xC0 | channel, program))


def pitch_bend(bend: int, channel: int = 0) -> bytes:
    """Move the bend wheel: -8192..8191."""
    value = bend + CENTRE
    return bytes((0xE0 | channel, value & 0x7F, value >> 7))


def release_everything() -> list[bytes]:
    """Let every key and pedal go on all sixteen channels, as for an input that has vanished."""
    controls = ((64, 0), (66, 0), (123, 0))
    return [control_change(cc, value, channel) for channel in range(16) for cc, value in controls]
