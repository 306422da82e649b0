"""A composer without a network: it counts what followed what, and learns from the player at once.

In: notes. Out: the next note, drawn in the order shift (ticks to its start), pitch, duration, like
the note-tuple networks; so their likelihoods can be compared. An empty model plays small steps in
the scale it hears, in common note values. Everything is relative to the last note: what was learned
in one key is known in all. It is there even where no model is installed, and it is the bar that
every network must clear.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.composers.ngram.contexts import (
    INTERVALS,
    Glance,
    duration_contexts,
    duration_prior,
    pitch_contexts,
    pitch_prior,
    possible_intervals,
    shift_contexts,
    shift_prior,
)
from instrument.composers.ngram.skip_ngram import NgramMixture, Probabilities, best_weights
from instrument.composers.note_history import History, Onset
from instrument.music.constraints import Constraints
from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import DURATIONS, GRID, SHIFTS, tuples_of
from instrument.music.pitch import PITCHES
from instrument.music.sampling import draw

PARTS = ("shift", "pitch", "duration")
# Between what suits the validation pieces of the tune books and of the chorales.
_SHIFT_WEIGHTS = (0.20, 0.18, 0.62)
_PITCH_WEIGHTS = (0.12, 0.12, 0.15, 0.05, 0.12, 0.06, 0.08, 0.30)
_DURATION_WEIGHTS = (0.21, 0.11, 0.21, 0.30, 0.10, 0.07)
_BASE_VELOCITY = 80


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted, for each of the three numbers of a note."""

    shift: NgramMixture
    pitch: NgramMixture
    duration: NgramMixture

    @classmethod
    def empty(cls, caution: float) -> Counts:
        """Begin with nothing."""
        return cls(
            NgramMixture(SHIFTS, _SHIFT_WEIGHTS, caution),
            NgramMixture(INTERVALS, _PITCH_WEIGHTS, caution, shortest=1),
            NgramMixture(DURATIONS, _DURATION_WEIGHTS, caution),
        )

    def layer(self, remembers: int) -> Counts:
        """Return counts that add to these and leave them as they are."""
        shift, pitch, duration = self.shift, self.pitch, self.duration
        return Counts(shift.layer(remembers), pitch.layer(remembers), duration.layer(remembers))


@dataclass(frozen=True, slots=True)
class NgramState:
    """A moment in a piece.

    Attributes
    ----------
    history
        The notes so far.
    velocity
        About how loud they were, 1-127.
    counts
        What is known and what this piece has added; shared by all states of the piece, so that
        going back forgets no lesson.
    """

    history: History
    velocity: float
    counts: Counts


