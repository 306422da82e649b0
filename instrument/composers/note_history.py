"""What has been played so far, as a network that continues it needs to know it.

In: notes on the grid, one after the other. Out: a `History`, an immutable value with the sounding
notes, the counts of pitch classes, and two memories of the piece itself: what followed the longest
earlier passage that equals the latest notes (a match model, as in the PAQ compressors), and what
was played some bars ago at the same place (Lookback RNN, Waite 2016). Both see intervals, so a
passage is recognised in any key. To keep a history is to keep a reference: going back is free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.music.note_tuples import GRID

MEMORY = 512
"""How many notes are remembered."""
LAGS = (1, 2, 4, 8)
"""How many bars ago `Onset.lags` looks."""
MIDDLE_C = 60
_DECAY = 0.9
_SHIFTS = 1 << 20

Ticks = NDArray[np.int64]
Counts = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Match:
    """What followed the last time; all 0 where nothing like the latest notes came before.

    Attributes
    ----------
    length
        How many of the latest notes were the same, in intervals and time.
    shift, interval, duration
        The note that followed then: ticks after its predecessor, semitones from it, ticks long.
    """

    length: int = 0
    shift: int = 0
    interval: int = 0
    duration: int = 0


@dataclass(frozen=True, slots=True)
class Onset:
    """The place where a note is about to start.

    Attributes
    ----------
    shift, start
        Ticks from the last note's start, and from the phrase's beginning.
    rank
        How many notes already start there.
    sounding, ended
        Pitches, the highest first: still held there, and those that the note may succeed, released
        since the last earlier start.
    first_release, last_release
        Ticks until the first and last sounding note end; 0 where none sounds.
    lags
        (pitch, duration) of the note of the same rank 1, 2, 4 and 8 bars before, or None.
    """

    shift: int
    start: int
    rank: int
    sounding: tuple[int, ...]
    ended: tuple[int, ...]
    first_release: int
    last_release: int
    lags: tuple[tuple[int, int] | None, ...]

    @property
    def predecessor(self) -> int | None:
        """The released note in whose place the next one comes, if voices keep their order."""
        return self.ended[self.rank] if self.rank < len(self.ended) else None


@dataclass(frozen=True, slots=True)
class History:
    """The notes so far; make one with `begin` and grow it with `follow`.

    Attributes
    ----------
    bar_ticks, pickup_ticks
        Of the metre.
    starts, pitches, durations
        int64, shape (n,), n <= `MEMORY`: the latest notes, in ticks and MIDI numbers.
    velocity
        The last note's bin 0-7; 8 before the first.
    match
        What the longest match promises.
    held
        (end, pitch) of what was held when the last note started, itself included.
    ended
        Pitches that had been released when the last note started.
    pitch_classes
        float32, shape (2, 12): how often each was played, in all and lately; rows sum to 1.
    """

    bar_ticks: int
    pickup_ticks: int
    starts: Ticks
    pitches: Ticks
    durations: Ticks
    velocity: int
    match: Match
    held: tuple[tuple[int, int], ...]
    ended: tuple[int, ...]
    pitch_classes: Counts
    _events: Ticks
    _lengths: Ticks
    _counts: Counts

    @classmethod
    def begin(cls, bar_beats: float, pickup_beats: float) -> History:
        """Return the history before the first note.

        Parameters
        ----------
        bar_beats
            Quarter notes in a bar.
        """
        none = np.zeros(0, np.int64)
        counts = np.zeros((2, 12), np.float32)
        even = np.full((2, 12), 1.0 / 12.0, np.float32)
        bar, pickup = max(1, round(bar_beats * GRID)), round(pickup_beats * GRID)
        return cls(bar, pickup, none, none, none, 8, Match(), (), (), even, none, none, counts)

    @property
    def last_start(self) -> int:
        """Where the last note started; 0 before the first."""
        return int(self.starts[-1]) if len(self.starts) else 0

    @property
    def last_pitch(self) -> int:
        """The last note's pitch; middle C before the first."""
        return int(self.pitches[-1]) if len(self.pitches) else MIDDLE_C

    def position(self, tick: int) -> int:
        """Return how many ticks after a bar line a tick is."""
        return (tick - self.pickup_ticks) % self.bar_ticks

    def onset(self, shift: int) -> Onset:
        """Return what is known of the place `shift` ticks after the last note's start."""
        start, rank, ended = self.last_start + shift, 0, self.ended
        if len(self.starts) and shift == 0:
            rank = len(self.starts) - int(self.starts.searchsorted(start))
        else:
            ended = _highest_first(pitch for end, pitch in self.held if end <= start)
        left = [(end - start, pitch) for end, pitch in self.held if end > start]
        releases = [ticks for ticks, _ in left] or [0]
        sounding = _highest_first(pitch for _, pitch in left)
        lags = self._lags(start, rank)
        return Onset(shift, start, rank, sounding, ended, min(releases), max(releases), lags)

    def follow(self, onset: Onset, pitch: int, duration: int, velocity: int) -> History:
        """Return the history with one more note.

        Parameters
        ----------
        onset
            Where it starts: `onset` of the ticks since the last note's start (0 or more; of the
            first note since the beginning).
        pitch, duration, velocity
            MIDI number, ticks (at least 1), bin 0-7.
        """
        event = (pitch - self.last_pitch) * _SHIFTS + onset.shift if len(self.starts) else -1
        lengths = np.zeros(len(self._events), np.int64)
        lengths[1:] = self._lengths[:-1]
        lengths = (lengths + 1) * (self._events == event)
        starts, pitches = _grown(self.starts, onset.start), _grown(self.pitches, pitch)
        durations, lengths = _grown(self.durations, duration), _grown(lengths, 0)
        counts = self._counts * np.array([[1.0], [_DECAY]], np.float32)
        counts[:, pitch % 12] += 1.0
        held = [(end, other) for end, other in self.held if end > onset.start]
        return History(
            self.bar_ticks,
            self.pickup_ticks,
            starts,
            pitches,
            durations,
            velocity,
            _best_match(starts, pitches, durations, lengths),
            (*held, (onset.start + duration, pitch)),
            onset.ended,
            counts / counts.sum(axis=1, keepdims=True),
            _grown(self._events, event),
            lengths,
            counts,
        )

    def _lags(self, start: int, rank: int) -> tuple[tuple[int, int] | None, ...]:
        places = [start - lag * self.bar_ticks for lag in LAGS]
        indices = (self.starts.searchsorted(places) + rank).tolist()
        return tuple(
            (int(self.pitches[index]), int(self.durations[index]))
            if index < len(self.starts) and self.starts[index] == place
            else None
            for place, index in zip(places, indices, strict=True)
        )


def _best_match(starts: Ticks, pitches: Ticks, durations: Ticks, lengths: Ticks) -> Match:
    """Return what came after the longest match, the latest of equals."""
    last = len(lengths) - 1
    then = last - int(lengths[::-1].argmax())
    length = int(lengths[then])
    if length == 0:
        return Match()
    return Match(
        length,
        int(starts[then + 1] - starts[then]),
        int(pitches[then + 1] - pitches[then]),
        int(durations[then + 1]),
    )


def _grown(values: Ticks, value: int) -> Ticks:
    """Return an array with one more value, without the oldest where that is too many."""
    kept = values[1:] if len(values) == MEMORY else values
    grown = np.empty(len(kept) + 1, np.int64)
    grown[:-1], grown[-1] = kept, value
    return grown


def _highest_first(pitches: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(pitches, reverse=True))
