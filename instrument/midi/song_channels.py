"""Which of the sixteen channels each part of a file plays on.

In: what must have a channel of its own, with its number of notes, and timed messages. Out: the
messages on the channels that there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from instrument.midi.file_exclusive import on_channels
from instrument.midi.messages import DRUM_CHANNEL, KEY_PRESSURE, SYSTEM, kind_of

NOWHERE = -1
_CHANNELS = 16


class FilePart(NamedTuple):
    """What must have a channel of its own."""

    port: int
    channel: int
    is_drum: bool


Timed = tuple[float, FilePart, bytes]
"""Seconds, whose it is, the message."""


def give_channels(struck: Counter[FilePart]) -> tuple[dict[FilePart, int], str]:
    """Give every part with notes one of the sixteen channels, and say if there are too few.

    The first port's keep their numbers; the others come in the order of their number of notes.
    """
    channels: dict[FilePart, int] = {}
    for part in sorted(struck, key=lambda part: (part.port, -struck[part])):
        free = [channel for channel in range(_CHANNELS) if channel not in channels.values()]
        if part.channel in free:
            channels[part] = part.channel
        elif free:
            others = [channel for channel in free if channel != DRUM_CHANNEL]
            channels[part] = (others or free)[-1]
        else:
            same = [c for other, c in channels.items() if other.is_drum == part.is_drum]
            channels[part] = same[part.channel % len(same)] if same else NOWHERE
    if len(struck) <= _CHANNELS:
        return channels, ""
    return channels, f"its {len(struck)} channels share the {_CHANNELS} that there are"


def move_to_channels(
    timed: list[Timed], channels: dict[FilePart, int]
) -> Iterator[tuple[float, bytes]]:
    """Yield the messages on the channels that their parts have been given."""
    for now, part, data in timed:
        if data[0] < KEY_PRESSURE:
            channel = channels.get(part, NOWHERE)
            if channel == part.channel:
                yield (now, data)
            elif channel != NOWHERE:
                yield (now, bytes((kind_of(data) | channel, *data[1:])))
        elif data[0] >= SYSTEM:
            yield (now, on_channels(data, partial(_played_on, part.port, channels)))
        else:
            for channel in _heard_on(part, channels):
                yield (now, bytes((kind_of(data) | channel, *data[1:])))


def _played_on(port: int, channels: dict[FilePart, int], channel: int) -> list[int]:
    return _heard_on(FilePart(port, channel, False), channels)


def _heard_on(part: FilePart, channels: dict[FilePart, int]) -> list[int]:
    """Return the channels that a part's controllers go to: all that its channel plays, ever.

    What belongs to a channel without notes keeps its number if nobody else has it.
    """
    both = (part, part._replace(is_drum=not part.is_drum))
    found = {channels.get(other, NOWHERE) for other in both} - {NOWHERE}
    if not found and part.port == 0 and part.channel not in channels.values():
        return [part.channel]
    return sorted(found)
