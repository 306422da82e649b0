"""A MIDI file, decoded: every event of every track where it stands, and files written from events.

In: a file. Out: a `MidiFile`, from which `song` takes what sounds and `phrases` the notes; what it
does not understand is kept, so that a file that is continued loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

from instrument.errors import MidiFileError
from instrument.files import replacing_file
from instrument.midi.chunks import (
    MAX_TRACKS,
    Damage,
    MidiHeader,
    join_tracks,
    read_bytes,
    split_chunks,
)
from instrument.midi.messages import KEY_PRESSURE, NOTE_OFF, NOTE_ON
from instrument.midi.pauses import without_endless_pauses
from instrument.midi.texts import text_encoding
from instrument.midi.track_events import (
    DEVICE_NAME,
    PORT,
    SET_TEMPO,
    TEXTS,
    TIME_SIGNATURE,
    MidiEvent,
    chunk_of,
    events_of,
    meter_of,
    tempo_of,
)

MAX_EVENTS = 1_500_000
"""Of a file: far more than any piece has; they take about 300 MB."""

_DEFAULT_TEMPO, _DEFAULT_METER = b"\x07\xa1\x20", b"\x04\x02\x18\x08"  # 120 bpm, 4/4


@dataclass(frozen=True, slots=True)
class MidiFile:
    """What is in a file.

    Attributes
    ----------
    path
        Where it was read.
    header
        How it counts time. Format 2 has become 1: its patterns follow each other.
    tracks
        The events of each track chunk in order of time, its end of track last.
    encoding
        Of its texts, as Python names it.
    warning
        What was wrong and has been mended, in a line; empty if nothing was.
    """

    path: Path
    header: MidiHeader
    tracks: tuple[list[MidiEvent], ...]
    encoding: str
    warning: str

    def text(self, data: bytes) -> str:
        """Return a text event's contents as people read it."""
        return data.decode(self.encoding, "replace")

    def in_time(self) -> list[tuple[int, int, MidiEvent]]:
        """Return all events in order of time, at one tick in the order of the tracks.

        Note-offs that are missing before the same key's next note-on are put in. Ports are told
        apart by number and device name and count from 0, as they first appear; what is before the
        first of a track's own goes to port 0.

        Returns
        -------
        list
            The number of its track, its port, the event.
        """
        known: dict[tuple[bytes, bytes], int] = {}
        found: list[tuple[int, int, MidiEvent]] = []
        for number, events in enumerate(self.tracks):
            found += _with_port(number, with_ends(events), known)
        if len(self.tracks) > 1:
            found.sort(key=lambda each: each[2].tick)
        return found


def read_midi(path: Path) -> MidiFile:
    """Read a Standard MIDI File of any format and mend what can be mended.

    Raises
    ------
    MidiFileError
        The file is missing, not MIDI, or has nothing that could be read, or too much.
    """
    return parse_midi(path, read_bytes(path))


def parse_midi(path: Path, content: bytes) -> MidiFile:
    """Decode the bytes of a MIDI file; `path` only names them.

    Raises
    ------
    MidiFileError
        They are not MIDI, or have nothing that could be read, or too much.
    """
    damage = Damage()
    header, bodies = split_chunks(path, content, damage)
    tracks, count = [], 0
    for body in bodies:
        tracks.append(events_of(body, damage))
        count += len(tracks[-1])
        if count > MAX_EVENTS:
            raise MidiFileError(
                f'MIDI file "{path}" has more than {MAX_EVENTS} events',
                "Split it into several files.",
            )
    if header.format == 2:
        tracks = _one_after_the_other(tracks)
    tracks = without_endless_pauses(header, tracks, damage)
    for event in chain.from_iterable(tracks):
        if event.status == SET_TEMPO and tempo_of(event) is None:
            damage.add("a tempo of nothing, left out")
        elif event.status == TIME_SIGNATURE and meter_of(event) is None:
            damage.add(f"a time signature that cannot be ({event.data.hex(' ')}), left out")
    texts = [event.data for event in chain.from_iterable(tracks) if event.status in TEXTS]
    warning = f'MIDI file "{path}" is damaged and has been mended: {damage}' if damage else ""
    return MidiFile(path, header, tuple(tracks), text_encoding(texts), warning)


