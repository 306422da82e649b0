"""A phrase as one line of chords and rests, each with its duration.

This is how the source documents of the stacked LSTM and of the attention LSTM see music. Theirs
keeps a chord's pitch classes only, so that every chord comes back in octave 4, and no durations.
Here a chord keeps its pitches, and a duration is the real length on the `GRID` of 24 ticks per
beat, so that notes that start on the grid and do not overlap come back unchanged, but for their
velocity.

In: notes. Out: `ChordEvent`s that tile the time from a phrase's beginning, their names in two
vocabularies (which pitches, how long), and notes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import log

from instrument.music.note import Note
from instrument.music.note_tuples import GRID
from instrument.music.vocabulary import START, Vocabulary

REST = "rest"
LONGEST_REST = 8 * GRID


@dataclass(frozen=True, slots=True)
class ChordEvent:
    """Notes that start together, or a rest.

    Attributes
    ----------
    pitches
        MIDI pitches, ascending; none is a rest.
    length_ticks
        How long they sound, at least 1; all as long as the longest.
    advance_ticks
        When the next event starts, counted from this one's start: 1..length_ticks. Less than the
        length where another voice moves while these hold.
    """

    pitches: tuple[int, ...]
    length_ticks: int
    advance_ticks: int

    @property
    def chord(self) -> str:
        """The name of the pitches: ``rest``, ``60``, ``48.55.64``."""
        return ".".join(map(str, self.pitches)) or REST

    @property
    def duration(self) -> str:
        """The name of the duration: ``24``, or ``24>12`` when the next starts 12 ticks later."""
        if self.advance_ticks == self.length_ticks:
            return str(self.length_ticks)
        return f"{self.length_ticks}>{self.advance_ticks}"

    def transposed(self, semitones: int) -> ChordEvent:
        """Return the event higher (or lower, if negative) by semitones."""
        pitches = tuple(pitch + semitones for pitch in self.pitches)
        return ChordEvent(pitches, self.length_ticks, self.advance_ticks)


def named_event(chord: str, duration: str) -> ChordEvent:
    """Return the event of two names that `ChordEvent` gave.

    Parameters
    ----------
    duration
        Its length and advance in ticks, as `ChordEvent.duration` writes them.
    """
    pitches = () if chord == REST else tuple(map(int, chord.split(".")))
    length, _, advance = duration.partition(">")
    return ChordEvent(pitches, int(length), int(advance or length))


def events_of(notes: Iterable[Note]) -> tuple[ChordEvent, ...]:
    """Return the notes as events; gaps become rests, long gaps several of at most 8 beats."""
    chords: dict[int, list[Note]] = {}
    for note in notes:
        chords.setdefault(round(note.start_beats * GRID), []).append(note)
    starts = sorted(chords)
    events: list[ChordEvent] = []
    now = 0
    for start, following in zip_longest(starts, starts[1:]):
        events += rests(start - now)
        length = max(1, round(max(note.length_beats for note in chords[start]) * GRID))
        advance = length if following is None else min(length, following - start)
        pitches = tuple(sorted({note.pitch for note in chords[start]}))
        events.append(ChordEvent(pitches, length, advance))
        now = start + advance
    return tuple(events)


def rests(ticks: int) -> list[ChordEvent]:
    """Return rests that fill so many ticks; none if there are none to fill."""
    ticks = max(0, ticks)
    lengths = [LONGEST_REST] * (ticks // LONGEST_REST)
    if ticks % LONGEST_REST:
        lengths.append(ticks % LONGEST_REST)
    return [ChordEvent((), length, length) for length in lengths]


def notes_of(events: Sequence[ChordEvent], velocity: int = 80) -> tuple[Note, ...]:
    """Return the notes of events that follow each other from beat 0 on.

    Parameters
    ----------
    velocity
        Of all notes, 1-127.
    """
    notes = []
    now = 0
    for event in events:
        start, length = now / GRID, event.length_ticks / GRID
        notes += [Note(start, pitch, length, velocity) for pitch in event.pitches]
        now += event.advance_ticks
    return tuple(sorted(notes))


def length_ticks(events: Sequence[ChordEvent]) -> int:
    """Return when the event after the last would start.

    Parameters
    ----------
    events
        One after the other, from tick 0 on.
    """
    return sum(event.advance_ticks for event in events)


def nearest_chord(vocabulary: Vocabulary, pitches: tuple[int, ...]) -> int:
    """Return the id of the known chord that is nearest to any pitches.

    A chord that training never met is heard as its highest note, a note out of range in the
    nearest octave that is in range.
    """
    name = ChordEvent(pitches, 1, 1).chord
    if name in vocabulary:
        return vocabulary.id_of(name)
    if not pitches:
        return vocabulary.id_of(START)
    top = max(pitches)
    octaves = sorted(range(-10, 11), key=abs)
    names = (str(top + 12 * octave) for octave in octaves)
    return next((vocabulary.id_of(name) for name in names if name in vocabulary), 0)


def nearest_duration(vocabulary: Vocabulary, length: int, advance: int) -> int:
    """Return the id of the known duration that is nearest to any length and advance in ticks."""
    name = ChordEvent((), length, advance).duration
    if name in vocabulary:
        return vocabulary.id_of(name)
    known = [name for name in vocabulary.symbols[1:] if ">" not in name]
    if not known:
        return vocabulary.id_of(START)
    return vocabulary.id_of(min(known, key=lambda name: abs(log(int(name) / advance))))
