"""Change files as broken disks, bad programs and people who mean harm do; seeded."""

from __future__ import annotations

import random
from collections.abc import Callable

Try = Callable[[random.Random], None]
"""Makes an input up and puts it in."""

NUMBERS = [b"-1", b"0", b"1e38", b"-1e309", b"nan", b"inf", b"9" * 400, b"2147483648", b"0.0000001"]
WORDS = [
    b"true",
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"[" * 3000,
    b'"' + b"x" * 300 + b'"',
    b"\x00",
    b"\xff",
]
EDGES = (0x00, 0x01, 0x7F, 0x80, 0xF0, 0xF7, 0xFF)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a copy in which a few bytes, runs of bytes or lengths are other ones."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(7)
        if kind == 0 and at < len(changed):
            changed[at] = rng.choice(EDGES)
        elif kind == 1 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del changed[at : at + rng.choice((1, 2, 8, 100))]
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.choice((1, 2, 8, 100)))
        elif kind == 4:
            begin = rng.randrange(len(changed) + 1)
            changed[at:at] = changed[begin : begin + rng.choice((4, 50, 500))]
        elif kind == 5:
            del changed[at:]
        else:
            size = rng.choice((2, 4, 8))
            changed[at : at + size] = rng.choice((b"\xff", b"\x7f", b"\x80", b"\0")) * size
    return bytes(changed)


def mutated_text(content: bytes, rng: random.Random) -> bytes:
    """Return a copy of a TOML or JSON text in which values are other ones, or anything is."""
    if rng.random() < 0.3:
        return mutated(content, rng)
    words = _split(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.randrange(len(words))
        kind = rng.randrange(5)
        if kind < 3:
            words[place] = rng.choice(NUMBERS if kind < 2 else WORDS)
        elif kind == 3:
            words[place : place + rng.choice((1, 3))] = []
        else:
            words.insert(place, rng.choice(words))
        words = words or [b"x"]
    return b"".join(words)


def _split(content: bytes) -> list[bytes]:
    """Cut where values begin and end."""
    words, begin = [], 0
    for at, byte in enumerate(content):
        if byte in b" ,:=[]{}\n":
            words += [content[begin:at], content[at : at + 1]]
            begin = at + 1
    return [word for word in [*words, content[begin:]] if word]
