"""Notes, tracks and phrases: the one truth about music that every model and file goes through.

Time is in beats, and a beat is a quarter note. Microtiming is kept: a start is any number, on a
grid or off it. Everything here is a value: nothing changes, everything returns a new one, so any
thread may read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from instrument.errors import SettingError


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note; notes are ordered by start, then pitch.

    Attributes
    ----------
    start_beats
        From the beginning of its phrase, 0 or later.
    pitch
        MIDI number, 0 to 127.
    length_beats
        Longer than 0.
    velocity
        1 to 127.
    """

    start_beats: float
    pitch: int
    length_beats: float
    velocity: int = 80

    def __post_init__(self) -> None:
        if not (
            0.0 <= self.start_beats < math.inf
            and 0.0 < self.length_beats < math.inf
            and 0 <= self.pitch <= 127
            and 1 <= self.velocity <= 127
        ):
            raise SettingError(
                f"{self!r} is no note",
                "A note starts at 0 or later, lasts, and has pitch 0-127 and velocity 1-127.",
            )

    @property
    def end_beats(self) -> float:
        """Where the note stops sounding."""
        return self.start_beats + self.length_beats


@dataclass(frozen=True, slots=True)
class Track:
    """What one player or voice plays; `notes` are sorted."""

    notes: tuple[Note, ...]
    name: str = ""
    program: int = 0  #: General MIDI, 0 to 127
    is_drum: bool = False
    channel: int | None = None  #: 0 to 15; chosen on writing when not given

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))


@dataclass(frozen=True, slots=True)
class Meter:
    """From where on a bar has `beats` beats of a `unit`-th note: 6/8 is `Meter(0, 6, 8)`."""

    start_beats: float
    beats: int
    unit: int

    @property
    def bar_beats(self) -> float:
        """A bar's length in quarter notes."""
        return self.beats * 4.0 / self.unit


@dataclass(frozen=True, slots=True)
class Tempo:
    """From where on a minute has `bpm` quarter notes."""

    start_beats: float
    bpm: float


@dataclass(frozen=True, slots=True)
class Phrase:
    """A stretch of music, from two notes to a whole piece.

    Attributes
    ----------
    tracks
        At least one.
    length_beats
        May end in silence; a last note may sound longer.
    tempos, meters
        At least one each, the first from 0, sorted.
    pickup_beats
        Before the first bar line; bar k begins at ``pickup_beats + k * bar_beats``.
    """

    tracks: tuple[Track, ...]
    length_beats: float
    tempos: tuple[Tempo, ...] = (Tempo(0.0, 120.0),)
    meters: tuple[Meter, ...] = (Meter(0.0, 4, 4),)
    pickup_beats: float = 0.0

    @staticmethod
    def of(
        notes: Iterable[Note],
        length_beats: float | None = None,
        *,
        meter: Meter = Meter(0.0, 4, 4),
        tempo: Tempo = Tempo(0.0, 120.0),
        pickup_beats: float = 0.0,
    ) -> Phrase:
        """Make a phrase of one track; it ends with its last note if no length is given."""
        track = Track(tuple(notes))
        end = max((note.end_beats for note in track.notes), default=0.0)
        length = end if length_beats is None else length_beats
        return Phrase((track,), length, (tempo,), (meter,), pickup_beats)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of all tracks, sorted."""
        return tuple(sorted(note for track in self.tracks for note in track.notes))

    @property
    def bar_beats(self) -> float:
        """Length of a bar of the first meter."""
        return self.meters[0].bar_beats

    def beat_phase(self, beats: float) -> float:
        """Return how far into its bar a place is, in beats from 0 up to `bar_beats`."""
        return (beats - self.pickup_beats) % self.bar_beats

    def transposed(self, semitones: int) -> Phrase:
        """Move every pitch but the drums'."""
        return replace(
            self,
            tracks=tuple(
                track
                if track.is_drum
                else replace(
                    track,
                    notes=tuple(
                        replace(note, pitch=note.pitch + semitones) for note in track.notes
                    ),
                )
                for track in self.tracks
            ),
        )

    def shifted(self, beats: float) -> Phrase:
        """Move every note and the bar lines later, or earlier as long as no note starts before 0.

        The tempo and the meter at the beginning stay.
        """
        return replace(
            self,
            tracks=tuple(
                replace(
                    track,
                    notes=tuple(
                        replace(note, start_beats=note.start_beats + beats) for note in track.notes
                    ),
                )
                for track in self.tracks
            ),
            length_beats=self.length_beats + beats,
            tempos=_shifted(self.tempos, beats),
            meters=_shifted(self.meters, beats),
            pickup_beats=(self.pickup_beats + beats) % self.bar_beats,
        )

    def between(self, start_beats: float, end_beats: float) -> Phrase:
        """Keep the notes that start in [start, end), with times from `start_beats` on."""
        kept = replace(
            self,
            tracks=tuple(
                replace(
                    track,
                    notes=tuple(n for n in track.notes if start_beats <= n.start_beats < end_beats),
                )
                for track in self.tracks
            ),
            length_beats=end_beats,
        )
        return kept.shifted(-start_beats)

    def followed_by(self, other: Phrase) -> Phrase:
        """Append the tracks of another phrase after this one's end; tempo and meter stay these."""
        later = other.shifted(self.length_beats)
        count = max(len(self.tracks), len(later.tracks))
        return replace(
            self,
            tracks=tuple(_joined(self.tracks, later.tracks, index) for index in range(count)),
            length_beats=later.length_beats,
        )


Timed = TypeVar("Timed", Tempo, Meter)


def _shifted(marks: tuple[Timed, ...], beats: float) -> tuple[Timed, ...]:
    """Move marks; what is in force at the beginning is written at 0."""
    moved = [replace(mark, start_beats=mark.start_beats + beats) for mark in marks]
    first = max((m for m in moved if m.start_beats <= 0.0), key=_start, default=moved[0])
    return (
        replace(first, start_beats=0.0),
        *(m for m in moved if m.start_beats > 0.0 and m is not first),
    )


def _start(mark: Tempo | Meter) -> float:
    return mark.start_beats


def _joined(first: tuple[Track, ...], second: tuple[Track, ...], index: int) -> Track:
    if index >= len(first):
        return second[index]
    if index >= len(second):
        return first[index]
    return replace(first[index], notes=first[index].notes + second[index].notes)
