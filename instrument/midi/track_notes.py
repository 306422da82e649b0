"""What the tracks of a MIDI file mean: notes by channel and program, tempos, meters.

Files leave things open; here is how they are settled. Of equal pitches that sound together on a
channel, the one that began first ends first. A note still held ends with its track, or some beats
after the file's last note. One that ends on the tick where it began lasts one tick. A note's
program is the one in force in its own track.

What plain MIDI cannot tell is told in sequencer-specific events that other programs skip: a word
and a number. ``closes 2`` says that the next note-off ends the third-oldest of equal pitches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from instrument.errors import MidiFileError
from instrument.midi.drums import DrumChannels
from instrument.midi.messages import NOTE_OFF, NOTE_ON, PROGRAM_CHANGE, SYSTEM
from instrument.midi.midi_file import MidiFile
from instrument.midi.note_tracker import NoteTracker
from instrument.midi.track_events import (
    META,
    NAME,
    SEQUENCER_SPECIFIC,
    SET_TEMPO,
    TIME_SIGNATURE,
    MidiEvent,
    meter_of,
    tempo_of,
)
from instrument.music.note import Note

MAX_KEPT = 500_000
"""Notes and changes of tempo and meter in a file: far more than any piece has, under 200 MB."""
LONGEST_HELD_BEATS = 16.0
"""So long after a file's last note-on or note-off a note may sound that nothing ends."""

_OUR_WORD = re.compile(
    rb"\x7dlatentkeys (closes|length|pickup) (\d{1,12})"
)  # 7D: a maker without a number


class Part(NamedTuple):
    """What becomes a track of its own: a track chunk's notes on one channel in one program.

    Attributes
    ----------
    chunk
        Number of the track chunk.
    port, channel, program
        As in the file, all counted from 0.
    is_drum
        Whether pitches stand for drums.
    """

    chunk: int
    port: int
    channel: int
    program: int
    is_drum: bool


class HeldNote(NamedTuple):
    """A note that nothing in the file ends."""

    part: Part
    pitch: int
    end_tick: int


