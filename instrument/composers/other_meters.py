"""Composers that know bars of one length, played in bars of any.

In: a composer of bars of four beats, say, and a phrase in whatever meters. Out: what it makes of
the phrase when each bar lies at the beginning of one of its own, what sounds at the end held until
its own bar line; what it adds behind that end is left out. A bar longer than its own is cut into
equal parts: 12/8 is heard as two bars of three beats.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instrument.composers.continuer import continuation
from instrument.composers.protocols import Composer
from instrument.errors import check_whole
from instrument.music.constraints import MOST_BARS, Constraints
from instrument.music.note import Meter, Note, Phrase, Track

_NEARLY = 1e-6


@dataclass(frozen=True, slots=True)
class _Piece:
    """A bar, or a part of one, in beats, and where the composer's bar begins that holds it."""

    start: float
    end: float
    inner_start: float
    inner_end: float


class OtherMeters:
    """A composer of bars of one length, in bars of any.

    Parameters
    ----------
    inner
        Makes phrases in bars of `bar_beats`.
    bar_beats
        Quarter notes, a whole number.
    """

    def __init__(self, inner: Composer, bar_beats: float) -> None:
        self._inner, self._bar_beats = inner, bar_beats

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        """Go on in the bars that hold at the end; see `Continuer.continue_phrase`.

        Parameters
        ----------
        length_beats
            How much follows, quarter notes.
        """
        if self._knows(phrase):
            return self._inner.continue_phrase(phrase, length_beats, controls, seed)
        parts = self._parts(continuation(phrase, (), length_beats))
        room = parts[-1].inner_end
        made = self._inner.continue_phrase(self._heard(phrase), room, controls, seed)
        return continuation(phrase, _back(made.tracks, parts), length_beats)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Make bars; see `BarGenerator.generate`. From nothing they are the composer's own."""
        check_whole("bars", bars, 1, MOST_BARS)
        if condition is None and previous is not None and not self._knows(previous):
            length = bars * previous.meter_at(previous.length_beats).bar_beats
            return self.continue_phrase(previous, length, controls, seed)
        if condition is None or self._knows(condition):
            return self._inner.generate(bars, seed, controls, condition, previous)
        heard = self._heard(condition)
        bars = math.ceil(heard.length_beats / self._bar_beats)
        made = self._inner.generate(bars, seed, controls, heard)
        return replace(condition, tracks=_back(made.tracks, self._parts(condition)))

    def _knows(self, phrase: Phrase) -> bool:
        return all(meter.bar_beats == self._bar_beats for meter in phrase.meters) and all(
            phrase.beat_phase(meter.start_beats) == 0.0 for meter in phrase.meters[1:]
        )

    def _heard(self, phrase: Phrase) -> Phrase:
        """Lay a phrase out in the composer's bars."""
        parts = self._parts(phrase)
        tracks = tuple(replace(track, notes=_laid_out(track, parts)) for track in phrase.tracks)
        first = parts[0].inner_end if phrase.beat_phase(0.0) else 0.0
        meter = Meter(0.0, round(self._bar_beats), 4)
        return Phrase(tracks, parts[-1].inner_end, phrase.tempos[:1], (meter,), first)

    def _parts(self, phrase: Phrase) -> list[_Piece]:
        """Cut a phrase at its bar lines, and longer bars into equal parts."""
        parts: list[_Piece] = []
        at, inner = 0.0, 0.0
        while at < phrase.length_beats - _NEARLY or not parts:
            bar = phrase.meter_at(at).bar_beats
            part = bar / math.ceil(bar / self._bar_beats - _NEARLY)
            gone = phrase.beat_phase(at) % part
            gone = 0.0 if part - gone < _NEARLY else gone
            end = min([at + part - gone, *_changes_after(phrase, at)])
            inner_end = inner + self._bar_beats - gone
            parts.append(_Piece(at, end, inner, inner_end))
            at, inner = end, inner_end
        return parts


def _changes_after(phrase: Phrase, beats: float) -> list[float]:
    return [m.start_beats for m in phrase.meters if m.start_beats > beats + _NEARLY]


def _laid_out(track: Track, parts: Sequence[_Piece]) -> tuple[Note, ...]:
    """Return notes in the composer's time; what reaches a bar line there reaches it here."""
    starts = [part.start for part in parts]
    notes = []
    for note in track.notes:
        first = parts[_at(starts, note.start_beats)]
        last = parts[_at(starts, note.end_beats - 2 * _NEARLY)]
        start = first.inner_start + max(0.0, note.start_beats - first.start)
        is_to_the_line = note.end_beats > last.end - _NEARLY
        end = last.inner_end if is_to_the_line else last.inner_start + note.end_beats - last.start
        notes.append(replace(note, start_beats=start, length_beats=end - start))
    return tuple(notes)


def _back(tracks: Sequence[Track], parts: Sequence[_Piece]) -> tuple[Track, ...]:
    """Return tracks in the phrase's own time, without what begins where it has none."""
    starts = [part.inner_start for part in parts]
    moved = []
    for track in tracks:
        notes = []
        for note in track.notes:
            first = parts[_at(starts, note.start_beats)]
            last = parts[_at(starts, note.end_beats - 2 * _NEARLY)]
            start = first.start + note.start_beats - first.inner_start
            end = min(last.start + note.end_beats - last.inner_start, last.end)
            if start < first.end - _NEARLY and end > start:
                notes.append(replace(note, start_beats=start, length_beats=end - start))
        moved.append(replace(track, notes=tuple(notes)))
    return tuple(moved)


def _at(starts: Sequence[float], beats: float) -> int:
    return max(0, bisect_right(starts, beats + _NEARLY) - 1)
