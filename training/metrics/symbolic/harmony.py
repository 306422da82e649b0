"""Whether voices fit each other.

In: phrases. Out: shares. *Clashes*: beats on which two sounding notes are a semitone apart, in
whatever octave. *Named chords*: beats of three and more pitch classes that all belong to one triad
or seventh chord.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from instrument.composers.continuer import pitched_notes
from instrument.music.note import Phrase

_CHORDS = (
    (0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8), (0, 5, 7), (0, 4, 7, 10), (0, 4, 7, 11),
    (0, 3, 7, 10), (0, 3, 6, 10), (0, 3, 6, 9), (0, 4, 7, 9),
)  # fmt: skip
NAMED = frozenset(
    frozenset((root + step) % 12 for step in chord) for root in range(12) for chord in _CHORDS
)
_SOON = 1e-6


@dataclass(frozen=True, slots=True)
class Harmony:
    """What beats sound like; shares of the beats that could, and how many those were.

    Attributes
    ----------
    clashes, named
        NaN where there was no such beat.
    chords
        Beats with three pitch classes and more.
    beats
        Beats with two notes and more.
    """

    clashes: float
    named: float
    chords: int
    beats: int


def harmony_of(phrases: Sequence[Phrase]) -> Harmony:
    """Measure all beats of all phrases together."""
    moments = [pitches for phrase in phrases for pitches in on_beats(phrase)]
    together = [pitches for pitches in moments if len(pitches) > 1]
    classes = [frozenset(pitch % 12 for pitch in pitches) for pitches in together]
    chords = [found for found in classes if len(found) > 2]
    clashes = [_clashes(pitches) for pitches in together]
    named = [any(found <= chord for chord in NAMED) for found in chords]
    return Harmony(_share(clashes), _share(named), len(chords), len(together))


def on_beats(phrase: Phrase) -> Iterator[frozenset[int]]:
    """Return what sounds on each beat, a quarter note, counted from the bar lines."""
    notes = pitched_notes(phrase)
    first = phrase.pickup_beats % 1.0
    for number in range(math.ceil(phrase.length_beats - first - _SOON)):
        beat = first + number + _SOON
        yield frozenset(n.pitch for n in notes if n.start_beats <= beat < n.end_beats - _SOON)


def _clashes(pitches: frozenset[int]) -> bool:
    return any((a - b) % 12 in (1, 11) for a, b in combinations(pitches, 2))


def _share(found: Sequence[bool]) -> float:
    return float(np.mean(found)) if found else math.nan
