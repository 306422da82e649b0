"""MIDI messages: their names, how to spell them, and how to read them.

Inside the instrument raw MIDI bytes are the language; the kernel itself interprets them. These
names and functions spell and read the messages, so that nobody has to remember 0xB0. The kernel
imports nothing from here; it has the few numbers that it needs again, and a test compares them.

A message's time has the unit of its place: nanoseconds where it arrives (`TimedMessage`), seconds
in a song (`song.SongMessage`), ticks in a file's track (`track_events.MidiEvent`), frames on the
way to the kernel (`memory.event_ring.EVENT`, and the partner's `sounding_notes.Message`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from instrument.errors import SettingError, check_whole

# Kinds of channel message, with channel 0 [MIDI 1.0, table 2].
NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL_CHANGE = 0x80, 0x90, 0xA0, 0xB0
PROGRAM_CHANGE, CHANNEL_PRESSURE, PITCH_BEND = 0xC0, 0xD0, 0xE0
# System messages [tables 5 to 7].
SYSTEM = 0xF0
"""The first status byte without a channel."""
SYSEX, SONG_POSITION, SYSEX_END = 0xF0, 0xF2, 0xF7
CLOCK_TICK, START, CONTINUE, STOP, SYSTEM_RESET = 0xF8, 0xFA, 0xFB, 0xFC, 0xFF
# Controllers and channel mode messages [table 3].
BANK_SELECT, MOD_WHEEL, DATA_ENTRY, VOLUME, PAN, EXPRESSION = 0, 1, 6, 7, 10, 11
SUSTAIN, SOSTENUTO, BRIGHTNESS = 64, 66, 74
ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 120, 121, 123
DOWN = 64
"""From this value on a pedal or a switch is down."""
DRUM_CHANNEL = 9
"""Channel 10 of a display that counts from 1 [General MIDI 1]."""
CENTRE = 8192
"""A pitch bend of nothing."""


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
    value
        As `memory.event_ring.MESSAGE` has it: of system exclusive, what it means.
    """

    time_ns: int
    data: bytes
    source: int = 0
    value: int = 0


def kind_of(data: Sequence[int]) -> int:
    """Return a channel message's kind: `NOTE_ON`, whatever its channel."""
    return data[0] & 0xF0


def channel_of(data: Sequence[int]) -> int:
    """Return a channel message's channel, 0-15."""
    return data[0] & 0x0F


def is_note_on(data: Sequence[int]) -> bool:
    """Tell whether a message strikes a key; a note-on of velocity 0 lets it go."""
    return data[0] & 0xF0 == NOTE_ON and data[2] > 0


def is_note_off(data: Sequence[int]) -> bool:
    """Tell whether a message lets a key go: a note-off, or a note-on of velocity 0."""
    return data[0] & 0xF0 == NOTE_OFF or (data[0] & 0xF0 == NOTE_ON and data[2] == 0)


def is_control(data: Sequence[int], *controls: int | None) -> bool:
    """Tell whether a message moves a controller, or one of some; None is none of them.

    Parameters
    ----------
    controls
        Numbers of controllers; without any, all of them.
    """
    return data[0] & 0xF0 == CONTROL_CHANGE and (not controls or data[1] in controls)


def message_of(event: np.void) -> bytes:
    """Spell a ring's entry (`memory.event_ring.EVENT`) as the bytes of one MIDI message."""
    data = bytes((event["status"], event["data1"], event["data2"]))
    return data[: message_bytes(data[0])]


def message_bytes(status: int) -> int:
    """Return the length of messages with this status byte [MIDI 1.0, table 1]."""
    if status >= SYSTEM:
        return 3 if status == SONG_POSITION else 1
    return 2 if PROGRAM_CHANGE <= status < PITCH_BEND else 3


def note_on(pitch: int, velocity: int = 100, channel: int = 0) -> bytes:
    """Strike a key; channels count from 0.

    Parameters
    ----------
    pitch, velocity
        0-127; velocity 0 would let it go.
    channel
        0-15.

    Raises
    ------
    SettingError
        One is out of its range; the functions below are as strict.
    """
    return _spelled(NOTE_ON, channel, pitch=pitch, velocity=velocity)


def note_off(pitch: int, channel: int = 0, velocity: int = 0) -> bytes:
    """Let a key go.

    Parameters
    ----------
    pitch
        0-127.
    channel
        0-15.
    velocity
        How fast the key comes up, 0-127.
    """
    return _spelled(NOTE_OFF, channel, pitch=pitch, velocity=velocity)


def control_change(control: int, value: int, channel: int = 0) -> bytes:
    """Move a controller.

    Parameters
    ----------
    control
        Its number, 0-127; from 120 on they are channel mode messages.
    value
        0-127.
    channel
        0-15.
    """
    return _spelled(CONTROL_CHANGE, channel, control=control, value=value)


def program_change(program: int, channel: int = 0) -> bytes:
    """Ask for another preset.

    Parameters
    ----------
    program
        0-127.
    channel
        0-15.
    """
    return _spelled(PROGRAM_CHANGE, channel, program=program)


def channel_pressure(value: int, channel: int = 0) -> bytes:
    """Press on all keys of a channel that are down.

    Parameters
    ----------
    value
        0-127.
    channel
        0-15.
    """
    return _spelled(CHANNEL_PRESSURE, channel, value=value)


def pitch_bend(bend: int, channel: int = 0) -> bytes:
    """Move the bend wheel: -8192..8191.

    Parameters
    ----------
    channel
        0-15.
    """
    check_whole("bend", bend, -CENTRE, CENTRE - 1)
    value = bend + CENTRE
    return _spelled(PITCH_BEND, channel, low=value & 0x7F, high=value >> 7)


def _spelled(kind: int, channel: int, **data: int) -> bytes:
    """Return a message's bytes; a name and a number out of range are told."""
    check_whole("channel", channel, 0, 15)
    for name, value in data.items():
        check_whole(name, value, 0, 127)
    return bytes((kind | channel, *data.values()))


def release_everything() -> list[bytes]:
    """Let every key and pedal go on all sixteen channels, as for an input that has vanished."""
    controls = ((SUSTAIN, 0), (SOSTENUTO, 0), (ALL_NOTES_OFF, 0))
    return [control_change(cc, value, channel) for channel in range(16) for cc, value in controls]


def check_message(message: bytes) -> None:
    """Refuse what is no channel message.

    Raises
    ------
    SettingError
        It is another kind of message, incomplete, or has a data byte above 127.
    """
    is_whole = len(message) in (2, 3) and 0x80 <= message[0] < 0xF0
    if not is_whole or any(byte > 0x7F for byte in message[1:]):
        raise SettingError(
            f"a channel message must have a status of 0x80..0xef and one or two bytes of 0..127, "
            f"got {message.hex(' ')}"
        )
