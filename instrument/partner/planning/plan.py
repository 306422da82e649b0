"""What the partner is going to play, and how to think again.

Every planned note keeps the moment of its composer from before it was drawn. To take back what
comes after some point is therefore to drop the notes and to go on from the first one's moment.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from instrument.music.note import Note
from instrument.partner.planning.note_composer import ComposerState

_START = attrgetter("note.start_beats")
_NEARLY = 1.0 / 24.0
_FAR = 5  # semitones: farther leaps are rather another part's entry


@dataclass(frozen=True, slots=True)
class Planned:
    """One note to come.

    Attributes
    ----------
    note
        Absolute positions in beats.
    part
        Which of the partner's parts plays it.
    before
        The composer's moment before it was drawn; None for notes that no note model drew.
    """

    note: Note
    part: int = 0
    before: ComposerState | None = None


def free_part(note: Note, before: Sequence[Planned], parts: int) -> int:
    """Return which of several parts plays a note: one that is free, and was nearest to it.

    Parameters
    ----------
    before
        What was planned before it, in order.
    """
    last = {planned.part: planned.note for planned in before}
    free = [
        part
        for part in range(parts)
        if part not in last or last[part].end_beats <= note.start_beats + _NEARLY
    ]

    def distance(part: int) -> tuple[int, int]:
        return (abs(last[part].pitch - note.pitch) if part in last else _FAR, part)

    return min(free or range(parts), key=distance)


class Plan:
    """Planned notes in order of their start.

    Attributes
    ----------
    notes
        What is written.
    standing
        What is to be written anew: it comes after all that is written, and is played unless
        something is written over it before.
    """

    def __init__(self) -> None:
        self.notes: list[Planned] = []
        self.standing: list[Planned] = []

    @property
    def coming(self) -> list[Planned]:
        """Everything that is to come, in order."""
        return [*self.notes, *self.standing]

    def add(self, planned: Planned) -> None:
        """Put a note into its place; what stood up to there is gone."""
        insort(self.notes, planned, key=_START)
        self.clear_until(planned.note.start_beats)

    def clear_until(self, beats: float) -> None:
        """Drop what stands up to a position: nothing more is written before it."""
        self.standing = self.standing[bisect_right(self.standing, beats, key=_START) :]

    def take_until(self, beats: float) -> list[Planned]:
        """Take the notes that start before a position."""
        taken = []
        for notes in (self.notes, self.standing):
            count = bisect_left(notes, beats, key=_START)
            taken += notes[:count]
            del notes[:count]
        return taken

    def cut(self, beats: float) -> Planned | None:
        """Drop the notes from a position on; return the first written one of them."""
        dropped = self._take_from(beats)
        self.standing = self.standing[: bisect_left(self.standing, beats, key=_START)]
        return dropped[0] if dropped else None

    def set_aside(self, beats: float) -> Planned | None:
        """Let the notes from a position on stand until they are written anew; return the first."""
        dropped = self._take_from(beats)
        self.standing = dropped + self.standing
        return dropped[0] if dropped else None

    def _take_from(self, beats: float) -> list[Planned]:
        count = bisect_left(self.notes, beats, key=_START)
        taken, self.notes = self.notes[count:], self.notes[:count]
        return taken

    @property
    def written_beats(self) -> float | None:
        """Start of the last note that is written; None if there is none."""
        return self.notes[-1].note.start_beats if self.notes else None

    @property
    def end_beats(self) -> float | None:
        """Start of the last note to come; None if there is none."""
        return self.standing[-1].note.start_beats if self.standing else self.written_beats
