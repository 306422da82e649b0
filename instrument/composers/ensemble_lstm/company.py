"""Who plays what in an ensemble: the player's notes and ours, beside the history of both together.

In: notes, each of the player or our own. Out: a `Company`, an immutable value, and the rows that a
network is told of it. What the player plays is known as it is heard, or, where a file is
accompanied, some notes ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.composers.note_history import History
from instrument.composers.note_lstm.features import NO_CONDITIONS, Conditions, condition_columns
from instrument.music.pitch import PERFECT

NOBODY, PLAYER, OWN = 0, 1, 2
"""Whose the last note was."""
_NEAR, _TIMES, _RANKS, _VOICES, _LOUDNESSES = 24, 97, 8, 9, 9
_NEAR_ROWS, _TIME_ROWS = 2 * _NEAR + 2, _TIMES + 1
_NONE = 2 * _NEAR + 1
_AT_ONCE = 12  # ticks
AHEAD = 2
"""So many of the player's strikes are told ahead, where they are known."""

ROLE_COLUMNS = (3, _NEAR_ROWS, _TIME_ROWS)
"""Table sizes of `Company.role_columns`."""
COMPANY_COLUMNS = (
    _NEAR_ROWS, _RANKS, _RANKS, _NEAR_ROWS, _NEAR_ROWS, 2, *[_TIME_ROWS, _NEAR_ROWS] * AHEAD,
)  # fmt: skip
"""Table sizes of `Company.columns`."""
ASKED_COLUMNS = (13, 25, _NEAR_ROWS, _NEAR_ROWS, _LOUDNESSES, _VOICES)
"""Table sizes of `asked_columns`."""
NOTHING_ASKED = (*NO_CONDITIONS, 0, 0)

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PartNote:
    """A note that somebody plays: ticks, and a MIDI number."""

    start: int
    pitch: int
    end: int


@dataclass(frozen=True, slots=True)
class Company:
    """Both players at one moment.

    Attributes
    ----------
    last
        `NOBODY`, `PLAYER` or `OWN`.
    own
        Our notes that may still sound, the last one among them at the end.
    others
        The player's that may still sound, in order.
    coming
        The player's next notes where they are known, in order.
    left
        The player's that sounded until the last strike of those that were known.
    """

    last: int = NOBODY
    own: tuple[PartNote, ...] = ()
    others: tuple[PartNote, ...] = ()
    coming: tuple[PartNote, ...] = ()
    left: tuple[PartNote, ...] = ()

    def heard(self, strike: PartNote) -> Company:
        """Return the company after a note of the player; it is no longer to come."""
        others = tuple(one for one in self.others if one.end > strike.start)
        coming, left = self.coming, self.left
        if coming and coming[0] == strike:
            coming = coming[1:]
            if not any(one.start == strike.start for one in others):
                left = tuple(one for one in self.others if one.end >= strike.start)
        return replace(self, last=PLAYER, others=(*others, strike), coming=coming, left=left)

    def played(self, strike: PartNote) -> Company:
        """Return the company after a note of our own."""
        own = tuple(one for one in self.own if one.end > strike.start or one.start == strike.start)
        return replace(self, last=OWN, own=(*own, strike))

    def sounding(self, tick: int) -> set[int]:
        """Return the pitches that sound at a tick, of both, and those known to come at once."""
        heard = {one.pitch for one in (*self.own, *self.others) if one.end > tick}
        return heard | {one.pitch for one in self.coming if one.start < tick + _AT_ONCE}

    def side_by_side(self, tick: int) -> int | None:
        """Return where our highest voice would move in fifths or octaves with the player's.

        Returns
        -------
        int or None
            A pitch class; None where there is none, or where what the player plays is not known
            ahead: who improvises does not mind it.
        """
        struck = [one.pitch for one in self.others if one.start == tick]
        ours = [one.pitch for one in self.own if one.start < tick <= one.end]
        if not (struck and ours and self.left) or any(one.start == tick for one in self.own):
            return None
        top, before, now = max(ours), max(one.pitch for one in self.left), max(struck)
        is_perfect = abs(top - before) % 12 in PERFECT
        return (now + top - before) % 12 if is_perfect and before != now else None

    def role_columns(self, history: History) -> tuple[int, ...]:
        """Return what the recurrent part is told beside `note_lstm.features.note_columns`."""
        if not self.own:
            return (self.last, _NONE, _TIMES)
        since = history.last_start - self.own[-1].start
        return (self.last, _near(self.own[-1].pitch - history.last_pitch), _time(since))

    def columns(self, tick: int, last_pitch: int) -> tuple[int, ...]:
        """Return what the heads are told about both, as of a tick; shape `COMPANY_COLUMNS`.

        Parameters
        ----------
        tick
            Where the next note of ours may start.
        last_pitch
            What pitches are counted from: the last note's, whoever played it.
        """
        sounding = [one.pitch - last_pitch for one in self.others if one.end > tick]
        strikes = any(one.start == tick for one in self.others)
        ahead: list[int] = []
        for one in _strikes_after(self.coming, tick):
            ahead += [_time(one.start - tick), _near(one.pitch - last_pitch)]
        ahead += [_TIMES, _NONE] * (AHEAD - len(ahead) // 2)
        return (
            _near(self.own[-1].pitch - last_pitch) if self.own else _NONE,
            min(sum(one.start == tick for one in self.own), _RANKS - 1),
            min(sum(one.end > tick for one in self.own), _RANKS - 1),
            _near(max(sounding)) if sounding else _NONE,
            _near(min(sounding)) if sounding else _NONE,
            int(strikes),
            *ahead,
        )


def asked_columns(
    conditions: Conditions, last_pitch: int, loudness: int | None, voices: int | None
) -> tuple[int, ...]:
    """Return the rows of what is asked, shape `ASKED_COLUMNS`.

    Parameters
    ----------
    loudness
        About how loud, velocity 1-127.
    voices
        How many notes of ours at once, 1-8.
    """
    asked = condition_columns(conditions, last_pitch).tolist()
    loud = 0 if loudness is None else 1 + min(max(loudness, 0), 127) // 16
    return (*asked, loud, 0 if voices is None else min(max(voices, 1), _VOICES - 1))


def _strikes_after(coming: Sequence[PartNote], tick: int) -> list[PartNote]:
    """Return the next strikes after a tick, of chords the highest note."""
    found: list[PartNote] = []
    for one in coming:
        if one.start <= tick:
            continue
        if found and found[-1].start == one.start:
            if one.pitch > found[-1].pitch:
                found[-1] = one
        elif len(found) == AHEAD:
            break
        else:
            found.append(one)
    return found


def _near(semitones: int) -> int:
    return min(max(semitones, -_NEAR), _NEAR) + _NEAR


def _time(ticks: int) -> int:
    return min(max(ticks, 0), _TIMES - 1)
