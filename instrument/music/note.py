"""Notes, tracks and phrases: the one form in which music moves between the packages.

A beat is a quarter note, whatever the meter; times are counted in beats from the phrase's
beginning and keep their microtiming. Everything here is immutable and carries no sound: files
(`midi.phrases`), tuples for networks (`note_tuples`), piano rolls and chorale frames are views.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from numbers import Integral
from operator import attrgetter
from typing import TypeVar

from instrument.errors import PhraseError

DEFAULT_VELOCITY = 80
_NEARLY = 1e-9  # beats; what is closer to a bar line is on it: sums of floats miss by less
_FOREVER = float("inf")


def _refused(what: str, wanted: str, found: object) -> PhraseError:
    return PhraseError(f"{what} must be {wanted}, got {found}")


def _check_whole(what: str, number: object, low: int, high: int) -> None:
    if not isinstance(number, (int, Integral)):
        raise _refused(what, "a whole number", repr(number))
    if not low <= int(number) <= high:
        raise _refused(what, f"in {low}..{high}", number)


def _check_time(what: str, beats: float) -> None:
    if not 0 <= beats < _FOREVER:
        raise _refused(what, "at least 0", beats)


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note; notes sort by start, then pitch, length and velocity.

    Attributes
    ----------
    start_beats
        From the phrase's beginning, at least 0.
    pitch
        MIDI number, 0-127.
    length_beats
        Longer than 0; a note may sound on after the phrase's end.
    velocity
        1-127.
    """

    start_beats: float
    pitch: int
    length_beats: float
    velocity: int = DEFAULT_VELOCITY

    def __post_init__(self) -> None:
        if not 0 <= self.start_beats < _FOREVER:
            raise _refused("a note's start_beats", "at least 0", self.start_beats)
        _check_whole("a note's pitch", self.pitch, 0, 127)
        if not 0 < self.length_beats < _FOREVER:
            raise _refused("a note's length_beats", "longer than 0", self.length_beats)
        _check_whole("a note's velocity", self.velocity, 1, 127)

    @property
    def end_beats(self) -> float:
        """When it falls silent."""
        return self.start_beats + self.length_beats


_in_order = attrgetter("start_beats", "pitch", "length_beats", "velocity")


