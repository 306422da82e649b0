"""Read which file an SFZ instrument plays at which key and velocity.

In: an ``.sfz`` file, perhaps a stranger's. Out: its regions, as far as they say that: sample, key,
velocities, level and tuning. What only plays on release, with a pedal or by chance is left out.
The format: https://sfzformat.com.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.data.audio.note_names import parse_note_name

MOST_BYTES, MOST_FILES, MOST_REGIONS = 4 << 20, 64, 20_000
"""Of text, of files that include each other, and of regions; larger instruments are refused."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(
    r'#define\s+\$(?P<name>\w+)\s+(?P<value>\S+)|#include\s+"(?P<file>[^"\n]+)"|<(?P<header>\w+)>'
    r"|(?P<opcode>[\w$]+)=(?P<said>[^\n]*?)(?=\s+[\w$]+=|\s*<|\s*#(?:define|include)|\s*(?:\n|$))"
)
_LEVELS = ("global", "master", "group", "region")
_WHEN_ELSE = ("locc", "on_locc", "sw_last", "sw_down", "lorand", "seq_position")


@dataclass(frozen=True, slots=True)
class Region:
    """One recording of an instrument.

    Attributes
    ----------
    sample
        The file, inside the instrument's folder.
    pitch
        MIDI number of what was recorded.
    lowest, highest
        The velocities, 0 to 127, that play it.
    gain_db
        What the mapping adds to its level.
    """

    sample: Path
    pitch: int
    lowest: int
    highest: int
    gain_db: float


def read_sfz(path: Path) -> tuple[Region, ...]:
    """Read an instrument's regions, in the order of the file.

    Raises
    ------
    ValueError
        It cannot be read, is too large, or names a file outside its folder.
    """
    reader = _SfzReader(path.parent)
    regions = []
    for opcodes in reader.regions(reader.text(path)):
        if (region := _region(path.parent, opcodes)) is not None:
            regions.append(region)
        if len(regions) > MOST_REGIONS:
            raise ValueError(f"it has more than {MOST_REGIONS} regions")
    return tuple(regions)


class _SfzReader:
    """Follows includes and definitions through the files of one instrument."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._defined: dict[str, str] = {}
        self._bytes = self._files = 0
        self._opcodes: dict[str, dict[str, str]] = {}
        self._at = ""
        self._default_path = ""

    def text(self, path: Path) -> str:
        """Read one file, without its comments."""
        self._files += 1
        if self._files > MOST_FILES:
            raise ValueError(f"more than {MOST_FILES} files include each other")
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES + 1 - self._bytes)
        except OSError as reason:
            raise ValueError(f"{path.name} cannot be read: {reason.strerror}") from reason
        self._bytes += len(content)
        if self._bytes > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES >> 20} MiB")
        return _COMMENT.sub("", content.decode("utf-8", "replace"))

    def regions(self, text: str) -> Iterator[dict[str, str]]:
        """Go through the text; give each region's opcodes, with those of its groups."""
        yield from self._through(text)
        yield from self._finished("")

    def _through(self, text: str) -> Iterator[dict[str, str]]:
        for token in _TOKEN.finditer(text):
            if token["name"]:
                self._defined[token["name"]] = token["value"]
            elif token["file"]:
                yield from self._through(self.text(self._inside(self._expand(token["file"]))))
            elif token["header"]:
                yield from self._finished(token["header"])
            elif self._at == "control":
                if token["opcode"] == "default_path":
                    self._default_path = self._expand(token["said"])
            elif self._at in self._opcodes:
                self._opcodes[self._at][self._expand(token["opcode"])] = self._expand(token["said"])

    def _finished(self, header: str) -> Iterator[dict[str, str]]:
        """Give the region that ends where a header begins."""
        if self._at == "region":
            merged: dict[str, str] = {"default_path": self._default_path}
            for level in _LEVELS:
                merged |= self._opcodes.get(level, {})
            yield merged
        self._at = header
        if header in _LEVELS:
            for level in _LEVELS[_LEVELS.index(header) :]:
                self._opcodes.pop(level, None)
            self._opcodes[header] = {}

    def _expand(self, text: str) -> str:
        for name in sorted(self._defined, key=len, reverse=True):
            text = text.replace(f"${name}", self._defined[name])
        return text.strip()

    def _inside(self, name: str) -> Path:
        return _inside(self._folder, name)


def _region(folder: Path, opcodes: dict[str, str]) -> Region | None:
    """Return a region that a struck key plays; None if it is another one."""
    name = opcodes.get("sample", "")
    plays_else = opcodes.get("trigger", "attack") not in ("attack", "first")
    if not name or name.startswith("*") or plays_else:
        return None
    if any(opcode.startswith(_WHEN_ELSE) for opcode in opcodes):
        return None
    key = opcodes.get("pitch_keycenter") or opcodes.get("key") or opcodes.get("lokey")
    pitch = _pitch(key or "")
    if pitch is None:
        return None
    gain = sum(_number(opcodes.get(name, ""), 0.0) for name in ("volume", "group_volume"))
    return Region(
        sample=_inside(folder, opcodes["default_path"] + name),
        pitch=pitch,
        lowest=round(_number(opcodes.get("lovel", ""), 0.0)),
        highest=round(_number(opcodes.get("hivel", ""), 127.0)),
        gain_db=min(max(gain, -60.0), 24.0),
    )


def _inside(folder: Path, name: str) -> Path:
    """Return a file of the instrument's folder."""
    path = (folder / name.replace("\\", "/")).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"it names a file outside its folder: {name}")
    return path


def _pitch(said: str) -> int | None:
    """Return a key, said as a number or as a note; middle C is c4."""
    if said.isascii() and said.isdigit() and len(said) <= 3:
        return int(said) if int(said) <= 127 else None
    named = parse_note_name(said)
    return named.pitch if named else None


def _number(said: str, usual: float) -> float:
    try:
        number = float(said)
    except ValueError:
        return usual
    return number if abs(number) < 1e6 else usual
