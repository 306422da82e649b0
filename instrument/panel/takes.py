"""The takes that were kept, as the pages see them, and their files to download."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from instrument.errors import FileError
from instrument.panel.messages.news import TakeCard, Takes
from instrument.partner.takes.take import NOTES_FILE, TAKE_FILE, takes_folder
from instrument.schema import NO_JSON

MOST_TAKES = 200
AUDIO_FILE = "audio.wav"
KINDS = {NOTES_FILE: "audio/midi", AUDIO_FILE: "audio/wav", TAKE_FILE: "application/json"}
_HEAD_BYTES = 1 << 16


class _Options(msgspec.Struct):
    mode: str = ""
    model: str = ""


class _Head(msgspec.Struct):
    """The first line of a take's file; what was heard comes after it."""

    options: _Options
    rate_hz: float
    first_frame: int
    last_frame: int


class TakeShelf:
    """Look at the folder of takes; the last one comes first."""

    def __init__(self) -> None:
        self._seen: tuple[tuple[str, int], ...] = ()
        self.shown = Takes(())

    def look(self) -> bool:
        """Read the folder again; true if it has changed."""
        seen = tuple(sorted(_folders(), reverse=True)[:MOST_TAKES])
        if seen == self._seen:
            return False
        self._seen = seen
        self.shown = Takes(tuple(_card(takes_folder() / name) for name, _ in seen))
        return True

    def find(self, name: str, file: str) -> Path:
        """Return a file of a take.

        Raises
        ------
        FileError
            There is no such take, or it has no such file.
        """
        if file in KINDS and name in {card.name for card in self.shown.takes}:
            path = takes_folder() / name / file
            if path.is_file() and not path.is_symlink():
                return path
        raise FileError(f"there is no {file[:40]!r} of a take {name[:60]!r}")


def _folders() -> list[tuple[str, int]]:
    """Return the takes and when each changed last; one that cannot be read hides no other."""
    found: list[tuple[str, int]] = []
    with suppress(OSError):
        for folder in takes_folder().iterdir():
            with suppress(OSError):
                if (folder / NOTES_FILE).is_file() and not folder.is_symlink():
                    found.append((folder.name, folder.stat().st_mtime_ns))
    return found


def _card(folder: Path) -> TakeCard:
    has_audio = (folder / AUDIO_FILE).is_file()
    with suppress(OSError, *NO_JSON):
        with (folder / TAKE_FILE).open("rb") as file:
            line = file.readline(_HEAD_BYTES).rstrip()
        head = msgspec.json.decode(line + b"]}", type=_Head)
        seconds = (head.last_frame - head.first_frame) / max(1.0, head.rate_hz)
        options = head.options
        return TakeCard(folder.name, round(seconds, 1), options.mode, options.model, has_audio)
    return TakeCard(folder.name, has_audio=has_audio)
