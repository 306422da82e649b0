"""MIDI as bad drivers, loose cables and other people's programs make it."""

from __future__ import annotations

import random

_EXCLUSIVE = (
    *("f07e7f0901f7", "f043104c00007e00f7", "f07d00"),
    *("f07f7f0802000240401234453f0000f7", "f07f7f0807000101503c0000f7", "f07f7f04010040f7"),
    *("f07f7f0808037f7f" + 12 * "50" + "f7", "f07e7f0809037f7f" + 12 * "3010" + "f7"),
    *("f07f7f04030050f7", "f07f7f04040042f7"),
)


def random_packets(seed: int, count: int, frames: int) -> list[tuple[int, bytes]]:
    """Return packets with frames in ascending order, `count` bytes or a few more in all.

    A third is noise; the rest are messages, whole or cut, and bits of exclusive ones.
    """
    rng = random.Random(seed)
    packets, size = [], 0
    while size < count:
        kind = rng.random()
        if kind < 0.3:
            data = rng.randbytes(rng.randrange(1, 9))
        elif kind < 0.4:
            exclusive = bytes.fromhex(rng.choice(_EXCLUSIVE))
            begin = rng.randrange(len(exclusive))
            data = exclusive[begin : begin + rng.randrange(1, 30)]
        else:
            status = rng.choice((0x80, 0x90, 0x90, 0xA0, 0xB0, 0xB0, 0xD0, 0xE0)) | rng.randrange(
                16
            )
            control = rng.choice((6, 64, 66, 96, 98, 99, 100, 101, 120, 121, 123, 126, 127))
            data1 = control if status & 0xF0 == 0xB0 and rng.random() < 0.6 else rng.randrange(128)
            data2 = rng.choice((0, 6, 15, 64, 127)) if rng.random() < 0.5 else rng.randrange(128)
            data = bytes((status, data1, data2))[: rng.choice((3, 3, 3, 3, 2, 1))]
            data += bytes((0xFE,)) * (rng.random() < 0.02)
        packets.append(data)
        size += len(data)
    times = sorted(rng.randrange(frames) for _ in packets)
    return list(zip(times, packets, strict=True))