class NgramModel:
    """A `instrument.composers.continuer.NoteModel` of counts.

    Each piece learns for itself: `begin` adds an empty layer, and `feed` writes into it. What
    should be known in every piece goes through `learn`. One thread at a time.

    Parameters
    ----------
    caution
        See `instrument.composers.ngram.skip_ngram.SkipNgram`.
    heard_weight
        How often a note of the piece at hand counts, in notes of `learn`; 0 learns nothing.
    remembers
        Of the piece at hand so many notes count at least, and twice as many at most.
    """

    def __init__(
        self, caution: float = 2.0, heard_weight: float = 2.0, remembers: int = sys.maxsize
    ) -> None:
        self.heard_weight, self._remembers = heard_weight, remembers
        self._known = Counts.empty(caution)

    def begin(self, bar_beats: float, pickup_beats: float) -> NgramState:
        """Return the state before the first note; see `NoteModel.begin`.

        Parameters
        ----------
        bar_beats
            Quarter notes in a bar.
        pickup_beats
            Quarter notes before the first bar line.
        """
        history = History.begin(bar_beats, pickup_beats)
        return NgramState(history, _BASE_VELOCITY, self._known.layer(self._remembers))

    def feed(self, state: NgramState, note: Note) -> NgramState:
        """Learn a note that was played and go on to the state after it; about 0.2 ms."""
        spelled = _spelled(state.history, note)
        onset = state.history.onset(spelled[0])
        self._hear(state, onset, spelled)
        return _after(state, onset, spelled, note.velocity)

    def follow(self, state: NgramState, note: Note) -> NgramState:
        """Go on to the state after a note and learn nothing: it was our own."""
        spelled = _spelled(state.history, note)
        return _after(state, state.history.onset(spelled[0]), spelled, note.velocity)

    def draw(
        self, state: NgramState, controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, NgramState]:
        """Make the next note; nothing is learned from it. See `NoteModel.draw`."""
        history, opinion = state.history, _Opinion(state.counts, state.history)
        soonest = round(controls.earliest_beats * GRID) - history.last_start
        allowed = np.arange(SHIFTS) >= min(max(soonest, 0), SHIFTS - 1)
        shift = max(_draw(opinion.shift(), random, controls, allowed), soonest)
        onset = history.onset(shift)
        pitch = self._draw_pitch(opinion, onset, controls, random)
        longest = _longest(controls)
        allowed = np.arange(DURATIONS) < longest
        duration = 1 + _draw(opinion.duration(onset, pitch), random, controls, allowed)
        velocity = min(max(controls.velocity or round(state.velocity), 1), 127)
        note = Note(onset.start / GRID, pitch, duration / GRID, velocity)
        return note, _after(state, onset, (shift, pitch, duration), velocity)

    def rhythm_nats(self, state: NgramState, note: Note) -> float:
        """Return how little a note's start and length are expected; what it sounds is left out."""
        spelled = _spelled(state.history, note)
        onset = state.history.onset(spelled[0])
        shift, _, duration = _opinions(state.counts, state.history, onset, spelled)
        weights = self._known.shift.weights, self._known.duration.weights
        return -float(np.log(weights[0] @ shift) + np.log(weights[1] @ duration))

    def _hear(self, state: NgramState, onset: Onset, spelled: Spelled) -> None:
        """Learn a note of the piece at hand; the first has none before it to learn from."""
        if self.heard_weight > 0.0 and len(state.history.starts):
            _count(state.counts, state.history, onset, spelled, self.heard_weight)

    def _draw_pitch(
        self, opinion: _Opinion, onset: Onset, controls: Constraints, random: np.random.Generator
    ) -> int:
        last = opinion.history.last_pitch
        chances = opinion.pitch(onset)[PITCHES - 1 - last :][:PITCHES]
        return _draw(chances, random, controls, controls.allowed_pitches())

    def learn(self, phrase: Phrase, weight: float = 1.0) -> None:
        """Count a whole phrase; drums are left out.

        Parameters
        ----------
        weight
            As how many phrases it counts.
        """
        state = NgramState(
            History.begin(phrase.bar_beats, phrase.pickup_beats), _BASE_VELOCITY, self._known
        )
        for spelled in _pitched(phrase):
            onset = state.history.onset(spelled[0])
            _count(self._known, state.history, onset, spelled, weight)
            state = _after(state, onset, spelled, _BASE_VELOCITY)

    def tune(self, phrases: Sequence[Phrase]) -> None:
        """Choose the shares of the views on phrases that were not learned."""
        for mixture, rows in zip(
            (self._known.shift, self._known.pitch, self._known.duration),
            zip(*(row for phrase in phrases for row in self._by_view(phrase)), strict=True),
            strict=True,
        ):
            mixture.weights = best_weights(np.stack(rows))

    def log_probabilities(self, phrase: Phrase) -> NDArray[np.float64]:
        """Return how expected each note was, float64, shape (n, 3): shift, pitch, duration, nats.

        Velocities are left out. With `heard_weight` above 0, each note is learned after it was
        weighed.

        Parameters
        ----------
        phrase
            Whose notes; drums are left out.
        """
        weights = (
            self._known.shift.weights,
            self._known.pitch.weights,
            self._known.duration.weights,
        )
        rows = [
            [float(np.log(share @ views)) for share, views in zip(weights, row, strict=True)]
            for row in self._by_view(phrase)
        ]
        return np.array(rows).reshape(-1, len(PARTS))

    def _by_view(self, phrase: Phrase) -> list[tuple[Probabilities, Probabilities, Probabilities]]:
        """Return what each view gave to each note's three numbers."""
        state = self.begin(phrase.bar_beats, phrase.pickup_beats)
        rows = []
        for spelled in _pitched(phrase):
            onset = state.history.onset(spelled[0])
            rows.append(_opinions(state.counts, state.history, onset, spelled))
            self._hear(state, onset, spelled)
            state = _after(state, onset, spelled, _BASE_VELOCITY)
        return rows


