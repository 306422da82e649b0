"""Read Standard MIDI Files: bytes on disk in, channel messages on a clock in seconds out.

mido decodes the tracks; `midi_chunks` checks the file around them first, because mido reads past
the end of a short track, takes an SMPTE division for a negative number of ticks, and stops at a
chunk that it does not know.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from instrument.errors import MidiFileError
from instrument.midi_chunks import (
    MAX_SECONDS,
    MidiHeader,
    damaged,
    join_tracks,
    read_tracks,
    truncated,
)

if TYPE_CHECKING:
    import mido

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


def read_midi_file(path: Path) -> Song:
    """Read a Standard MIDI File of format 0 or 1, or of format 2 with a single track.

    System-exclusive and meta messages are left out, tempo changes are applied.

    Raises
    ------
    MidiFileError
        The file is missing, not MIDI, truncated, damaged, or larger or longer than any piece.
    """
    header, tracks = read_tracks(path)
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


def _decode(path: Path, header: MidiHeader, tracks: list[bytes]) -> mido.MidiFile:
    """Let mido decode the checked tracks, each of which it sees exactly as long as it is."""
    import mido

    # Type 1 with a plain division, whatever the file says: `header` keeps the truth.
    try:
        return mido.MidiFile(file=io.BytesIO(join_tracks(header.ticks_per_beat, tracks)))
    except EOFError as problem:
        raise truncated(path, "a track ends inside an event") from problem
    except (OSError, ValueError, LookupError, TypeError, struct.error) as problem:
        raise damaged(path, str(problem) or type(problem).__name__) from problem


def _on_the_clock(
    song: mido.MidiFile, header: MidiHeader
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


def _seconds_per_tick(microseconds_per_beat: int, header: MidiHeader) -> float:
    return microseconds_per_beat / (1e6 * header.ticks_per_beat)
