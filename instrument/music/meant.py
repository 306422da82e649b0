"""What was meant by what was played: between human hands and every composer.

In: notes as somebody played them, never quite on time and let go too soon. Out: the notes of a
score, which is all that the networks have ever read; and the player's *feel*, which is given back
to what they answer. `Ear` hears note after note, live; `hear_phrase` hears a whole phrase.

Strikes go to the nearest sixteenth or triplet, sixteenths a little sooner; lengths to the nearest
note value. An off-beat that keeps coming late is swing, no triplet and no mistake.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, replace
from itertools import pairwise

from instrument.music.constraints import DENSITIES, Key
from instrument.music.likely_key import likely_key
from instrument.music.note import Note, Phrase, Track

NOTE_VALUES = (1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Lengths that are written, beats."""
_EDGES = tuple(math.sqrt(a * b) for a, b in pairwise(NOTE_VALUES))
_HELD = 1.1  # keys are let go before the value is over
_FAVOUR_BEATS = 0.03  # a sixteenth may be so much farther away than a triplet
CHORD_BEATS = 0.08
"""Strikes that are nearer to each other are one chord."""
_SWUNG = (0.56, 0.70)
_THIRD = (0.28, 0.40)
_SURE = 2  # swung off-beats in a row that are no accident
_MOST_SURE = 6
_REMEMBERED = 16
_FARTHEST_PUSH_BEATS = 0.08
_SCORE_BEATS = 0.005
_GRID = 24
_PHRASE_NOTES = 128
_OFTEN = 0.25
_CURVE_WIDTH = 0.08  # of the phrase: how finely its dynamics are followed


def meant_start(beats: float) -> float:
    """Return the sixteenth or triplet that a strike was meant for."""
    sixteenth, triplet = round(beats * 4.0) / 4.0, round(beats * 3.0) / 3.0
    is_sixteenth = abs(beats - sixteenth) <= abs(beats - triplet) + _FAVOUR_BEATS
    return sixteenth if is_sixteenth else triplet


def meant_length(beats: float) -> float:
    """Return the note value that a key was held for, nearest in proportion."""
    return NOTE_VALUES[bisect_left(_EDGES, _HELD * beats)]


@dataclass(frozen=True, slots=True)
class Feel:
    """How somebody plays what is written.

    Attributes
    ----------
    swing
        Where in the beat its second half begins, 0.5 (straight) to 0.7.
    push_beats
        How much later than written strikes come; negative: sooner.
    """

    swing: float = 0.5
    push_beats: float = 0.0

    def played(self, beats: float) -> float:
        """Return when something written is played."""
        beat, part = divmod(beats, 1.0)
        half = 2.0 * self.swing * part
        if part > 0.5:
            half = self.swing + 2.0 * (1.0 - self.swing) * (part - 0.5)
        return max(0.0, beat + half + self.push_beats)

    def written(self, beats: float) -> float:
        """Return where on the page a moment lies; undoes `played`."""
        beat, part = divmod(beats - self.push_beats, 1.0)
        half = part / (2.0 * self.swing)
        if part > self.swing:
            half = 0.5 + (part - self.swing) / (2.0 * (1.0 - self.swing))
        return beat + half


STRAIGHT = Feel()


