"""The frame of Standard MIDI Files: bytes on disk in, a header and the bytes of each track out.

Files of the world lie about lengths and counts, and come wrapped; what can be found is read, and
`Damage` says what had to be mended. Chunks that nobody knows are skipped, as the standard says
(RP-001, "Standard MIDI Files 1.0").
"""

from __future__ import annotations

import stat
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from instrument.errors import MidiFileError

MAX_FILE_BYTES = 16 * 2**20
"""Larger than any piece a person plays; about two million notes."""
MAX_SECONDS = 3 * 3600.0
"""Three hours: what a float32 stereo WAV at 48 kHz holds below its limit of 4 GiB."""
MAX_TRACKS = 65_535
"""What the header can announce."""

_SMPTE_BEATS_PER_SECOND = 2.0  # 120 bpm, the tempo of a file that names none
_GUESSED_TICKS_PER_BEAT = 96
_FAR = 4096  # bytes before a header that somebody's wrapper may take
_TRACK_END = b"\xff\x2f\x00"


class Damage:
    """What was wrong with a file and has been mended, each kind counted."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def __str__(self) -> str:
        """Return one line; empty if nothing was wrong."""
        return "; ".join(
            what if count == 1 else f"{what} ({count} times)" for what, count in self._kinds.items()
        )

    def add(self, what: str) -> None:
        """Count one more of a kind."""
        self._kinds[what] += 1


@dataclass(frozen=True, slots=True)
class MidiHeader:
    """What the first chunk says.

    Attributes
    ----------
    format
        0: one track; 1: tracks that sound together; 2: patterns, one after the other.
    division
        As it stands in the file: ticks per beat, or SMPTE frames.
    ticks_per_beat
        1 when the file counts SMPTE frames.
    seconds_per_tick
        Fixed by an SMPTE division; None: the tempo map decides.
    """

    format: int
    division: int
    ticks_per_beat: int
    seconds_per_tick: float | None

    def tick_seconds(self, microseconds_per_beat: int) -> float:
        """Return how long a tick lasts at a tempo, which with SMPTE time does not count."""
        return self.seconds_per_tick or microseconds_per_beat / (1e6 * self.ticks_per_beat)

    def beats(self, tick: int) -> float:
        """Turn ticks into beats; with SMPTE time a beat is half a second."""
        if self.seconds_per_tick is None:
            return tick / self.ticks_per_beat
        return tick * self.seconds_per_tick * _SMPTE_BEATS_PER_SECOND

    def tick(self, beats: float) -> int:
        """Turn beats into the nearest tick."""
        if self.seconds_per_tick is None:
            return round(beats * self.ticks_per_beat)
        return round(beats / (self.seconds_per_tick * _SMPTE_BEATS_PER_SECOND))


def split_chunks(path: Path, content: bytes, damage: Damage) -> tuple[MidiHeader, list[bytes]]:
    """Return the header and the bytes of every track chunk; `path` only names the bytes.

    Raises
    ------
    MidiFileError
        They are no MIDI file, or have no whole header or none of its tracks.
    """
    content = _unwrapped(path, content, damage)
    header, announced, position = _parse_header(path, content, damage)
    tracks = list(_tracks(content, position, damage))
    if not tracks and announced:
        raise truncated(path, f"{announced} tracks announced, none found")
    if len(tracks) != announced:
        damage.add(f"{announced} tracks announced, {len(tracks)} found")
    return header, tracks


def join_tracks(division: int, tracks: list[bytes], file_format: int = 1) -> bytes:
    """Return a file around the bytes of track chunks."""
    content = struct.pack(">4sLHHH", b"MThd", 6, file_format, len(tracks), division)
    return content + b"".join(struct.pack(">4sL", b"MTrk", len(body)) + body for body in tracks)


def truncated(path: Path, detail: str) -> MidiFileError:
    """Say that a file ends too early."""
    return MidiFileError(f'MIDI file "{path}" is truncated: {detail}', "Copy or export it again.")


def read_bytes(path: Path) -> bytes:
    """Read a file that may be MIDI.

    Raises
    ------
    MidiFileError
        It is missing, no file, or larger than any piece.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe may never end, a device never begin
            raise MidiFileError(
                f'cannot read MIDI file "{path}": it is no file', "Choose a MIDI file (.mid)."
            )
        if found.st_size > MAX_FILE_BYTES:
            raise MidiFileError(
                f'MIDI file "{path}" has {found.st_size / 2**20:.0f} MiB; the limit is '
                f"{MAX_FILE_BYTES // 2**20} MiB",
                "Split it into several files.",
            )
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except (OSError, ValueError) as problem:  # ValueError: a name with a zero byte
        reason = getattr(problem, "strerror", None) or str(problem)
        raise MidiFileError(
            f'cannot read MIDI file "{path}": {reason}', "Check the name and the rights."
        ) from problem


