"""A MIDI file with music added: all its events where they were, the new notes beside them.

In: a file that was read, a phrase that goes on from it or accompanies it. Out: a file. Controllers,
bends, pedals, pressure, system-exclusive messages, texts, keys, names and ports stay, to the byte;
what is new is the notes, a note-off where the file forgot one, and at the seam what a continuation
needs: a pedal that stayed down is lifted, a bend taken back, a fade-out undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path

from instrument.midi.chunks import MidiHeader
from instrument.midi.messages import (
    CONTROL_CHANGE,
    DOWN,
    DRUM_CHANNEL,
    EXPRESSION,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    PROGRAM_CHANGE,
    SOSTENUTO,
    SUSTAIN,
    SYSTEM,
    VOLUME,
)
from instrument.midi.midi_file import MidiFile, write_midi
from instrument.midi.track_events import (
    END_OF_TRACK,
    NAME,
    SEQUENCER_SPECIFIC,
    MidiEvent,
)
from instrument.midi.track_notes import (
    FileNotes,
    Part,
    TickNote,
    note_events,
    our_word,
    our_word_of,
)
from instrument.music.note import Phrase, Track

_FEWEST_TICKS = 24  # a beat of fewer is divided further: composers think in 24ths
_ENOUGH_TICKS = 480
_CENTRE = b"\x00\x40"
_FADED = 0.25  # of the level at the first note
_DEFAULT_LEVELS = {VOLUME: 100, EXPRESSION: 127}


def write_continued(
    path: Path, file: MidiFile, notes: FileNotes, at_beats: float, made: Phrase
) -> None:
    """Write a file with what follows it from a beat on; its tracks stand in ``notes.parts``' order.

    Parameters
    ----------
    at_beats
        Where the new notes begin, quarter notes.
    made
        The new notes; its beat 0 is at `at_beats`.

    Raises
    ------
    MidiFileError
        There would be more tracks than a file can have.
    FileError
        The file cannot be written; one that was there stays as it was.
    """
    sheet = _Sheet(file, notes)
    sheet.go_on(at_beats, made)
    sheet.write(path, at_beats + made.length_beats)


def write_accompanied(
    path: Path, file: MidiFile, notes: FileNotes, length_beats: float, made: Phrase
) -> None:
    """Write a file with new tracks beside it; the whole lasts `length_beats` at least.

    Parameters
    ----------
    made
        The new tracks, from its beat 0 on.

    Raises
    ------
    MidiFileError
        There would be more tracks than a file can have.
    FileError
        The file cannot be written; one that was there stays as it was.
    """
    sheet = _Sheet(file, notes)
    for track in made.tracks:
        sheet.add_track(track, 0.0)
    sheet.write(path, max(length_beats, made.length_beats))


@dataclass(slots=True)
class _Channel:
    """What a channel's controllers have come to, each with the tick of its last change."""

    controls: dict[int, tuple[int, int]] = field(default_factory=dict)
    bend: tuple[bytes, int] = (_CENTRE, 0)
    first_levels: dict[int, int] | None = None  # at the first note
    programs: dict[int, int] = field(default_factory=dict)  # last of each track chunk

    def level(self, control: int) -> int:
        """Return a volume or an expression in force."""
        return self.controls.get(control, (_DEFAULT_LEVELS[control], 0))[0]


