"""Read Standard MIDI Files: bytes on disk in, channel messages on a clock in seconds out."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from instrument.errors import MidiFileError
from instrument.midi.chunks import MAX_SECONDS, MidiHeader, read_tracks, split_tracks
from instrument.midi.phrases import phrase_bytes
from instrument.midi.track_events import META, SET_TEMPO, MidiEvent, events_of, microseconds_of
from instrument.music.note import Phrase

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
    return _song(path, *read_tracks(path))


def song_of(phrase: Phrase) -> Song:
    """Return a phrase as timed messages, the same that its MIDI file has.

    Raises
    ------
    MidiFileError
        The phrase is longer than any file may be.
    """
    path = Path("phrase.mid")
    return _song(path, *split_tracks(path, phrase_bytes(phrase, path=path)))


def _song(path: Path, header: MidiHeader, tracks: list[bytes]) -> Song:
    messages: list[SongMessage] = []
    now = 0.0
    for now, event in _on_the_clock(path, header, tracks):
        if event.status < META:
            messages.append(SongMessage(now, bytes((event.status, *event.data))))
    if now > MAX_SECONDS:
        raise MidiFileError(
            f'MIDI file "{path}" lasts {now / 3600:.1f} hours; the limit is '
            f"{MAX_SECONDS / 3600:.0f} hours",
            "Split it, or check its tempo.",
        )
    return Song(tuple(messages), now)


def _on_the_clock(
    path: Path, header: MidiHeader, tracks: list[bytes]
) -> Iterator[tuple[float, MidiEvent]]:
    """Yield every event of the merged tracks with its time in seconds.

    Time is counted from each tempo change in whole ticks, so that rounding does not pile up.
    """
    seconds_per_tick = header.seconds_per_tick or _seconds_per_tick(
        _DEFAULT_MICROSECONDS_PER_BEAT, header
    )
    tempo_seconds, tempo_tick = 0.0, 0
    decoded = [events_of(path, track) for track in tracks]
    for event in heapq.merge(*decoded, key=lambda event: event.tick):
        now = tempo_seconds + (event.tick - tempo_tick) * seconds_per_tick
        if event.status == SET_TEMPO and header.seconds_per_tick is None:
            tempo_seconds, tempo_tick = now, event.tick
            seconds_per_tick = _seconds_per_tick(microseconds_of(path, event), header)
        yield now, event


def _seconds_per_tick(microseconds_per_beat: int, header: MidiHeader) -> float:
    return microseconds_per_beat / (1e6 * header.ticks_per_beat)
