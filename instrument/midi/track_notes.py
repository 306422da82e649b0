"""What one track chunk of a MIDI file means: notes by channel and program, tempos, meters.

Files leave things open; here is how they are settled. Of equal pitches that sound together on a
channel, the one that began first ends first. A note still held ends with its track. One that ends
on the tick where it began lasts one tick. A note's program is the one in force in its own chunk.

What plain MIDI cannot tell is told in sequencer-specific events that other programs skip: a word
and a number. ``closes 2`` says that the next note-off ends the third-oldest of equal pitches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from instrument.errors import MidiFileError
from instrument.midi.chunks import MidiHeader, damaged
from instrument.midi.messages import NOTE_OFF, NOTE_ON, PROGRAM_CHANGE
from instrument.midi.note_tracker import NoteTracker
from instrument.midi.track_events import (
    META,
    NAME,
    SEQUENCER_SPECIFIC,
    SET_TEMPO,
    TIME_SIGNATURE,
    MidiEvent,
    microseconds_of,
)
from instrument.music.note import Note

MAX_KEPT = 500_000
"""Notes and changes of tempo and meter in a file: far more than any piece has, under 200 MB."""

_OUR_WORD = re.compile(
    rb"\x7dlatentkeys (closes|length|pickup) (\d{1,12})"
)  # 7D: a maker without a number
_LARGEST_UNIT_EXPONENT = 7  # 128th notes


@dataclass(slots=True)
class TrackChunk:
    """The contents of a track chunk.

    Attributes
    ----------
    name
        Its first name; empty without one.
    parts
        Notes by channel and program, in order of appearance; a program without notes has none.
    tempos
        Microseconds per beat, by tick.
    meters
        Beats and unit, by tick.
    words
        Our own words and their numbers.
    end_tick
        Of its last event, the end of track.
    kept
        How many notes, tempos and meters those are.
    """

    name: str = ""
    parts: dict[tuple[int, int], list[Note]] = field(default_factory=dict)
    tempos: dict[int, int] = field(default_factory=dict)
    meters: dict[int, tuple[int, int]] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    end_tick: int = 0
    kept: int = 0


class TickNote(NamedTuple):
    """A note on a file's clock."""

    start: int
    end: int
    pitch: int
    velocity: int


class _Held(NamedTuple):
    start: int
    velocity: int
    program: int


def read_chunk(
    path: Path, header: MidiHeader, events: Iterable[MidiEvent], limit: int
) -> TrackChunk:
    """Pair the notes of a track chunk and collect what else it says.

    Raises
    ------
    MidiFileError
        A tempo or a meter cannot be, or more than `limit` notes and changes are found.
    """
    chunk = TrackChunk()
    held: NoteTracker[tuple[int, int], _Held] = NoteTracker()
    programs: dict[int, int] = {}
    for event in events:
        tick, status, data = event
        chunk.end_tick = tick
        if chunk.kept > limit:
            raise MidiFileError(
                f'MIDI file "{path}" has more than {MAX_KEPT} notes and changes',
                "Split it into several files.",
            )
        if status >= META:
            _read_meta(path, chunk, event)
            continue
        kind, channel = status & 0xF0, status & 0x0F
        if kind == NOTE_ON and data[1]:
            held.strike((channel, data[0]), _Held(tick, data[1], programs.get(channel, 0)))
            chunk.kept += 1
        elif kind in (NOTE_ON, NOTE_OFF):
            note = held.release((channel, data[0]), chunk.words.pop("closes", 0))
            if note is not None:
                _close(header, chunk, channel, data[0], note, tick)
        elif kind == PROGRAM_CHANGE:
            chunk.kept += channel not in programs
            programs[channel] = data[0]
    for (channel, pitch), note in held:
        _close(header, chunk, channel, pitch, note, chunk.end_tick)
    with_notes = {channel for channel, _ in chunk.parts}
    for channel, program in programs.items():
        if channel not in with_notes:
            chunk.parts[channel, program] = []
    return chunk


def note_events(notes: list[TickNote], channel: int) -> Iterator[MidiEvent]:
    """Make the events of notes in order of time; at one tick notes end before others begin."""
    edges = [(note.end, 0, number) for number, note in enumerate(notes)]
    edges += [(note.start, 1, number) for number, note in enumerate(notes)]
    sounding: NoteTracker[int, int] = NoteTracker()
    for tick, begins, number in sorted(edges):
        _, _, pitch, velocity = notes[number]
        if begins:
            sounding.strike(pitch, number)
            yield MidiEvent(tick, NOTE_ON | channel, bytes((pitch, velocity)))
        else:
            if nth := sounding.nth(pitch, number):
                yield our_word(tick, "closes", nth)
            sounding.release(pitch, nth)
            yield MidiEvent(tick, NOTE_OFF | channel, bytes((pitch, 64)))


def our_word(tick: int, word: str, number: int) -> MidiEvent:
    """Make an event of our own, which other programs skip."""
    return MidiEvent(tick, SEQUENCER_SPECIFIC, b"\x7dlatentkeys %b %d" % (word.encode(), number))


def _close(
    header: MidiHeader, chunk: TrackChunk, channel: int, pitch: int, note: _Held, tick: int
) -> None:
    length_beats = header.beats(max(tick - note.start, 1))
    chunk.parts.setdefault((channel, note.program), []).append(
        Note(header.beats(note.start), pitch, length_beats, note.velocity)
    )


def _read_meta(path: Path, chunk: TrackChunk, event: MidiEvent) -> None:
    tick, status, data = event
    if status == NAME and not chunk.name:
        chunk.name = _decoded(data)
    elif status == SET_TEMPO:
        chunk.tempos[tick] = microseconds_of(path, event)
        chunk.kept += 1
    elif status == TIME_SIGNATURE:
        if len(data) < 2 or data[0] == 0 or data[1] > _LARGEST_UNIT_EXPONENT:
            raise damaged(path, f"a time signature that says {data.hex(' ') or 'nothing'}")
        chunk.meters[tick] = data[0], 2 ** data[1]
        chunk.kept += 1
    elif status == SEQUENCER_SPECIFIC and (found := _OUR_WORD.fullmatch(data)):
        chunk.words[found[1].decode()] = int(found[2])


def _decoded(text: bytes) -> str:
    """Files of our time have UTF-8, older ones often Latin-1, which fits any bytes."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")
