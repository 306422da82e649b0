"""What was copied: the longest run of notes that a generated phrase shares with the training music.

In: phrases. Out: run lengths in notes. Two runs are the same if their intervals and the times
between their starts (in ticks of 1/24 beat) are the same, so a copy in another key is a copy. Each
track is compared alone, simultaneous notes from high to low.

Runs of one length are compared by 64-bit hashes of all windows at once, and the longest length by
bisection, because a copy of n notes contains one of n - 1. What the hashes find is then compared
note by note.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.music.note import Phrase, Track
from instrument.music.note_tuples import GRID

LONG_RUN, NEAR_SHARE = 9, 0.35
"""A piece is nearly one of the training pieces if so much of it lies in runs of so many notes."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_TICKS = 1 << 24
_ALONE = -(1 << 40)  # below every step: marks, each different, that no run reaches across

Steps = NDArray[np.int64]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Copy:
    """The longest run shared.

    Attributes
    ----------
    notes
        Its length; 1 when not even two notes agree, 0 without notes.
    source
        The training phrase's number; -1 without a run.
    first_note
        Where it begins in the generated track, and in which of its `track`.
    """

    notes: int
    source: int = -1
    track: int = -1
    first_note: int = -1


class TrainingMusic:
    """Everything that could have been copied.

    Parameters
    ----------
    phrases
        The training phrases; 350 000 notes take a second.
    """

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        parts: list[Steps] = []
        sources: list[Steps] = []
        for number, phrase in enumerate(phrases):
            for track in phrase.tracks:
                steps = steps_of(track)
                parts += [steps, np.array([_ALONE - len(parts)])]
                sources.append(np.full(len(steps) + 1, number))
        self._steps = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        self._sources = np.concatenate(sources) if sources else np.zeros(0, np.int64)
        self._sums = _prefix_sums(self._steps)
        self._windows: dict[int, tuple[Hashes, Steps]] = {}

    def longest_copy(self, phrase: Phrase) -> Copy:
        """Find the longest run of a phrase that is in the training music."""
        copies = [
            self._of_track(steps_of(track), number)
            for number, track in enumerate(phrase.tracks)
            if track.notes and not track.is_drum
        ]
        return max(copies, key=lambda copy: copy.notes, default=Copy(0))

    def shared(self, phrase: Phrase, run: int = LONG_RUN) -> float:
        """Return which share of a phrase's notes lies in long runs of the training music, 0 to 1.

        Parameters
        ----------
        run
            Notes of which a run is long.
        """
        known, _ = self._sorted_windows(run - 1)
        common = count = 0
        for track in phrase.tracks:
            steps = steps_of(track)
            is_common = np.zeros(len(track.notes), np.bool_)
            if len(known) and len(steps) >= run - 1:
                asked = _window_hashes(_prefix_sums(steps), run - 1)
                at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
                for first in np.flatnonzero(known[at] == asked):
                    is_common[first : first + run] = True
            common, count = common + int(is_common.sum()), count + len(is_common)
        return common / max(1, count)

    def _of_track(self, steps: Steps, track: int) -> Copy:
        sums = _prefix_sums(steps)
        least, most, best = 0, len(steps), Copy(1, track=track)
        while least < most:
            length = (least + most + 1) // 2
            found = self._find(steps, sums, length)
            if found is None:
                most = length - 1
            else:
                least = length
                first, place = found
                best = Copy(length + 1, int(self._sources[place]), track, first)
        return best

    def _find(self, steps: Steps, sums: Hashes, length: int) -> tuple[int, int] | None:
        """Return where a window is in the phrase and where in the training music."""
        known, places = self._sorted_windows(length)
        if not len(known):
            return None
        asked = _window_hashes(sums, length)
        at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        for first in np.flatnonzero(known[at] == asked):
            place = int(places[at[first]])
            if np.array_equal(self._steps[place : place + length], steps[first : first + length]):
                return int(first), place
        return None

    def _sorted_windows(self, length: int) -> tuple[Hashes, Steps]:
        if length not in self._windows:
            hashes = _window_hashes(self._sums, length)
            order = np.argsort(hashes, kind="stable")
            self._windows[length] = (hashes[order], order)
        return self._windows[length]


def steps_of(track: Track) -> Steps:
    """Return the steps from note to note: interval and ticks in one number, shape (n - 1,)."""
    notes = sorted(track.notes, key=lambda note: (note.start_beats, -note.pitch))
    pitches = np.array([note.pitch for note in notes], np.int64)
    ticks = np.array([round(note.start_beats * GRID) for note in notes], np.int64)
    return np.asarray(np.diff(pitches) * _TICKS + np.diff(ticks))


def _prefix_sums(steps: Steps) -> Hashes:
    """Return s[0] = 0, s[n + 1] = s[n] * m + scrambled step n, modulo 2^64."""
    values = (steps.astype(np.uint64) + np.uint64(1)) * _MIX
    values ^= values >> np.uint64(31)
    values = (values * _MULTIPLIER) ^ (values >> np.uint64(27))
    # s[n] = m^n * sum of value[k] / m^(k+1): m is odd, so it has an inverse modulo 2^64.
    inverse = np.uint64(pow(int(_MULTIPLIER), -1, 1 << 64))
    down = _powers(inverse, len(values) + 1)[1:]
    totals = np.cumsum(values * down, dtype=np.uint64)
    return np.concatenate(
        [np.zeros(1, np.uint64), totals * _powers(_MULTIPLIER, len(values) + 1)[1:]]
    )


def _window_hashes(sums: Hashes, length: int) -> Hashes:
    power = np.uint64(pow(int(_MULTIPLIER), length, 1 << 64))
    return sums[length:] - sums[:-length] * power


def _powers(base: np.uint64, count: int) -> Hashes:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)
