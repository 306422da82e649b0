"""Read Standard MIDI Files: bytes on disk in, channel messages on a clock in seconds out.

mido decodes the tracks; this module checks the file around them first, because mido reads past the
end of a short track, takes an SMPTE division for a negative number of ticks, and stops at a chunk
that it does not know (the standard says: skip it; RP-001, "Standard MIDI Files 1.0").
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from instrument.errors import MidiFileError

if TYPE_CHECKING:
    import mido

MAX_FILE_BYTES = 16 * 2**20
"""Larger than any piece a person plays; about two million notes."""
MAX_SECONDS = 3 * 3600.0
"""Three hours: what a float32 stereo WAV at 48 kHz holds below its limit of 4 GiB."""

_DEFAULT_MICROSECONDS_PER_BEAT = 500_000


@dataclass(frozen=True, slots=True)
class SongMessage:
    """One channel message of a file.

    Attributes
    ----------
    time_seconds
        When, from the start of the file.
    data
        The message's two or three raw MIDI bytes, status first.
    """

    time_seconds: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Song:
    """All channel messages of all tracks in order of time.

    Attributes
    ----------
    messages
        Sorted by time; at the same time in the order of the tracks.
    length_seconds
        When the last event of the longest track happens.
    """

    messages: tuple[SongMessage, ...]
    length_seconds: float


@dataclass(frozen=True, slots=True)
class _Header:
    format: int
    track_count: int
    ticks_per_beat: int
    seconds_per_tick: float | None  # fixed by an SMPTE division; None: the tempo map decides


def read_midi_file(path: Path) -> Song:
    """Read a Standard MIDI File of format 0 or 1, or of format 2 with a single track.

    System-exclusive and meta messages are left out, tempo changes are applied.

    Raises
    ------
    MidiFileError
        The file is missing, not MIDI, truncated, damaged, or larger or longer than any piece.
    """
    content = _read_bytes(path)
    header, tracks = _split_chunks(path, content)
    song = _decode(path, header, tracks)
    messages: list[SongMessage] = []
    now = 0.0
    for now, message in _on_the_clock(song, header):
        if not message.is_meta and message.type != "sysex":
            messages.append(SongMessage(now, bytes(message.bytes())))
    if now > MAX_SECONDS:
        raise MidiFileError(
            f'MIDI file "{path}" lasts {now / 3600:.1f} hours; the limit is '
            f"{MAX_SECONDS / 3600:.0f} hours",
            "Split it, or check its tempo.",
        )
    return Song(tuple(messages), now)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
            raise MidiFileError(
                f'MIDI file "{path}" has {path.stat().st_size / 2**20:.0f} MiB; the limit is '
                f"{MAX_FILE_BYTES // 2**20} MiB",
                "Split it into several files.",
            )
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as problem:
        raise MidiFileError(
            f'cannot read MIDI file "{path}": {problem.strerror}', "Check the name and the rights."
        ) from problem


def _split_chunks(path: Path, content: bytes) -> tuple[_Header, list[bytes]]:
    """Check the chunk structure; return the header and the bytes of the track chunks."""
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
        raise _truncated(path, f"{header.track_count} tracks announced, {len(tracks)} found")
    return header, tracks[: header.track_count]


def _chunks(path: Path, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(content):
        name, size = struct.unpack_from(">4sL", content, position)
        body = content[position + 8 : position + 8 + size]
        if len(body) < size:
            raise _truncated(
                path, f"chunk {name!r} at byte {position} should have {size} bytes, has {len(body)}"
            )
        yield name, body
        position += 8 + size


def _parse_header(path: Path, body: bytes) -> _Header:
    if len(body) < 6:
        raise _truncated(path, f"the header has {len(body)} bytes of 6")
    file_format, track_count, division = struct.unpack(">HHH", body[:6])
    if file_format > 2:
        raise _damaged(path, f"format must be 0, 1 or 2, got {file_format}")
    if file_format == 2 and track_count > 1:
        raise MidiFileError(
            f'MIDI file "{path}" has format 2 with {track_count} independent patterns, '
            "which have no common order in time",
            "Save it as format 0 or 1 in your sequencer.",
        )
    return _Header(file_format, track_count, *_division(path, division))


def _division(path: Path, division: int) -> tuple[int, float | None]:
    """Return ticks per beat, and seconds per tick when the file counts SMPTE frames."""
    if division & 0x8000:
        frames_per_second, ticks_per_frame = 256 - (division >> 8), division & 0xFF
        if frames_per_second not in (24, 25, 29, 30) or ticks_per_frame == 0:
            raise _damaged(
                path, f"unknown SMPTE division {frames_per_second} frames/s x {ticks_per_frame}"
            )
        # 29 stands for the 30000/1001 frames per second of drop-frame time code.
        rate = 30000 / 1001 if frames_per_second == 29 else float(frames_per_second)
        return 1, 1.0 / (rate * ticks_per_frame)
    if division == 0:
        raise _damaged(path, "its header says 0 ticks per beat")
    return division, None


def _decode(path: Path, header: _Header, tracks: list[bytes]) -> mido.MidiFile:
    """Let mido decode the checked tracks, each of which it sees exactly as long as it is."""
    import mido

    # Type 1 with a plain division, whatever the file says: `_Header` keeps the truth.
    content = struct.pack(">4sLHHH", b"MThd", 6, 1, len(tracks), header.ticks_per_beat)
    content += b"".join(struct.pack(">4sL", b"MTrk", len(body)) + body for body in tracks)
    try:
        return mido.MidiFile(file=io.BytesIO(content))
    except EOFError as problem:
        raise _truncated(path, "a track ends inside an event") from problem
    except (OSError, ValueError, LookupError, TypeError, struct.error) as problem:
        raise _damaged(path, str(problem) or type(problem).__name__) from problem


def _on_the_clock(
    song: mido.MidiFile, header: _Header
) -> Iterator[tuple[float, mido.Message | mido.MetaMessage]]:
    """Yield every event of the merged tracks with its time in seconds.

    Time is summed from each tempo change in whole ticks, so that rounding does not pile up.
    """
    seconds_per_tick = header.seconds_per_tick or _seconds_per_tick(
        _DEFAULT_MICROSECONDS_PER_BEAT, header
    )
    tempo_seconds, ticks = 0.0, 0
    for message in song.merged_track:
        ticks += message.time
        now = tempo_seconds + ticks * seconds_per_tick
        if message.type == "set_tempo" and header.seconds_per_tick is None:
            tempo_seconds, ticks = now, 0
            seconds_per_tick = _seconds_per_tick(message.tempo, header)
        yield now, message


def _seconds_per_tick(microseconds_per_beat: int, header: _Header) -> float:
    return microseconds_per_beat / (1e6 * header.ticks_per_beat)


def _truncated(path: Path, detail: str) -> MidiFileError:
    return MidiFileError(f'MIDI file "{path}" is truncated: {detail}', "Copy or export it again.")


def _damaged(path: Path, detail: str) -> MidiFileError:
    return MidiFileError(f'MIDI file "{path}" is damaged: {detail}', "Copy or export it again.")
