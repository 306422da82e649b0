"""Whether voices fit each other.

In: phrases. Out: shares. *Clashes*: beats on which two sounding notes are a semitone apart, in
whatever octave. *Named chords*: beats of three and more pitch classes that all belong to one triad
or seventh chord. *Fifths*: of the steps of two voices that move at once, those in parallel
fifths. *Frozen*: pieces in which one chord sounds on for two bars and more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from instrument.composers.continuer import pitched_notes
from instrument.music.note import Phrase, Track

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
    fifths
        Among all pairs of tracks that move at once; NaN without such a pair.
    frozen
        Share of phrases.
    """

    clashes: float
    named: float
    chords: int
    beats: int
    fifths: float
    frozen: float


def harmony_of(phrases: Sequence[Phrase]) -> Harmony:
    """Measure all beats of all phrases together."""
    moments = [pitches for phrase in phrases for pitches in on_beats(phrase)]
    together = [pitches for pitches in moments if len(pitches) > 1]
    classes = [frozenset(pitch % 12 for pitch in pitches) for pitches in together]
    chords = [found for found in classes if len(found) > 2]
    clashes = [_clashes(pitches) for pitches in together]
    named = [any(found <= chord for chord in NAMED) for found in chords]
    fifths = [found for phrase in phrases for found in _parallel_fifths(phrase)]
    frozen = [_is_frozen(phrase) for phrase in phrases]
    return Harmony(
        _share(clashes), _share(named), len(chords), len(together), _share(fifths),
        _share(frozen),
    )  # fmt: skip


def on_beats(phrase: Phrase) -> Iterator[frozenset[int]]:
    """Return what sounds on each beat, a quarter note, counted from the bar lines."""
    notes = pitched_notes(phrase)
    first = phrase.pickup_beats % 1.0
    for number in range(math.ceil(phrase.length_beats - first - _SOON)):
        beat = first + number + _SOON
        yield frozenset(n.pitch for n in notes if n.start_beats <= beat < n.end_beats - _SOON)


def _parallel_fifths(phrase: Phrase) -> Iterator[bool]:
    """Go through the steps, from what sounds to what next begins, of all pairs of tracks."""
    lines = [_line(track) for track in phrase.tracks if track.notes and not track.is_drum]
    for upper, lower in combinations(lines, 2):
        moments = sorted({*upper, *lower})
        now: tuple[int, int] | None = None
        a = b = -1
        for moment in moments:
            a, b = upper.get(moment, a), lower.get(moment, b)
            if now is not None and a >= 0 <= b and a != now[0] and b != now[1]:
                yield abs(a - b) % 12 == 7 == abs(now[0] - now[1]) % 12
            now = (a, b) if a >= 0 <= b else None


def _line(track: Track) -> dict[float, int]:
    """Return the highest pitch from each moment on at which something begins; -1: it rests."""
    line: dict[float, int] = {}
    ends = 0.0
    for note in track.notes:
        start = round(note.start_beats, 4)
        if start > ends + 1e-3:
            line[round(ends, 4)] = -1
        line[start] = note.pitch  # in order of pitch: the highest stays
        ends = max(ends, note.end_beats)
    line[round(ends, 4)] = -1
    return line


def _is_frozen(phrase: Phrase) -> bool:
    """Tell whether nothing at all begins for two bars while something sounds."""
    starts = [0.0, *sorted({n.start_beats for n in pitched_notes(phrase)}), phrase.length_beats]
    longest = max((b - a for a, b in pairwise(starts)), default=0.0)
    return longest >= 2.0 * phrase.bar_beats - _SOON


def _clashes(pitches: frozenset[int]) -> bool:
    return any((a - b) % 12 in (1, 11) for a, b in combinations(pitches, 2))


def _share(found: Sequence[bool]) -> float:
    return float(np.mean(found)) if found else math.nan
