"""What two phrases have in common: their rhythm, and their turns of pitch.

In: phrases, or their notes. Out: shares, 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from instrument.music.note import Note, Phrase

Shares = dict[tuple[float, float], float]
_GRID = (1.0 / 4.0, 1.0 / 3.0)
_AS_LIKE = 0.9, 0.5  # about the medians of 80 tunes, 4 bars beside the 4 before: 0.86 and 0.47


def rhythm(notes: Sequence[Note], bar_beats: float) -> Shares:
    """Return how often strikes come at a place in the bar and so long before the next one.

    Parameters
    ----------
    notes
        Counted from a bar line.
    bar_beats
        Quarter notes in a bar.
    """
    strikes = sorted({nearest_place(note.start_beats) for note in notes})
    found = Counter(
        (round(one % bar_beats, 3), round(next_one - one, 3)) for one, next_one in pairwise(strikes)
    )
    total = found.total() or 1
    return {what: count / total for what, count in found.items()}


def overlap(one: Shares, other: Shares) -> float:
    """Return what two distributions have in common, 0 to 1."""
    return sum(min(share, other.get(what, 0.0)) for what, share in one.items())


def rhythm_likeness(prompt: Phrase, answer: Phrase) -> float:
    """Return what two rhythms have in common, 0 to 1; both begin at bar lines."""
    bar = prompt.bar_beats
    return overlap(rhythm(_pitched(prompt), bar), rhythm(_pitched(answer), bar))


def turns_likeness(prompt: Phrase, answer: Phrase) -> float:
    """Return the share of the answer's three successive pitches that the prompt has, too."""
    known, made = set(_threes(prompt)), _threes(answer)
    return sum(turn in known for turn in made) / max(1, len(made))


def likeness(prompt: Phrase, then: Phrase) -> float:
    """Return what a continuation has in common with its prompt, 0 to 1.4.

    Its rhythm and its turns count, as what tells an answer from an answer to somebody else. Nothing
    is gained by having more in common than tunes have with their own beginnings: a copy.
    """
    rhythms, turns = rhythm_likeness(prompt, then), turns_likeness(prompt, then)
    return min(rhythms, _AS_LIKE[0]) + min(turns, _AS_LIKE[1])


def nearest_place(beats: float) -> float:
    """Return the nearest sixteenth or triplet."""
    places = np.array([round(beats / step) * step for step in _GRID])
    return round(float(places[np.abs(places - beats).argmin()]), 3)


def _pitched(phrase: Phrase) -> tuple[Note, ...]:
    """Return the notes of all tracks that are no drums, in order."""
    notes = [note for track in phrase.tracks if not track.is_drum for note in track.notes]
    return tuple(sorted(notes))


def _threes(phrase: Phrase) -> list[tuple[int, ...]]:
    notes = sorted(_pitched(phrase), key=lambda note: (note.start_beats, -note.pitch))
    pitches = [note.pitch for note in notes]
    return [(*pair, third) for pair, third in zip(pairwise(pitches), pitches[2:], strict=False)]
