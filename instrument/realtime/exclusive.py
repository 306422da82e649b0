"""What system exclusive says to an instrument: resets, tunings, and what acts on all of it.

In: a stream of `byte_stream` whose system exclusive has just ended. Out: the messages that it comes
to, one by one, as a ring has them. A tuning of many keys is a message for each, with the status F0
and in its value what is meant (a `memory.constants.TUNE_KEY` and its like) and how much.

Whose number a message bears does not matter. What is cut off, has a wrong checksum, is of another
maker or asks for an answer comes to nothing. The kernel runs the very same functions; this module
imports neither numpy nor numba.

References in brackets: MTS is "MIDI Tuning Messages" of the MIDI 1.0 Detailed Specification (4.2)
with its extensions CA-020 (banks, dumps) and CA-021 (scale/octave); CA-025 has master tuning.
"""

from __future__ import annotations

from typing import Any, Final

from instrument.realtime.memory.constants import (
    AMOUNT_BITS,
    EXCLUSIVE_BYTES,
    KEY_COUNT,
    MASTER_COARSE_TUNE,
    MASTER_FINE_TUNE,
    MASTER_VOLUME,
    OCTAVE_NOTES,
    TUNE_KEY,
    TUNE_OCTAVE,
    TUNES_SOUNDING,
)

EXCLUSIVE: Final = 0xF0
SYSTEM_RESET: Final = 0xFF
CHANNELS: Final = 16
NOT_REAL_TIME, REAL_TIME = 0x7E, 0x7F
TUNING, DEVICE_CONTROL = 0x08, 0x04
# The second sub-ID of a tuning; those of octaves have one byte a note, or two.
KEY_DUMP, KEYS, BANK_KEY_DUMP, OCTAVE_DUMP_1, OCTAVE_DUMP_2, BANK_KEYS = 1, 2, 4, 5, 6, 7
OCTAVE_1, OCTAVE_2 = 8, 9
SEMITONE: Final = 1 << 14  # the unit of all tunings is 1/16384 of a semitone
HIGHEST: Final = KEY_COUNT * SEMITONE - 1
UNCHANGED: Final = HIGHEST  # 7F 7F 7F: the key stays as it is [MTS]


def count_messages(stream: Any) -> int:
    """Return how many messages the system exclusive that has ended comes to."""
    data = stream.exclusive
    size = stream.exclusive_size
    if size > EXCLUSIVE_BYTES or size < 4:
        return 0
    if is_reset(stream):
        return 1
    if data[0] == REAL_TIME and data[2] == DEVICE_CONTROL and size == 6:
        return 1 if data[3] == 1 or data[3] == 3 or data[3] == 4 else 0
    if (data[0] == NOT_REAL_TIME or data[0] == REAL_TIME) and data[2] == TUNING and size > 7:
        return count_tunings(stream)
    return 0


def make_message(stream: Any, number: int) -> int:
    """Put one of the messages into `made_data1`, `made_data2` and `made_value`.

    Returns
    -------
    int
        Its status; 0 if this place of the message changes nothing.
    """
    data = stream.exclusive
    stream.made_data1 = 0
    stream.made_data2 = 0
    stream.made_value = 0
    if data[2] == TUNING and data[0] >= NOT_REAL_TIME:
        return make_tuning(stream, number)
    if data[2] == DEVICE_CONTROL and data[0] == REAL_TIME:
        return make_control(stream)
    return SYSTEM_RESET


def is_reset(stream: Any) -> bool:
    """Tell whether the system exclusive that has ended resets the instrument.

    General MIDI System On (also level 2) and Off, Roland's GS Reset and SC-88 mode, Yamaha's XG
    System On and All Parameter Reset.
    """
    size = stream.exclusive_size
    if size != 4 and size != 7 and size != 9:
        return False
    head = 0
    for at in range(min(size, 8)):
        head = (head << 8) | stream.exclusive[at]
    if size == 4:
        return bool(0x7E000901 <= head & 0xFF00FFFF <= 0x7E000903)
    if size == 7:
        parameter = head & 0xFFF0FFFFFFFFFF
        return bool(parameter == 0x43104C00007E00 or parameter == 0x43104C00007F00)
    parameter = head & 0x7F007F7F7F7F7F7F  # behind it is a checksum
    return bool(parameter == 0x4100421240007F00 or parameter >> 8 == 0x4100421200007F)


def make_control(stream: Any) -> int:
    """Make a message of device control: master volume, master fine and coarse tuning [CA-025]."""
    data = stream.exclusive
    meaning = MASTER_VOLUME
    if data[3] == 3:
        meaning = MASTER_FINE_TUNE
    elif data[3] == 4:
        meaning = MASTER_COARSE_TUNE
    stream.made_value = (meaning << AMOUNT_BITS) + data[5] * 128 + data[4]
    return EXCLUSIVE


