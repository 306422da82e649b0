"""What control and the models process say to each other: one JSON object per line."""

from __future__ import annotations

from typing import Literal

import msgspec

from instrument.processes.json_lines import Notice


class Fill(msgspec.Struct, frozen=True, tag=True):
    """Control: fill this bank with this preset's tones; whatever was being filled can wait."""

    bank: int
    preset: str  #: path of the file
    is_fresh: bool = False  #: the bank was another preset's: forget what is in it
    limit_seconds: float = 3.0  #: tones that take longer do not come any more
    server: str = ""  #: where they are rendered, as `instrument.remote.address` reads it
    carries_from: int | None = None  #: a bank whose held notes are carried to this one


class Hold(msgspec.Struct, frozen=True, tag=True):
    """Control, to a process that was started again: this bank holds the tones of this preset."""

    bank: int
    preset: str  #: path of the file


class Opened(msgspec.Struct, frozen=True, tag=True):
    """Models: the preset's model is open, or renders elsewhere than until now."""

    bank: int
    provider: str  #: where it renders: "cpu", "cuda" or "remote"
    notice: str  #: why it is not where one would expect; usually empty


class AttacksReady(msgspec.Struct, frozen=True, tag=True):
    """Models: every key now sounds with its own tone."""

    bank: int
    seconds: float  #: since the request


class TableReady(msgspec.Struct, frozen=True, tag=True):
    """Models: every tone is there to its end."""

    bank: int
    seconds: float  #: since the request
    source: Literal["cache", "model"]


class TableFailed(msgspec.Struct, frozen=True, tag=True):
    """Models: this preset's tones cannot be rendered; the bank stays as it is."""

    bank: int
    message: str
    remedy: str


Report = Opened | AttacksReady | TableReady | TableFailed | Notice

REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
REQUESTS: msgspec.json.Decoder[Fill | Hold] = msgspec.json.Decoder(Fill | Hold)