def write_midi(path: Path, header: MidiHeader, tracks: list[list[MidiEvent]]) -> None:
    """Write a file; one track becomes format 0 if it was read so, and format 1 otherwise.

    Raises
    ------
    MidiFileError
        There are more tracks than a file can have.
    FileError
        The file cannot be written; one that was there stays as it was.
    """
    if len(tracks) > MAX_TRACKS:
        raise MidiFileError(
            f'MIDI file "{path}" would have {len(tracks)} tracks; the limit is {MAX_TRACKS}',
            "Give a file with fewer tracks.",
        )
    file_format = 0 if header.format == 0 and len(tracks) == 1 else 1
    content = join_tracks(header.division, list(map(chunk_of, tracks)), file_format)
    with replacing_file(path) as temporary:
        temporary.write_bytes(content)


def _with_port(
    number: int, events: list[MidiEvent], known: dict[tuple[bytes, bytes], int]
) -> Iterable[tuple[int, int, MidiEvent]]:
    if not {PORT, DEVICE_NAME} & {event.status for event in events}:
        return zip(repeat(number), repeat(0), events)
    found = []
    port, name, device = 0, b"", b""
    for event in events:
        if event.status in (PORT, DEVICE_NAME):
            name = event.data if event.status == PORT else name
            device = event.data if event.status == DEVICE_NAME else device
            port = known.setdefault((name, device), len(known))
        found.append((number, port, event))
    return found


def with_ends(events: list[MidiEvent]) -> list[MidiEvent]:
    """Put in the note-offs that a track lacks before its keys are struck again.

    Where every note-on has its note-off, equal notes may overlap. Where some have none, the next
    note-on of the key ends the note: otherwise each later note-off would end the note before its
    own, and the last note would sound for ever.
    """
    lacking = _unended_keys(events)
    if not lacking:
        return events
    ended: list[MidiEvent] = []
    sounding: set[tuple[int, int]] = set()
    for event in events:
        tick, status, data = event
        if NOTE_OFF <= status < KEY_PRESSURE:
            key = (status & 0x0F, data[0])
            if status >= NOTE_ON and data[1]:
                if key in sounding and key in lacking:
                    ended.append(MidiEvent(tick, NOTE_OFF | key[0], bytes((key[1], 0))))
                sounding.add(key)
            else:
                sounding.discard(key)
        ended.append(event)
    return ended


def _unended_keys(events: list[MidiEvent]) -> set[tuple[int, int]]:
    """Return channel and pitch of the keys that are down at a track's end."""
    down: Counter[tuple[int, int]] = Counter()
    for _, status, data in events:
        if NOTE_OFF <= status < KEY_PRESSURE:
            key = (status & 0x0F, data[0])
            if status >= NOTE_ON and data[1]:
                down[key] += 1
            elif down[key]:
                down[key] -= 1
    return {key for key, count in down.items() if count}


def _one_after_the_other(patterns: list[list[MidiEvent]]) -> list[list[MidiEvent]]:
    """Let every pattern begin where the one before ends, in its own tempo and meter."""
    tracks, begin = [], 0
    for pattern in patterns:
        events = [MidiEvent(begin + tick, status, data) for tick, status, data in pattern]
        for status, data in ((TIME_SIGNATURE, _DEFAULT_METER), (SET_TEMPO, _DEFAULT_TEMPO)):
            if not any(event[:2] == (begin, status) for event in events):
                events.insert(0, MidiEvent(begin, status, data))
        tracks.append(events)
        begin = events[-1].tick
    return tracks