def count_tunings(stream: Any) -> int:
    """Return how many keys, or notes of octaves, a tuning message may retune [MTS]."""
    data = stream.exclusive
    size = stream.exclusive_size
    kind = data[3]
    is_real_time = data[0] == REAL_TIME
    if kind in (OCTAVE_1, OCTAVE_2):
        return CHANNELS * OCTAVE_NOTES if size == 7 + OCTAVE_NOTES * (kind - OCTAVE_1 + 1) else 0
    has_bank = kind >= BANK_KEY_DUMP
    if has_bank and data[4] != 0:
        return 0  # there is one bank
    first = 5 + has_bank  # the byte behind the program's number
    if kind == BANK_KEYS or (kind == KEYS and is_real_time):
        count = (size - first - 1) // 4
        return int(count) if data[first] == count and size == first + 1 + 4 * count else 0
    entry_bytes = 0
    if kind in (KEY_DUMP, BANK_KEY_DUMP):
        entry_bytes = 3 * KEY_COUNT
    elif kind in (OCTAVE_DUMP_1, OCTAVE_DUMP_2):
        entry_bytes = OCTAVE_NOTES * (kind - OCTAVE_DUMP_1 + 1)
    is_whole = entry_bytes > 0 and size == first + 16 + entry_bytes + 1  # a name, a checksum
    return KEY_COUNT if is_whole and not is_real_time and has_checksum(stream) else 0


def has_checksum(stream: Any) -> bool:
    """Tell whether a dump's last byte is the exclusive or of all others."""
    together = 0
    for at in range(stream.exclusive_size):
        together ^= stream.exclusive[at]
    return together == 0


def make_tuning(stream: Any, number: int) -> int:
    """Make one message of a tuning: of a key of a program, or of a note on a channel [MTS]."""
    data = stream.exclusive
    kind = data[3]
    if kind in (OCTAVE_1, OCTAVE_2):
        return make_octave(stream, number // OCTAVE_NOTES, number % OCTAVE_NOTES)
    first = 5 + (kind >= BANK_KEY_DUMP)
    stream.made_data1 = number
    stream.made_data2 = data[first - 1]
    if kind in (KEYS, BANK_KEYS):
        at = first + 1 + 4 * number
        stream.made_data1 = data[at]
        amount = pitch_at(stream, at + 1)
    elif kind in (KEY_DUMP, BANK_KEY_DUMP):
        amount = pitch_at(stream, first + 16 + 3 * number)
    else:
        away = offset_at(stream, first + 16, number % OCTAVE_NOTES, kind - OCTAVE_DUMP_1 + 1)
        amount = min(max(number * SEMITONE + away, 0), HIGHEST - 1)
    stream.made_value = (meaning_of(stream, TUNE_KEY) << AMOUNT_BITS) + amount
    return 0 if amount == UNCHANGED else EXCLUSIVE


def make_octave(stream: Any, channel: int, note: int) -> int:
    """Make the message of one note of the octave on one channel, if that is meant [CA-021]."""
    data = stream.exclusive
    place = channel % 7  # seven channels a byte, the highest first; 15 and 16 in the first one
    if not (data[6 - channel // 7] >> place) & 1:
        return 0
    away = offset_at(stream, 7, note, data[3] - OCTAVE_1 + 1)
    stream.made_data1 = note
    stream.made_data2 = channel
    stream.made_value = (meaning_of(stream, TUNE_OCTAVE) << AMOUNT_BITS) + SEMITONE + away
    return EXCLUSIVE


def meaning_of(stream: Any, meaning: int) -> int:
    """Return what is meant: real-time messages retune what sounds, too [CA-020, CA-021]."""
    return meaning + TUNES_SOUNDING if stream.exclusive[0] == REAL_TIME else meaning


def pitch_at(stream: Any, at: int) -> int:
    """Read a pitch of three bytes: semitones, and two times seven bits of the next one."""
    data = stream.exclusive
    return int(data[at] * SEMITONE + data[at + 1] * 128 + data[at + 2])


def offset_at(stream: Any, first: int, note: int, width: int) -> int:
    """Read how far a note of the octave is off, in units: cents, or 14 bits for two semitones."""
    data = stream.exclusive
    if width == 1:
        return int((data[first + note] - 64) * SEMITONE + 50) // 100
    at = first + 2 * note
    return int((data[at] * 128 + data[at + 1] - 8192) * 2)
