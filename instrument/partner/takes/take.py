"""A take: a session as a folder, from which the very same music can be made again.

``take.json`` holds what the partner heard, each message with its frame, and what the player had
chosen, the seed and the composer's identity included; ``notes.mid`` holds what both played. The
partner lives in virtual time, so `instrument.partner.takes.replay` makes the bytes of
``notes.mid`` again from ``take.json`` alone.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import platformdirs

from instrument.errors import FileError, SettingError
from instrument.files import replacing_file
from instrument.midi.phrases import write_phrase
from instrument.music.note import Phrase
from instrument.partner.append_log import AppendLog
from instrument.partner.planning.rules import RULES
from instrument.partner.takes.take_events import Frame, TakeEvent
from instrument.partner.takes.take_format_1 import decode_old_event, options_of
from instrument.preset.partner_options import PartnerOptions
from instrument.schema import NO_JSON, decode, ranged, read_limited

FORMAT = RULES
CARELESS_FORMAT = 3
"""Up to this one composers drew as they had learned."""
TAKE_FILE, NOTES_FILE = "take.json", "notes.mid"
LIMIT_BYTES = 64 * 2**20
LONGEST_SECONDS = 24 * 3600.0

_decoder = msgspec.json.Decoder(TakeEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What `replay` needs.

    Attributes
    ----------
    format
        By whose rules the partner plays: `instrument.partner.planning.rules.RULES`.
    rate_hz
        Frames per second.
    first_frame, last_frame
        When the partner began and when the take was kept.
    composer_sha256
        Of the composer's card; empty for the counts alone.
    """

    format: Annotated[int, ranged(1, FORMAT)]
    options: PartnerOptions
    rate_hz: Annotated[float, ranged(8_000, 384_000, "Hz")]
    first_frame: Frame
    last_frame: Frame
    composer_sha256: str
    heard: tuple[TakeEvent, ...] = ()


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


def write_take(folder: Path, take: Take, events: AppendLog, notes: Phrase) -> None:
    """Write both files, each whole or not at all.

    Parameters
    ----------
    folder
        It is there.
    take
        Without what was heard.
    events
        What was heard: entries of the list in JSON.
    notes
        What both played.

    Raises
    ------
    FileError
        The folder cannot be written.
    """
    head = msgspec.json.encode(replace(take, heard=()))
    assert head.endswith(b"[]}"), "heard is the last field"
    write_phrase(folder / NOTES_FILE, notes)
    with replacing_file(folder / TAKE_FILE) as temporary, temporary.open("wb") as file:
        file.write(head.removesuffix(b"]}") + b"\n")
        events.copy_into(file)
        file.write(b"]}")


def read_take(folder: Path) -> Take:
    """Read a take; anybody may have written it.

    Parameters
    ----------
    folder
        Where `write_take` put it, or the file itself.

    Raises
    ------
    FileError
        It is not there, is too large, or something in it is wrong.
    """
    path = folder / TAKE_FILE if folder.is_dir() else folder
    what = f'take "{folder.name}"'
    content = read_limited(path, LIMIT_BYTES, what, FileError)
    try:
        parts = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        events = parts.pop("heard", None)
        header = {name: msgspec.json.decode(part) for name, part in parts.items()}
    except NO_JSON as reason:
        raise FileError(f"{what}: is not a take in JSON: {reason}") from reason
    found = header.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise FileError(
            f"{what}: has format {found}, this version reads up to {FORMAT}", "Update latentkeys."
        )
    if events is None:
        raise FileError(f"{what}: heard is missing")
    if found == 1:
        header["options"] = _old_options(header.pop("settings", None), what)
    if (
        isinstance(found, int)
        and found <= CARELESS_FORMAT
        and isinstance(header.get("options"), dict)
    ):
        header["options"].setdefault("care", 0.0)
    take = decode(header, Take, what, FileError)
    _check(take, what)
    heard = _events(events, what, is_old=found == 1)
    _check_frames(take, heard, what)
    return replace(take, heard=heard)


def _check(take: Take, what: str) -> None:
    """Refuse what no type can say."""
    seconds = (take.last_frame - take.first_frame) / take.rate_hz
    if not 0.0 <= seconds <= LONGEST_SECONDS:
        raise FileError(
            f"{what}: last_frame must come after first_frame, by a day at most, "
            f"got {take.first_frame} and {take.last_frame}"
        )
    try:
        take.options.constraints()
    except SettingError as problem:
        raise FileError(f"{what}: [options] {problem.message}", problem.remedy) from problem


def _check_frames(take: Take, heard: tuple[TakeEvent, ...], what: str) -> None:
    """Refuse events that no session can have had."""
    earliest = take.first_frame - take.rate_hz  # a message may lie a little before the beginning
    for number, event in enumerate(heard):
        if not earliest <= event.frame <= take.last_frame:
            raise FileError(
                f"{what}: item {number + 1} of heard must lie between first_frame and last_frame, "
                f"got {event.frame}"
            )


def _old_options(settings: object, what: str) -> dict[str, Any]:
    try:
        return options_of(settings)
    except msgspec.ValidationError as reason:
        raise FileError(f"{what}: {reason}", "Another program wrote it, or changed it.") from reason


def _events(content: msgspec.Raw, what: str, *, is_old: bool) -> tuple[TakeEvent, ...]:
    """Decode what was heard, and say which event is wrong."""
    read = decode_old_event if is_old else _decoder.decode
    events = []
    try:
        for item in msgspec.json.decode(content, type=list[msgspec.Raw]):
            events.append(read(item))
    except NO_JSON as reason:
        raise FileError(
            f"{what}: item {len(events) + 1} of heard is no MIDI message and no command: {reason}",
            "The file is damaged, or another program wrote it.",
        ) from reason
    return tuple(events)
