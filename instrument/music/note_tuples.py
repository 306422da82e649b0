"""Notes as tuples of small numbers, the view that next-note networks learn.

A note becomes (shift, pitch, duration, velocity): ticks of a 24th of a beat since the note before,
MIDI pitch, ticks it lasts, and one of eight loudnesses. What the small numbers leave out travels
beside them, so that notes come back as they were: exactly on multiples of 1/24 beat, elsewhere
within the rounding of float64 (tested to 1e-12 beats).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.music.note import Note

GRID = 24
"""Ticks per beat: sixteenths and triplets both fall on ticks."""
MAX_SHIFT = MAX_DURATION = 8 * GRID
"""Ticks; a longer gap needs rests, a longer note keeps the surplus in `length_offset`."""
SHIFTS, DURATIONS, VELOCITIES = MAX_SHIFT + 1, MAX_DURATION, 8
"""Sizes of three alphabets: ticks between starts, 0 to 192; ticks - 1; loudnesses."""
REST = -1
"""The pitch of a tuple that only lets time pass."""

_SHORTEST = 1e-12  # beats: a length of nothing but rounding is still a length

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NoteTuples:
    """Notes in order of time, the highest pitch first where several start on one tick.

    Attributes
    ----------
    shift
        int64, shape (n,), 0..192: ticks since the tuple before, or since the phrase's beginning.
    pitch
        int64, shape (n,), 0..127, or -1 for a rest.
    duration
        int64, shape (n,), 1..192 ticks; a rest has 1.
    velocity
        int64, shape (n,), 0..7: sixteen velocities each; a rest has 0.
    offset
        float64, shape (n,): ticks by which the note is late (-0.5..0.5).
    length_offset
        float64, shape (n,): ticks by which the note is longer than `duration`.
    exact_velocity
        int64, shape (n,), 1..127; a rest has 0.
    """

    shift: Integers
    pitch: Integers
    duration: Integers
    velocity: Integers
    offset: Reals
    length_offset: Reals
    exact_velocity: Integers

    def __len__(self) -> int:
        return len(self.shift)

    @property
    def start_ticks(self) -> Integers:
        """int64, shape (n,): ticks from the phrase's beginning to each tuple."""
        return np.cumsum(self.shift)


def in_telling_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return notes as composers are told them: tick by tick, of a chord the highest first."""
    return tuple(
        sorted(notes, key=lambda note: (round(note.start_beats * GRID), -note.pitch, note))
    )


def tuples_of(notes: Iterable[Note]) -> NoteTuples:
    """Turn notes into tuples, with rests in gaps of more than 192 ticks."""
    rows: list[tuple[int, int, int, int, float, float, int]] = []
    now = 0
    for note in in_telling_order(notes):
        start, duration = round(note.start_beats * GRID), round(note.length_beats * GRID)
        while start - now > MAX_SHIFT:
            rows.append((MAX_SHIFT, REST, 1, 0, 0.0, 0.0, 0))
            now += MAX_SHIFT
        duration = min(max(duration, 1), MAX_DURATION)
        offset, length_offset = note.start_beats * GRID - start, note.length_beats * GRID - duration
        bin_ = note.velocity // 16
        rows.append((start - now, note.pitch, duration, bin_, offset, length_offset, note.velocity))
        now = start
    columns = tuple(zip(*rows, strict=True)) or ((),) * 7
    shift, pitch, duration_, velocity, exact = (
        np.array(columns[number], dtype=np.int64) for number in (0, 1, 2, 3, 6)
    )
    offsets, length_offsets = (np.array(columns[number], dtype=np.float64) for number in (4, 5))
    return NoteTuples(shift, pitch, duration_, velocity, offsets, length_offsets, exact)


def notes_of(tuples: NoteTuples) -> tuple[Note, ...]:
    """Turn tuples back into sorted notes; rests only let time pass."""
    starts = np.maximum((tuples.start_ticks + tuples.offset) / GRID, 0.0).tolist()
    lengths = np.maximum((tuples.duration + tuples.length_offset) / GRID, _SHORTEST).tolist()
    pitches, velocities = tuples.pitch.tolist(), tuples.exact_velocity.tolist()
    rows = zip(starts, pitches, lengths, velocities, strict=True)
    return tuple(sorted(Note(*row) for row in rows if row[1] != REST))