def _unwrapped(path: Path, content: bytes, damage: Damage) -> bytes:
    """Take off what stands around a MIDI file: RIFF (RP-029), MacBinary, or a few stray bytes."""
    if content[:4] == b"MThd":
        return content
    if content[:4] == b"RIFF" and (inside := _riff_data(content)):
        content = inside
    begin = content.find(b"MThd", 0, _FAR)
    if begin < 0:
        found = f"starts with {content[:4].decode('latin-1')!r}" if content else "is empty"
        raise MidiFileError(
            f'"{path}" is not a MIDI file: it should start with MThd, and {found}',
            "Choose a Standard MIDI File (.mid).",
        )
    if begin == 128 and content[0] == 0:  # MacBinary: its header, the file, the resource fork
        (size,) = struct.unpack_from(">L", content, 83)
        return content[128 : 128 + size] if size > 14 else content[128:]
    if begin:
        damage.add("bytes before the header")
    return content[begin:]


def _riff_data(content: bytes) -> bytes:
    """Return the ``data`` chunk of a RIFF file; chunks are little-endian and padded to even."""
    position = 12
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sL", content, position)
        if name == b"data":
            is_whole = 14 < size <= len(content) - position - 8
            return content[position + 8 : position + 8 + size if is_whole else None]
        position += 8 + size + size % 2
    return b""


def _parse_header(path: Path, content: bytes, damage: Damage) -> tuple[MidiHeader, int, int]:
    """Return the header, how many tracks it announces, and where the chunks behind it begin."""
    if len(content) < 14:
        raise truncated(path, f"the header has {max(0, len(content) - 8)} bytes of 6")
    size, file_format, announced, division = struct.unpack_from(">LHHH", content, 4)
    position = 8 + size
    if size < 6 or not (position == len(content) or _is_name(content, position)):
        damage.add("a wrong length of the header")
        position = 14
    if file_format > 2:
        damage.add(f"an unknown format {file_format}, read as format 1")
        file_format = 1
    return MidiHeader(file_format, division, *_division(division, damage)), announced, position


def _division(division: int, damage: Damage) -> tuple[int, float | None]:
    """Return ticks per beat, and seconds per tick when the file counts SMPTE frames."""
    if division & 0x8000:
        frames_per_second, ticks_per_frame = 256 - (division >> 8), division & 0xFF
        if frames_per_second not in (24, 25, 29, 30):
            damage.add(f"an unknown time code of {frames_per_second} frames per second")
        # 29 stands for the 30000/1001 frames per second of drop-frame time code.
        rate = 30000 / 1001 if frames_per_second == 29 else float(frames_per_second)
        return 1, 1.0 / (rate * (ticks_per_frame or 1))
    if division == 0:
        damage.add(f"0 ticks per beat, read as {_GUESSED_TICKS_PER_BEAT}")
    return division or _GUESSED_TICKS_PER_BEAT, None


def _tracks(content: bytes, position: int, damage: Damage) -> Iterator[bytes]:
    """Yield the bytes of every track chunk, wherever the lengths say that it is."""
    found = 0
    while position + 8 <= len(content) and found < MAX_TRACKS:
        name, size = struct.unpack_from(">4sL", content, position)
        end = position + 8 + size
        if name == b"MTrk":
            found += 1
            end = _track_end(content, position + 8, end, damage)
            yield content[position + 8 : end]
        elif not _is_name(content, position) or end > len(content):
            damage.add("stray bytes between or after the tracks")
            end = content.find(b"MTrk", position + 1)
            if end < 0:
                return
        position = end


def _track_end(content: bytes, begin: int, end: int, damage: Damage) -> int:
    """Return where a track ends, be its length right or wrong.

    It is believed where the track closes with an end of track or another chunk follows, and no
    track begins inside.
    """
    inside = content.find(_TRACK_END + b"MTrk", begin, end)
    follows = end == len(content) or _is_name(content, end)
    closes = content[end - 3 : end] == _TRACK_END
    if inside < 0 and end <= len(content) and (follows or closes):
        return end
    damage.add("a wrong length of a track")
    if inside >= 0:
        return inside + 3
    following = content.find(b"MTrk", begin)
    return following if following >= 0 else len(content)


def _is_name(content: bytes, position: int) -> bool:
    """Tell whether a chunk can begin here: four printable characters."""
    name = content[position : position + 4]
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)
