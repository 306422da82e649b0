"""A take: a session as a folder, from which the very same music can be made again.

``take.json`` holds what the partner heard, each message with its frame, and what the player had
chosen, the seed and the composer's identity included; ``notes.mid`` holds what both played. The
partner lives in virtual time, so `instrument.partner.replay` makes the bytes of ``notes.mid`` again
from ``take.json`` alone.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import platformdirs

from instrument.errors import FileError
from instrument.files import replacing_file
from instrument.midi.phrases import write_phrase
from instrument.music.note import Phrase
from instrument.partner.messages import SessionSettings
from instrument.schema import decode, ranged, read_limited

FORMAT = 1
TAKE_FILE, NOTES_FILE = "take.json", "notes.mid"
LIMIT_BYTES = 64 * 2**20
COMMAND_SOURCE = -1
"""In what was heard: not MIDI, but the name of a wish."""

Frame = Annotated[int, ranged(0, 2**53)]
Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}){1,32}$")]


@dataclass(frozen=True, slots=True)
class TakeEvent:
    """One thing that the partner was told: a MIDI message, or a wish's name."""

    frame: Frame
    data: Hex
    source: Annotated[int, ranged(-1, 255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What `replay` needs.

    Attributes
    ----------
    rate_hz
        Frames per second.
    first_frame, last_frame
        When the partner began and when the take was kept.
    composer_sha256
        Of the composer's card; empty for the counts alone.
    """

    format: int
    settings: SessionSettings
    rate_hz: Annotated[float, ranged(8_000, 384_000, "Hz")]
    first_frame: Frame
    last_frame: Frame
    composer_sha256: str
    heard: tuple[TakeEvent, ...]


def takes_folder() -> Path:
    """Where takes are kept."""
    return platformdirs.user_data_path("latentkeys") / "takes"


def new_take_folder(now: datetime.datetime | None = None) -> Path:
    """Make a folder that is named by the time.

    Raises
    ------
    FileError
        It cannot be made.
    """
    name = (now or datetime.datetime.now()).strftime("%Y-%m-%d %H.%M.%S")
    folder, number = takes_folder() / name, 2
    while folder.exists():
        folder, number = takes_folder() / f"{name} ({number})", number + 1
    try:
        folder.mkdir(parents=True)
    except OSError as problem:
        raise FileError(f'cannot make the folder "{folder}": {problem.strerror}') from problem
    return folder


def spell(heard: Iterable[tuple[int, bytes, int]]) -> tuple[TakeEvent, ...]:
    """Write messages down."""
    return tuple(TakeEvent(frame, data.hex(), source) for frame, data, source in heard)


def write_take(folder: Path, take: Take, notes: Phrase) -> None:
    """Write both files, each whole or not at all.

    Raises
    ------
    FileError
        The folder cannot be written.
    """
    with replacing_file(folder / TAKE_FILE) as temporary:
        temporary.write_bytes(msgspec.json.encode(take))
    write_phrase(folder / NOTES_FILE, notes)


def read_take(folder: Path) -> Take:
    """Read a take; anybody may have written it.

    Raises
    ------
    FileError
        It is not there, is too large, or something in it is wrong.
    """
    path = folder / TAKE_FILE if folder.is_dir() else folder
    what = f'take "{folder.name}"'
    content = read_limited(path, LIMIT_BYTES, what, FileError)
    try:
        raw = msgspec.json.decode(content)
    except msgspec.DecodeError as reason:
        raise FileError(f"{what}: is not JSON: {reason}") from reason
    found = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise FileError(
            f"{what}: has format {found}, this version reads up to {FORMAT}", "Update latentkeys."
        )
    return decode(raw, Take, what, FileError)
