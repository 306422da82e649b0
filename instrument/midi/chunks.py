"""The frame of Standard MIDI Files: bytes on disk in, a header and the bytes of each track out.

What this module lets through has a whole header, a known division and whole chunks, whoever
decodes the tracks. Chunks that nobody knows are skipped, as the standard says (RP-001, "Standard
MIDI Files 1.0").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from instrument.errors import MidiFileError

MAX_FILE_BYTES = 16 * 2**20
"""Larger than any piece a person plays; about two million notes."""
MAX_SECONDS = 3 * 3600.0
"""Three hours: what a float32 stereo WAV at 48 kHz holds below its limit of 4 GiB."""

_SMPTE_BEATS_PER_SECOND = 2.0  # 120 bpm, the tempo of a file that names none


@dataclass(frozen=True, slots=True)
class MidiHeader:
    """What the first chunk says.

    Attributes
    ----------
    format
        0: one track; 1: tracks that sound together; 2: only with a single track.
    track_count
        How many track chunks are announced.
    ticks_per_beat
        1 when the file counts SMPTE frames.
    seconds_per_tick
        Fixed by an SMPTE division; None: the tempo map decides.
    """

    format: int
    track_count: int
    ticks_per_beat: int
    seconds_per_tick: float | None

    def beats(self, tick: int) -> float:
        """Turn ticks into beats; with SMPTE time a beat is half a second."""
        if self.seconds_per_tick is None:
            return tick / self.ticks_per_beat
        return tick * self.seconds_per_tick * _SMPTE_BEATS_PER_SECOND


def read_tracks(path: Path) -> tuple[MidiHeader, list[bytes]]:
    """Read a file and check its chunks; return the header and the bytes of every track chunk.

    Raises
    ------
    MidiFileError
        The file is missing, not MIDI, truncated, damaged, larger than any piece, or has format 2
        with several patterns.
    """
    return split_tracks(path, _read_bytes(path))


def join_tracks(ticks_per_beat: int, tracks: list[bytes]) -> bytes:
    """Return a file of format 1 around the bytes of track chunks."""
    content = struct.pack(">4sLHHH", b"MThd", 6, 1, len(tracks), ticks_per_beat)
    return content + b"".join(struct.pack(">4sL", b"MTrk", len(body)) + body for body in tracks)


def truncated(path: Path, detail: str) -> MidiFileError:
    """Say that a file ends too early."""
    return MidiFileError(f'MIDI file "{path}" is truncated: {detail}', "Copy or export it again.")


def damaged(path: Path, detail: str) -> MidiFileError:
    """Say that a file holds what no MIDI file may hold."""
    return MidiFileError(f'MIDI file "{path}" is damaged: {detail}', "Copy or export it again.")


def _read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size if path.is_file() else MAX_FILE_BYTES  # a pipe tells no size
        if size > MAX_FILE_BYTES:
            raise MidiFileError(
                f'MIDI file "{path}" has {size / 2**20:.0f} MiB; the limit is '
                f"{MAX_FILE_BYTES // 2**20} MiB",
                "Split it into several files.",
            )
        with path.open("rb") as file:
            return file.read(size)
    except OSError as problem:
        raise MidiFileError(
            f'cannot read MIDI file "{path}": {problem.strerror}', "Check the name and the rights."
        ) from problem


def split_tracks(path: Path, content: bytes) -> tuple[MidiHeader, list[bytes]]:
    """Check the chunk structure; return the header and the bytes of the track chunks.

    Raises
    ------
    MidiFileError
        As `read_tracks`; `path` only names the bytes.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"RMID":
        content = content[20:]  # a RIFF wrapper around the same bytes (RP-029)
    if content[:4] != b"MThd":
        found = f"starts with {content[:4]!r}" if content else "is empty"
        raise MidiFileError(
            f"\"{path}\" is not a MIDI file: it should start with b'MThd' and {found}",
            "Choose a Standard MIDI File (.mid).",
        )
    chunks = _chunks(path, content)
    header = _parse_header(path, next(chunks, (b"MThd", b""))[1])
    tracks = [body for name, body in chunks if name == b"MTrk"]
    if len(tracks) < header.track_count:
        raise truncated(path, f"{header.track_count} tracks announced, {len(tracks)} found")
    return header, tracks[: header.track_count]


def _chunks(path: Path, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(content):
        name, size = struct.unpack_from(">4sL", content, position)
        body = content[position + 8 : position + 8 + size]
        if len(body) < size:
            raise truncated(
                path, f"chunk {name!r} at byte {position} should have {size} bytes, has {len(body)}"
            )
        yield name, body
        position += 8 + size


def _parse_header(path: Path, body: bytes) -> MidiHeader:
    if len(body) < 6:
        raise truncated(path, f"the header has {len(body)} bytes of 6")
    file_format, track_count, division = struct.unpack(">HHH", body[:6])
    if file_format > 2:
        raise damaged(path, f"format must be 0, 1 or 2, got {file_format}")
    if file_format == 2 and track_count > 1:
        raise MidiFileError(
            f'MIDI file "{path}" has format 2 with {track_count} independent patterns, '
            "which have no common order in time",
            "Save it as format 0 or 1 in your sequencer.",
        )
    return MidiHeader(file_format, track_count, *_division(path, division))


def _division(path: Path, division: int) -> tuple[int, float | None]:
    """Return ticks per beat, and seconds per tick when the file counts SMPTE frames."""
    if division & 0x8000:
        frames_per_second, ticks_per_frame = 256 - (division >> 8), division & 0xFF
        if frames_per_second not in (24, 25, 29, 30) or ticks_per_frame == 0:
            raise damaged(
                path, f"unknown SMPTE division {frames_per_second} frames/s x {ticks_per_frame}"
            )
        # 29 stands for the 30000/1001 frames per second of drop-frame time code.
        rate = 30000 / 1001 if frames_per_second == 29 else float(frames_per_second)
        return 1, 1.0 / (rate * ticks_per_frame)
    if division == 0:
        raise damaged(path, "its header says 0 ticks per beat")
    return division, None