class _Sheet:
    """The tracks of a file, to be written into."""

    def __init__(self, file: MidiFile, notes: FileNotes) -> None:
        self._file, self._notes = file, notes
        ticks = file.header.ticks_per_beat
        is_coarse = file.header.seconds_per_tick is None and ticks < _FEWEST_TICKS
        self._finer = -(-_ENOUGH_TICKS // ticks) if is_coarse else 1
        self._header: MidiHeader = replace(
            file.header,
            division=ticks * self._finer if is_coarse else file.header.division,
            ticks_per_beat=ticks * self._finer,
        )
        self._ends = [events[-1].tick * self._finer for events in file.tracks]
        self._tracks = [list(self._kept(events)) for events in file.tracks]
        self._channels = _channels_of(file)
        taken = {channel for port, channel in self._channels if port == 0}
        melodic = [channel for channel in range(16) if channel != DRUM_CHANNEL]
        self._free = cycle([channel for channel in melodic if channel not in taken] or melodic)

    def go_on(self, at_beats: float, made: Phrase) -> None:
        """Add what follows from a beat on."""
        for held in self._notes.held:
            off = NOTE_OFF | held.part.channel
            end = MidiEvent(held.end_tick * self._finer, off, bytes((held.pitch, 0)))
            self._tracks[held.part.chunk].append(end)
        parts = list(self._notes.parts)
        reset: set[tuple[int, int]] = set()
        for number, track in enumerate(made.tracks):
            if number >= len(parts) or not self._is_in_force(parts[number]):
                self.add_track(track, at_beats)
            elif track.notes:
                part = parts[number]
                if part[1:3] not in reset:
                    self._tracks[part.chunk] += self._seam(part, self._header.tick(at_beats))
                    reset.add(part[1:3])
                ringing = list(self._ringing(part, at_beats))
                new = self._tick_notes(track, at_beats)
                self._tracks[part.chunk] += note_events(new, part.channel, ringing)

    def add_track(self, track: Track, at_beats: float) -> None:
        """Add a track of its own, on a channel that is free; none for one without notes."""
        if not track.notes:
            return
        channel = DRUM_CHANNEL if track.is_drum else next(self._free)
        name = track.name.encode(self._file.encoding, "replace")
        self._tracks.append(
            [
                *([MidiEvent(0, NAME, name)] if name else []),
                MidiEvent(0, PROGRAM_CHANGE | channel, bytes((track.program,))),
                *note_events(self._tick_notes(track, at_beats), channel),
            ]
        )
        self._ends.append(0)

    def write(self, path: Path, length_beats: float) -> None:
        """Write everything; the first track lasts as long as the music."""
        length = self._header.tick(length_beats)
        for number, events in enumerate(self._tracks):
            events.sort(key=lambda event: event.tick)
            end = length if number == 0 else min(self._ends[number], length)
            last = events[-1].tick if events else 0
            events.append(MidiEvent(max(end, last), END_OF_TRACK, b""))
        if max(events[-1].tick for events in self._tracks) > length:
            self._tracks[0].insert(0, our_word(0, "length", length))
        write_midi(path, self._header, self._tracks)

    def _kept(self, events: list[MidiEvent]) -> Iterator[MidiEvent]:
        """Yield a track's events without its end and our own word of the file's length."""
        for tick, status, data in events[:-1]:
            word = our_word_of(data) if status == SEQUENCER_SPECIFIC else None
            if word is None or word[0] != "length":
                yield MidiEvent(tick * self._finer, status, data)

    def _is_in_force(self, part: Part) -> bool:
        """Tell whether a part's program is the last of its channel in its track chunk."""
        programs = self._channels[part.port, part.channel].programs
        return programs.get(part.chunk, part.program) == part.program

    def _seam(self, part: Part, tick: int) -> Iterator[MidiEvent]:
        """Yield what makes a channel heard as it was at its first note."""
        state = self._channels[part.port, part.channel]
        control = CONTROL_CHANGE | part.channel
        for pedal in (SUSTAIN, SOSTENUTO):
            value, since = state.controls.get(pedal, (0, 0))
            if value >= DOWN:
                yield MidiEvent(max(tick, since * self._finer), control, bytes((pedal, 0)))
        bend, since = state.bend
        if bend != _CENTRE:
            yield MidiEvent(max(tick, since * self._finer), PITCH_BEND | part.channel, _CENTRE)
        for level, first in (state.first_levels or {}).items():
            if state.level(level) < _FADED * first:
                since = state.controls[level][1]
                yield MidiEvent(max(tick, since * self._finer), control, bytes((level, first)))

    def _ringing(self, part: Part, at_beats: float) -> Iterator[TickNote]:
        """Yield the notes on a part's channel that sound beyond a beat."""
        tick = self._header.tick
        for other, notes in self._notes.parts.items():
            if other[:3] == part[:3]:
                for note in notes:
                    if note.end_beats > at_beats:
                        start, end = tick(note.start_beats), tick(note.end_beats)
                        yield TickNote(start, end, note.pitch, note.velocity)

    def _tick_notes(self, track: Track, at_beats: float) -> list[TickNote]:
        notes = []
        for note in track.notes:
            start = self._header.tick(at_beats + note.start_beats)
            end = max(start + 1, self._header.tick(at_beats + note.end_beats))
            notes.append(TickNote(start, end, note.pitch, note.velocity))
        return notes


def _channels_of(file: MidiFile) -> dict[tuple[int, int], _Channel]:
    """Return what the channels of all ports have come to at a file's end."""
    channels: dict[tuple[int, int], _Channel] = {}
    for chunk, port, (tick, status, data) in file.in_time():
        if status >= SYSTEM:
            continue
        kind = status & 0xF0
        state = channels.setdefault((port, status & 0x0F), _Channel())
        if kind == CONTROL_CHANGE:
            state.controls[data[0]] = (data[1], tick)
        elif kind == PITCH_BEND:
            state.bend = (data, tick)
        elif kind == PROGRAM_CHANGE:
            state.programs[chunk] = data[0]
        elif kind == NOTE_ON and data[1] and state.first_levels is None:
            state.first_levels = {level: state.level(level) for level in _DEFAULT_LEVELS}
    return channels
