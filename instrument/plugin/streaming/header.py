"""What the plug-in's C knows of held notes: whole records, and where fields of others lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from instrument.plugin.streaming.memory import (
    EXCHANGE_FRAMES,
    MOST_SLIDING,
    RINGS_AT,
    SHARED,
    SLIDING,
    shared_layout,
)
from instrument.realtime.memory.constants import (
    CHUNK_SECONDS,
    LANE_COUNT,
    LANES,
    STREAM_CHUNKS,
    STREAM_COUNT,
)
from instrument.realtime.memory.layout import SOUND, STATE, STREAM
from instrument.realtime.memory.midi_memory import CHANNEL
from instrument.realtime.memory.voice_memory import VOICE
from instrument.rendering.held.stream_server import AHEAD_CHUNKS

C_NAMES = {"i4": "int32_t", "i8": "int64_t", "f4": "float", "f8": "double"}


def stream_records() -> Iterator[str]:
    """Yield the lines."""
    for name, value in (
        ("STREAM_COUNT", STREAM_COUNT),
        ("STREAM_CHUNKS", STREAM_CHUNKS),
        ("AHEAD_CHUNKS", AHEAD_CHUNKS),
        ("CHUNK_SECONDS", CHUNK_SECONDS),
        ("RING_SPARE_BYTES", 4 * LANES),
        ("RINGS_AT", RINGS_AT),
        ("EXCHANGE_FRAMES", EXCHANGE_FRAMES),
        ("MOST_SLIDING", MOST_SLIDING),
        ("LANES_OF_VOICES", LANE_COUNT),
        ("VOICE_BYTES", VOICE.itemsize),
        ("CHANNEL_BYTES", CHANNEL.itemsize),
        ("CHANNEL_MASTER", _at(CHANNEL, "master")),
        ("SOUND_STREAMS", _at(SOUND, "streams")),
        ("SOUND_SLIDES", _at(SOUND, "slides")),
        *(
            (f"{name.upper()}_AT", _at(STATE, name))
            for name in (
                "clock",
                "channels",
                "voices",
                "streams",
                "stream_address",
                "stream_stride",
            )
        ),
        *((f"VOICE_{name.upper()}", _at(VOICE, name)) for name in SLIDING.names or ()),
    ):
        yield f"#define LK_{name} {value}"
    yield f"#define LK_SHARED_LAYOUT {shared_layout()}ll"
    yield from _record("lk_stream", STREAM)
    yield from _record("lk_sliding", SLIDING)
    yield from _record("lk_shared", SHARED)


def _record(name: str, kind: np.dtype[np.void]) -> Iterator[str]:
    yield "typedef struct {"
    for field in kind.names or ():
        base, shape = (kind[field].subdtype or (kind[field], ()))[:2]
        spoken = {STREAM: "lk_stream", SLIDING: "lk_sliding"}.get(base) or C_NAMES[base.str[1:]]
        yield f"    {spoken} {field}{''.join(f'[{size}]' for size in shape)};"
    yield f"}} {name};"
    yield f'_Static_assert(sizeof({name}) == {kind.itemsize}, "as numpy lays it out");'


def _at(kind: np.dtype[np.void], name: str) -> int:
    fields: Any = kind.fields
    return int(fields[name][1])