class Ear:
    """Hears what is meant, note after note, and how it is played.

    Parameters
    ----------
    best_key_alone
        See `instrument.music.likely_key.likely_key`.

    Attributes
    ----------
    feel
        Of the last notes.
    phrase
        The last notes as they were meant, with the velocities that they were played with.
    """

    def __init__(self, *, best_key_alone: bool = False) -> None:
        self._best_key_alone = best_key_alone
        self.feel = STRAIGHT
        self.phrase: deque[Note] = deque(maxlen=_PHRASE_NOTES)
        self._swung = 0  # how sure it is that off-beats are swung
        self._offbeats: deque[float] = deque(maxlen=_REMEMBERED)
        self._late: deque[float] = deque(maxlen=_REMEMBERED)
        self._struck = self._written = -math.inf

    @classmethod
    def of(cls, score: Phrase) -> Ear:
        """Return an ear that has heard a written phrase."""
        ear = cls()
        ear.phrase.extend(
            note for track in score.tracks if not track.is_drum for note in track.notes
        )
        return ear

    def hear(self, note: Note) -> Note:
        """Return what was meant by the next note; notes come in order of their start."""
        if 0.0 <= note.start_beats - self._struck < CHORD_BEATS:
            start = self._written
        else:
            self._watch(note.start_beats)
            start = max(0.0, meant_start(self.feel.written(note.start_beats)))
            self._struck, self._written = note.start_beats, start
            self._note_lateness(note.start_beats, start)
        heard = replace(note, start_beats=start, length_beats=self._length(note))
        self.phrase.append(heard)
        return heard

    def meant(self, note: Note) -> Note:
        """Return what is meant by a note in the present feel; nothing is learned from it."""
        start = max(0.0, meant_start(self.feel.written(note.start_beats)))
        return replace(note, start_beats=start, length_beats=self._length(note))

    def begin_phrase(self) -> None:
        """Forget the notes of the last phrase, but not how they were played."""
        self.phrase.clear()
        self._struck = self._written = -math.inf

    def density(self) -> float | None:
        """Return the phrase's notes per beat, in `DENSITIES`; None before there are two."""
        if len(self.phrase) < 2:
            return None
        first = min(note.start_beats for note in self.phrase)
        last = max(note.end_beats for note in self.phrase)
        found = len(self.phrase) / max(1.0, math.ceil(last - first - 0.25))
        return min(DENSITIES[1], max(DENSITIES[0], found))

    def register(self) -> tuple[int, int] | None:
        """Return the phrase's lowest and highest pitch."""
        pitches = [note.pitch for note in self.phrase]
        return (min(pitches), max(pitches)) if pitches else None

    def voices(self) -> int:
        """Return how many notes the phrase strikes at once, if it does so often; else 1."""
        together = Counter(note.start_beats for note in self.phrase)
        chords = [count for count in together.values() if count > 1]
        return max(chords) if len(chords) > _OFTEN * len(together) else 1

    def loudness(self) -> int | None:
        """Return the phrase's mean velocity."""
        if not self.phrase:
            return None
        return round(sum(note.velocity for note in self.phrase) / len(self.phrase))

    def key(self) -> Key | None:
        """Return the key that the last notes are in, if there is one."""
        return likely_key(self.phrase, best_alone=self._best_key_alone)

    def velocity_at(self, share: float) -> float:
        """Return how much louder than on average the phrase was, at 0 to 1 of its length."""
        if len(self.phrase) < 2:
            return 0.0
        first = self.phrase[0].start_beats
        length = max(1e-3, self.phrase[-1].start_beats - first)
        weights = [
            math.exp(-0.5 * (((n.start_beats - first) / length - share) / _CURVE_WIDTH) ** 2)
            for n in self.phrase
        ]
        mean = sum(note.velocity for note in self.phrase) / len(self.phrase)
        near = zip(weights, self.phrase, strict=True)
        return sum(w * (n.velocity - mean) for w, n in near) / max(sum(weights), 1e-9)

    def _watch(self, beats: float) -> None:
        """Learn from where in the beat a strike falls whether off-beats are swung."""
        part = (beats - self.feel.push_beats) % 1.0
        is_half, is_swung = 0.44 < part < _SWUNG[0], _SWUNG[0] <= part < _SWUNG[1]
        if is_swung:
            self._swung = min(self._swung + 1, _MOST_SURE)
        elif is_half or _THIRD[0] < part < _THIRD[1]:
            self._swung = max(self._swung - 1, 0)
        if is_half or is_swung:
            self._offbeats.append(part)
        swing = 0.5
        if self._swung >= _SURE:
            late = [part for part in self._offbeats if part >= _SWUNG[0]]
            swing = sum(late) / max(1, len(late)) if late else 0.5
        self.feel = replace(self.feel, swing=swing)

    def _note_lateness(self, played: float, written: float) -> None:
        straight = Feel(self.feel.swing)
        self._late.append(played - straight.played(written))
        some = len(self._late)
        # A few strikes say little: their mean counts by how many there are.
        push = sum(self._late) / some * some / (some + 6.0)
        push = min(max(push, -_FARTHEST_PUSH_BEATS), _FARTHEST_PUSH_BEATS)
        self.feel = replace(self.feel, push_beats=push)

    def _length(self, note: Note) -> float:
        if self.feel.swing == 0.5:
            return meant_length(note.length_beats)
        length = self.feel.written(note.end_beats) - self.feel.written(note.start_beats)
        return meant_length(max(length, 1e-3))


def is_score(phrase: Phrase) -> bool:
    """Tell whether a phrase is written rather than played: all of it on the grid."""
    return all(
        abs(beats * _GRID - round(beats * _GRID)) <= _SCORE_BEATS * _GRID
        for track in phrase.tracks
        for note in track.notes
        for beats in (note.start_beats, note.length_beats)
    )


def hear_phrase(phrase: Phrase) -> tuple[Phrase, Feel]:
    """Return what a phrase means, and its feel; a score means itself."""
    if is_score(phrase):
        return phrase, STRAIGHT
    ear = Ear()
    for note in phrase.notes:  # all voices say where the beat is
        ear.hear(note)
    tracks = tuple(
        track if track.is_drum else replace(track, notes=_meant(track, ear))
        for track in phrase.tracks
    )
    last = max((t.notes[-1].start_beats for t in tracks if t.notes), default=0.0)
    return replace(phrase, tracks=tracks, length_beats=max(phrase.length_beats, last)), ear.feel


def given_back(phrase: Phrase, feel: Feel) -> Phrase:
    """Play what is written with a feel."""
    if feel == STRAIGHT:
        return phrase
    tracks = tuple(
        replace(track, notes=tuple(played(note, feel) for note in track.notes))
        for track in phrase.tracks
    )
    last = max((t.notes[-1].start_beats for t in tracks if t.notes), default=0.0)
    return replace(phrase, tracks=tracks, length_beats=max(phrase.length_beats, last))


def played(note: Note, feel: Feel) -> Note:
    """Play a written note with a feel."""
    start = feel.played(note.start_beats)
    return replace(
        note, start_beats=start, length_beats=max(1e-3, feel.played(note.end_beats) - start)
    )


def _meant(track: Track, ear: Ear) -> tuple[Note, ...]:
    return tuple(ear.meant(note) for note in track.notes)