@dataclass(frozen=True, slots=True)
class Track:
    """The notes of one instrument.

    Attributes
    ----------
    notes
        Sorted; other orders and other iterables are put right on construction.
    name
        As in the file.
    program
        General MIDI program, 0-127 (0: acoustic grand piano).
    is_drum
        Whether pitches stand for drums.
    channel
        MIDI channel 0-15; None leaves the choice to whoever plays or writes it.
    """

    notes: tuple[Note, ...]
    name: str = ""
    program: int = 0
    is_drum: bool = False
    channel: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes, key=_in_order)))
        if not 0 <= self.program <= 127:
            raise _refused("a track's program", "in 0..127", self.program)
        if self.channel is not None and not 0 <= self.channel <= 15:
            raise _refused("a track's channel", "in 0..15", self.channel)


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature, `beats`/`unit`, from `start_beats` on; a new one starts a new bar."""

    start_beats: float
    beats: int
    unit: int

    def __post_init__(self) -> None:
        _check_time("a meter's start_beats", self.start_beats)
        if not 1 <= self.beats <= 255:
            raise _refused("a meter's beats", "in 1..255", self.beats)
        if not 1 <= self.unit <= 128 or self.unit & (self.unit - 1):
            raise _refused("a meter's unit", "a power of two up to 128", self.unit)

    @property
    def bar_beats(self) -> float:
        """How many quarter notes a bar lasts."""
        return self.beats * 4 / self.unit


@dataclass(frozen=True, slots=True)
class Tempo:
    """Quarter notes per minute from `start_beats` on."""

    start_beats: float
    bpm: float

    def __post_init__(self) -> None:
        _check_time("a tempo's start_beats", self.start_beats)
        if not 0 < self.bpm < _FOREVER:
            raise _refused("a tempo's bpm", "more than 0", self.bpm)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tracks that sound together, with their tempo and bars.

    Attributes
    ----------
    tracks
        Any number, also none.
    length_beats
        No note starts after it; a phrase may end in silence, and its last notes may sound on.
    tempos, meters
        At least one each, in order of time, the first at 0.
    pickup_beats
        What comes before the first bar line: bar k starts at pickup_beats + k * bar_beats.
    """

    tracks: tuple[Track, ...]
    length_beats: float
    tempos: tuple[Tempo, ...] = (Tempo(0.0, 120.0),)
    meters: tuple[Meter, ...] = (Meter(0.0, 4, 4),)
    pickup_beats: float = 0.0

    def __post_init__(self) -> None:
        last = max((t.notes[-1].start_beats for t in self.tracks if t.notes), default=0.0)
        if not last <= self.length_beats < _FOREVER:
            raise _refused(
                "a phrase's length_beats", f"at least {last:g}, its last note", self.length_beats
            )
        _check_time("a phrase's pickup_beats", self.pickup_beats)
        _check_order("tempos", [tempo.start_beats for tempo in self.tempos])
        _check_order("meters", [meter.start_beats for meter in self.meters])

    @classmethod
    def of(
        cls,
        notes: Iterable[Note],
        length_beats: float | None = None,
        *,
        program: int = 0,
        bpm: float = 120.0,
        meter: tuple[int, int] = (4, 4),
        pickup_beats: float = 0.0,
    ) -> Phrase:
        """Make a phrase of one track; without `length_beats` it ends with its last note.

        Parameters
        ----------
        notes
            In any order.
        program
            General MIDI's, 0-127.
        bpm
            Quarter notes per minute.
        meter
            Beats in a bar and their unit, such as (6, 8).
        pickup_beats
            Quarter notes before the first bar line.
        """
        track = Track(tuple(notes), program=program)
        if length_beats is None:
            length_beats = max((note.end_beats for note in track.notes), default=0.0)
        meters = (Meter(0.0, *meter),)
        return cls((track,), length_beats, (Tempo(0.0, bpm),), meters, pickup_beats)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of all tracks, sorted."""
        if len(self.tracks) == 1:
            return self.tracks[0].notes
        every_note = chain.from_iterable(track.notes for track in self.tracks)
        return tuple(sorted(every_note, key=_in_order))

    @property
    def bar_beats(self) -> float:
        """How many quarter notes a bar of the first meter lasts."""
        return self.meters[0].bar_beats

    def meter_at(self, beats: float) -> Meter:
        """Return the meter in force.

        Parameters
        ----------
        beats
            A position, quarter notes.
        """
        return self.meters[_index_at([meter.start_beats for meter in self.meters], beats)]

    def tempo_at(self, beats: float) -> Tempo:
        """Return the tempo in force.

        Parameters
        ----------
        beats
            A position, quarter notes.
        """
        return self.tempos[_index_at([tempo.start_beats for tempo in self.tempos], beats)]

    def beat_phase(self, beats: float) -> float:
        """Return how many beats after its bar line a moment is: 0 <= phase < the bar's beats."""
        meter = self.meter_at(beats)
        bar_line = self.pickup_beats if meter is self.meters[0] else meter.start_beats
        phase = (beats - bar_line) % meter.bar_beats
        return 0.0 if min(phase, meter.bar_beats - phase) < _NEARLY else phase

    def transposed(self, semitones: int) -> Phrase:
        """Move every pitch but the drums'.

        Parameters
        ----------
        semitones
            Upwards.

        Raises
        ------
        PhraseError
            A pitch would leave 0..127.
        """
        tracks = (
            track if track.is_drum else replace(track, notes=_moved(track.notes, 0.0, semitones))
            for track in self.tracks
        )
        return replace(self, tracks=tuple(tracks))

    def shifted(self, beats: float) -> Phrase:
        """Start `beats` later, after silence in the same tempo, with the bar lines moved along.

        Raises
        ------
        PhraseError
            `beats` is negative; `between` cuts the beginning off.
        """
        _check_time("the beats to shift a phrase by", beats)
        return replace(
            self,
            tracks=tuple(replace(track, notes=_moved(track.notes, beats)) for track in self.tracks),
            length_beats=self.length_beats + beats,
            tempos=_since(self.tempos, -beats),
            meters=_since(self.meters, -beats),
            pickup_beats=(self.pickup_beats + beats) % self.bar_beats,
        )

    def between(self, start_beats: float, end_beats: float) -> Phrase:
        """Cut a phrase out: the notes that start inside, whole, counted from `start_beats`.

        Bar lines stay with the notes: the new pickup lasts until the next bar line. Notes keep
        their length even where they sound on after the end, so that two halves make the whole.

        Raises
        ------
        PhraseError
            Not 0 <= start_beats <= end_beats.
        """
        if not 0 <= start_beats <= end_beats < _FOREVER:
            raise _refused("a phrase's part", "from >= 0 to later", f"{start_beats} to {end_beats}")
        tracks = []
        for track in self.tracks:
            inside = [n for n in track.notes if start_beats <= n.start_beats < end_beats]
            tracks.append(replace(track, notes=_moved(inside, -start_beats)))
        phase, bar_beats = self.beat_phase(start_beats), self.meter_at(start_beats).bar_beats
        return Phrase(
            tuple(tracks),
            end_beats - start_beats,
            _since(self.tempos, start_beats, end_beats),
            _since(self.meters, start_beats, end_beats),
            bar_beats - phase if phase else 0.0,
        )

    def followed_by(self, other: Phrase) -> Phrase:
        """Append `other` at this phrase's end, track by track, in this phrase's tempo and bars.

        The other's surplus tracks are added; its tempos and meters are left out.
        """
        tracks = list(self.tracks)
        for number, track in enumerate(other.tracks):
            later = _moved(track.notes, self.length_beats)
            if number < len(self.tracks):
                mine = self.tracks[number]
                tracks[number] = replace(mine, notes=(*mine.notes, *later))
            else:
                tracks.append(replace(track, notes=later))
        length_beats = self.length_beats + other.length_beats
        return replace(self, tracks=tuple(tracks), length_beats=length_beats)


_Change = TypeVar("_Change", Tempo, Meter)


def _moved(notes: Iterable[Note], beats: float, semitones: int = 0) -> tuple[Note, ...]:
    return tuple(
        Note(n.start_beats + beats, n.pitch + semitones, n.length_beats, n.velocity) for n in notes
    )


def _since(
    changes: tuple[_Change, ...], beats: float, end_beats: float = _FOREVER
) -> tuple[_Change, ...]:
    """Count from `beats` on, up to `end_beats`: what is in force there starts at 0."""
    first = _index_at([change.start_beats for change in changes], beats)
    counted = [replace(changes[first], start_beats=0.0)]
    for change in changes[first + 1 :]:
        if change.start_beats < end_beats:
            counted.append(replace(change, start_beats=change.start_beats - beats))
    return tuple(counted)


def _index_at(starts: list[float], beats: float) -> int:
    return max(0, bisect_right(starts, beats) - 1)


def _check_order(what: str, starts: list[float]) -> None:
    if not starts or starts[0] != 0 or any(b <= a for a, b in pairwise(starts)):
        raise _refused(f"a phrase's {what}", "in order of time from 0 on", starts)