@dataclass(slots=True)
class FileNotes:
    """The contents of a file.

    Attributes
    ----------
    parts
        Notes by part, chunk by chunk, in order of their ends; a program without notes has none.
    names
        Of the track chunks; empty without one.
    tempos
        Microseconds per beat, by tick.
    meters
        Beats and unit, by tick.
    words
        Our own words and their numbers.
    end_tick
        Of the last event.
    held
        What is not ended in the file.
    """

    parts: dict[Part, list[Note]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    tempos: dict[int, int] = field(default_factory=dict)
    meters: dict[int, tuple[int, int]] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    end_tick: int = 0
    held: list[HeldNote] = field(default_factory=list)


class TickNote(NamedTuple):
    """A note on a file's clock."""

    start: int
    end: int
    pitch: int
    velocity: int


class _Struck(NamedTuple):
    start: int
    velocity: int
    part: Part


def notes_of(file: MidiFile) -> FileNotes:
    """Pair the notes of a file and collect what else it says.

    Raises
    ------
    MidiFileError
        There are more than `MAX_KEPT` notes and changes.
    """
    reader = _Reader(file)
    for chunk, port, event in file.in_time():
        reader.take(chunk, port, event)
    return reader.finish()


def note_events(
    notes: list[TickNote], channel: int, ringing: Iterable[TickNote] = ()
) -> Iterator[MidiEvent]:
    """Make the events of notes in order of time; at one tick notes end before others begin.

    Parameters
    ----------
    ringing
        Notes that are in the track already and sound into these.
    """
    every = [*ringing, *notes]
    known = len(every) - len(notes)
    edges = [(note.end, 0, number) for number, note in enumerate(every)]
    edges += [(note.start, 1, number) for number, note in enumerate(every)]
    sounding: NoteTracker[int, int] = NoteTracker()
    for tick, begins, number in sorted(edges):
        _, _, pitch, velocity = every[number]
        if begins:
            sounding.strike(pitch, number)
            if number >= known:
                yield MidiEvent(tick, NOTE_ON | channel, bytes((pitch, velocity)))
        else:
            nth = sounding.nth(pitch, number)
            sounding.release(pitch, nth)
            if number >= known:
                if nth:
                    yield our_word(tick, "closes", nth)
                yield MidiEvent(tick, NOTE_OFF | channel, bytes((pitch, 64)))


def our_word_of(data: bytes) -> tuple[str, int] | None:
    """Return the word and the number of an event of our own."""
    found = _OUR_WORD.fullmatch(data)
    return (found[1].decode(), int(found[2])) if found else None


def our_word(tick: int, word: str, number: int) -> MidiEvent:
    """Make an event of our own, which other programs skip."""
    return MidiEvent(tick, SEQUENCER_SPECIFIC, b"\x7dlatentkeys %b %d" % (word.encode(), number))


class _Reader:
    """Goes through a file once, in order of time."""

    def __init__(self, file: MidiFile) -> None:
        self._file = file
        self._header = file.header
        self._found = FileNotes()
        self._drums = DrumChannels()
        self._down: NoteTracker[tuple[int, int, int, int], _Struck] = NoteTracker()
        self._parts: dict[tuple[int, int, int, int, bool], Part] = {}
        self._programs: dict[tuple[int, int, int], int] = {}  # by chunk, port and channel
        self._closes: dict[int, int] = {}  # by chunk
        self._ends: dict[int, int] = {}  # by chunk
        self._last_tick = 0  # of a note-on or note-off
        self._left = MAX_KEPT

    def take(self, chunk: int, port: int, event: MidiEvent) -> None:
        """Go on by one event."""
        tick, status, data = event
        self._ends[chunk] = tick
        if status >= SYSTEM:
            if status >= META:
                self._take_meta(chunk, event)
            else:
                self._drums.take(port, event)
            return
        kind, channel = status & 0xF0, status & 0x0F
        if kind == NOTE_ON and data[1]:
            part = self._part(chunk, port, channel)
            self._down.strike((chunk, port, channel, data[0]), _Struck(tick, data[1], part))
            self._last_tick = tick
            self._keep()
        elif kind in (NOTE_ON, NOTE_OFF):
            nth = self._closes.pop(chunk, 0)
            struck = self._down.release((chunk, port, channel, data[0]), nth)
            if struck is not None:
                self._last_tick = tick
                self._close(data[0], struck, tick)
        else:
            self._drums.take(port, event)
            if kind == PROGRAM_CHANGE:
                self._programs[chunk, port, channel] = data[0]

    def finish(self) -> FileNotes:
        """End what is held, and return everything."""
        found, header = self._found, self._header
        latest = header.tick(header.beats(self._last_tick) + LONGEST_HELD_BEATS)
        for (chunk, _, _, pitch), struck in self._down:
            end = max(min(self._ends[chunk], latest), struck.start + 1)
            found.held.append(HeldNote(struck.part, pitch, end))
            self._close(pitch, struck, end)
        with_notes = {part[:3] for part in found.parts}
        for (chunk, port, channel), program in self._programs.items():
            if (chunk, port, channel) not in with_notes:
                is_drum = self._drums.is_drum(port, channel)
                found.parts[Part(chunk, port, channel, program, is_drum)] = []
        found.parts = dict(sorted(found.parts.items(), key=lambda entry: entry[0].chunk))
        found.end_tick = max(self._ends.values(), default=0)
        return found

    def _part(self, chunk: int, port: int, channel: int) -> Part:
        program = self._programs.get((chunk, port, channel), 0)
        key = (chunk, port, channel, program, self._drums.is_drum(port, channel))
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = Part(*key)
        return part

    def _keep(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise MidiFileError(
                f'MIDI file "{self._file.path}" has more than {MAX_KEPT} notes and changes',
                "Split it into several files.",
            )

    def _close(self, pitch: int, struck: _Struck, tick: int) -> None:
        beats = self._header.beats
        length = beats(max(tick - struck.start, 1))
        note = Note(beats(struck.start), pitch, length, struck.velocity)
        self._found.parts.setdefault(struck.part, []).append(note)

    def _take_meta(self, chunk: int, event: MidiEvent) -> None:
        tick, status, data = event
        if status == NAME:
            self._found.names.setdefault(chunk, self._file.text(data))
        elif status == SET_TEMPO and (microseconds := tempo_of(event)):
            self._found.tempos[tick] = microseconds
            self._keep()
        elif status == TIME_SIGNATURE and (meter := meter_of(event)):
            self._found.meters[tick] = meter
            self._keep()
        elif status == SEQUENCER_SPECIFIC and (said := our_word_of(data)):
            if said[0] == "closes":
                self._closes[chunk] = said[1]
            else:
                self._found.words[said[0]] = said[1]