def _opinions(
    counts: Counts, history: History, onset: Onset, spelled: Spelled
) -> tuple[Probabilities, Probabilities, Probabilities]:
    """Return what each view gives to a note's three numbers.

    What the views give to intervals that lead out of MIDI's range is not shared out again, as it is
    in play: it is less than a thousandth.
    """
    glance, semitones = Glance.at(history), spelled[1] - history.last_pitch
    shift, interval, duration = _symbols(history, spelled)
    first = shift_contexts(history, glance)
    second = pitch_contexts(history, glance, onset)
    third = duration_contexts(history, glance, onset, semitones)
    return (
        counts.shift.opinions(first, shift, float(shift_prior(history)[shift])),
        counts.pitch.opinions(second, interval, float(pitch_prior(history, glance)[interval])),
        counts.duration.opinions(third, duration, float(duration_prior(glance)[duration])),
    )


class _Opinion:
    """What counts expect next, number by number."""

    def __init__(self, counts: Counts, history: History) -> None:
        self.counts, self.history, self.glance = counts, history, Glance.at(history)

    def shift_views(self) -> Probabilities:
        contexts = shift_contexts(self.history, self.glance)
        return self.counts.shift.distributions(contexts, shift_prior(self.history))

    def pitch_views(self, onset: Onset) -> Probabilities:
        contexts = pitch_contexts(self.history, self.glance, onset)
        views = self.counts.pitch.distributions(contexts, pitch_prior(self.history, self.glance))
        views *= possible_intervals(self.history.last_pitch)
        return np.asarray(views / views.sum(axis=1, keepdims=True))

    def duration_views(self, onset: Onset, pitch: int) -> Probabilities:
        interval = pitch - self.history.last_pitch
        contexts = duration_contexts(self.history, self.glance, onset, interval)
        return self.counts.duration.distributions(contexts, duration_prior(self.glance))

    def shift(self) -> Probabilities:
        return np.asarray(self.counts.shift.weights @ self.shift_views())

    def pitch(self, onset: Onset) -> Probabilities:
        return np.asarray(self.counts.pitch.weights @ self.pitch_views(onset))

    def duration(self, onset: Onset, pitch: int) -> Probabilities:
        return np.asarray(self.counts.duration.weights @ self.duration_views(onset, pitch))


Spelled = tuple[int, int, int]


def _spelled(history: History, note: Note) -> Spelled:
    """Return a note's shift, pitch and duration in ticks."""
    shift = max(round(note.start_beats * GRID) - history.last_start, 0)
    return shift, note.pitch, min(max(round(note.length_beats * GRID), 1), DURATIONS)


def _pitched(phrase: Phrase) -> list[Spelled]:
    pitched = replace(phrase, tracks=tuple(t for t in phrase.tracks if not t.is_drum))
    tuples = tuples_of(pitched.notes)
    spelled, waited = [], 0
    for shift, pitch, duration in zip(
        tuples.shift.tolist(), tuples.pitch.tolist(), tuples.duration.tolist(), strict=True
    ):
        if pitch < 0:
            waited += shift
        else:
            spelled.append((waited + shift, pitch, duration))
            waited = 0
    return spelled


def _symbols(history: History, spelled: Spelled) -> Spelled:
    shift, pitch, duration = spelled
    return min(shift, SHIFTS - 1), pitch - history.last_pitch + PITCHES - 1, duration - 1


def _count(counts: Counts, history: History, onset: Onset, spelled: Spelled, weight: float) -> None:
    shift, interval, duration = _symbols(history, spelled)
    glance = Glance.at(history)
    counts.shift.learn(shift_contexts(history, glance), shift, weight)
    counts.pitch.learn(pitch_contexts(history, glance, onset), interval, weight)
    semitones = spelled[1] - history.last_pitch
    contexts = duration_contexts(history, glance, onset, semitones)
    counts.duration.learn(contexts, duration, weight)


def _after(state: NgramState, onset: Onset, spelled: Spelled, velocity: int) -> NgramState:
    _, pitch, duration = spelled
    history = state.history.follow(onset, pitch, duration, min(velocity // 16, 7))
    loudness = 0.8 * state.velocity + 0.2 * velocity
    return NgramState(history, loudness, state.counts)


def _longest(controls: Constraints) -> int:
    """Return the longest duration allowed, ticks."""
    if controls.max_length_beats is None:
        return DURATIONS
    return min(max(round(controls.max_length_beats * GRID), 1), DURATIONS)


def _draw(
    chances: Probabilities,
    random: np.random.Generator,
    controls: Constraints,
    allowed: NDArray[np.bool_],
) -> int:
    with np.errstate(divide="ignore"):
        logits = np.log(chances)
    return draw(logits, random, controls.temperature, controls.top_p, allowed)
