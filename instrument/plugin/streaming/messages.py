"""What the process that renders held notes on is told: one JSON object per line, on its stdin."""

from __future__ import annotations

import msgspec


class ShareMemory(msgspec.Struct, frozen=True, tag=True):
    """An instance shares memory (`streaming.memory`) from now on."""

    key: int  #: the instance's
    name: str


class StreamBank(msgspec.Struct, frozen=True, tag=True):
    """A bank of it has another sound, whose held notes may go on."""

    key: int
    bank: int
    number: int  #: as the memory has it in ``asked``
    preset: str  #: its file; empty where nobody knows it
    tables: tuple[str, ...]  #: where its table may lie: the whole one, then one that grows


class MorphBank(msgspec.Struct, frozen=True, tag=True):
    """What a bank holds goes over to another sound of its model, unless the host renders a file."""

    key: int
    bank: int
    preset: str


class LeaveMemory(msgspec.Struct, frozen=True, tag=True):
    """An instance is gone."""

    key: int


StreamOrder = ShareMemory | StreamBank | MorphBank | LeaveMemory
STREAM_ORDERS: msgspec.json.Decoder[StreamOrder] = msgspec.json.Decoder(StreamOrder)
