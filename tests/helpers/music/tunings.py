"""The messages of the MIDI Tuning Standard, spelled by its text [MIDI 1.0, CA-020, CA-021]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import xor


def pitch_bytes(semitones: float) -> bytes:
    """Spell a pitch: a semitone, and how much of the next one in 14 bits."""
    whole = int(semitones)
    rest = round((semitones - whole) * 2**14)
    return bytes((whole, rest >> 7, rest & 0x7F))


def retune(
    pitches: Mapping[int, float], *, program: int = 0, bank: int | None = None, now: bool = True
) -> bytes:
    """Single Note Tuning Change: keys and their pitches, real-time or not."""
    where = bytes((2, program)) if bank is None else bytes((7, bank, program))
    keys = b"".join(bytes((key,)) + pitch_bytes(pitch) for key, pitch in pitches.items())
    return exclusive(b"\x08" + where + bytes((len(pitches),)) + keys, now=now)


def dump(pitches: Sequence[float], *, program: int = 0, bank: int | None = None) -> bytes:
    """Bulk Tuning Dump: 128 pitches."""
    where = bytes((1, program)) if bank is None else bytes((4, bank, program))
    body = b"\x08" + where + b"a test's scale  " + b"".join(map(pitch_bytes, pitches))
    return with_checksum(body)


def octave_dump(cents: Sequence[float], *, program: int = 0, wide: bool = False) -> bytes:
    """Scale/Octave Tuning Dump: twelve offsets for a program."""
    where = bytes((6 if wide else 5, 0, program))
    return with_checksum(b"\x08" + where + b"a test's octave " + offsets(cents, wide=wide))


def octave(
    cents: Sequence[float],
    channels: Sequence[int] = range(16),
    *,
    now: bool = True,
    wide: bool = False,
) -> bytes:
    """Scale/Octave Tuning: twelve offsets for some channels, 0-15."""
    mask = sum(1 << channel for channel in channels)
    where = bytes((9 if wide else 8, mask >> 14, mask >> 7 & 0x7F, mask & 0x7F))
    return exclusive(b"\x08" + where + offsets(cents, wide=wide), now=now)


def offsets(cents: Sequence[float], *, wide: bool) -> bytes:
    """Spell offsets: cents above 40H, or 14 bits for two semitones."""
    if not wide:
        return bytes(0x40 + round(each) for each in cents)
    steps = [8192 + round(each * 8192 / 100) for each in cents]
    return b"".join(bytes((step >> 7, step & 0x7F)) for step in steps)


def with_checksum(body: bytes) -> bytes:
    """Spell a dump: its checksum is the exclusive or of all other bytes."""
    message = exclusive(body, now=False)
    return message[:-1] + bytes((reduce(xor, message[1:-1]),)) + message[-1:]


def exclusive(body: bytes, *, now: bool) -> bytes:
    """Spell universal system exclusive to every device, real-time or not."""
    return bytes((0xF0, 0x7F if now else 0x7E, 0x7F)) + body + b"\xf7"
