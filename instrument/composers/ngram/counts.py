"""What the n-gram has counted: a note's shift, pitch and duration, each given what came before.

In: notes after a `History`. Out: how probable each symbol of the next note is, and how much each
view of the past gave to a note that came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

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
from instrument.composers.ngram.skip_ngram import Context, NgramMixture, Probabilities
from instrument.composers.note_history import History, Onset
from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import DURATIONS, GRID, SHIFTS, tuples_of
from instrument.music.pitch import PITCHES

PARTS = ("shift", "pitch", "duration")
# Between what suits the validation pieces of the tune books and of the chorales.
_SHIFT_WEIGHTS = (0.20, 0.18, 0.62)
_PITCH_WEIGHTS = (0.12, 0.12, 0.15, 0.05, 0.12, 0.06, 0.08, 0.30)
_DURATION_WEIGHTS = (0.21, 0.11, 0.21, 0.30, 0.10, 0.07)

Spelled = tuple[int, int, int]
"""A note's shift, pitch and duration; times in ticks."""
Opinions = tuple[Probabilities, Probabilities, Probabilities]
"""What each view gives to a note's shift, pitch and duration."""


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

    def opinions(self, history: History, onset: Onset, spelled: Spelled) -> Opinions:
        """Return what each view gives to a note's three numbers.

        What the views give to intervals that lead out of MIDI's range is not shared out again, as
        it is in play: it is less than a thousandth.
        """
        glance = Glance.at(history)
        first, second, third = _contexts(history, glance, onset, spelled)
        shift, interval, duration = _symbols(history, spelled)
        return (
            self.shift.opinions(first, shift, float(shift_prior(history)[shift])),
            self.pitch.opinions(second, interval, float(pitch_prior(history, glance)[interval])),
            self.duration.opinions(third, duration, float(duration_prior(glance)[duration])),
        )

    def learn(self, history: History, onset: Onset, spelled: Spelled, weight: float) -> None:
        """Count a note, as so many notes as `weight` says."""
        first, second, third = _contexts(history, Glance.at(history), onset, spelled)
        shift, interval, duration = _symbols(history, spelled)
        self.shift.learn(first, shift, weight)
        self.pitch.learn(second, interval, weight)
        self.duration.learn(third, duration, weight)


class Expected:
    """What counts expect next, number by number: float64 probabilities, one for each symbol."""

    def __init__(self, counts: Counts, history: History) -> None:
        self.counts, self.history, self.glance = counts, history, Glance.at(history)

    def shift(self) -> Probabilities:
        """Return how probable each shift is, shape (`SHIFTS`,)."""
        contexts = shift_contexts(self.history, self.glance)
        views = self.counts.shift.distributions(contexts, shift_prior(self.history))
        return np.asarray(self.counts.shift.weights @ views)

    def pitch(self, onset: Onset) -> Probabilities:
        """Return how probable each interval from the last note is, shape (`INTERVALS`,)."""
        contexts = pitch_contexts(self.history, self.glance, onset)
        views = self.counts.pitch.distributions(contexts, pitch_prior(self.history, self.glance))
        views *= possible_intervals(self.history.last_pitch)
        views = np.asarray(views / views.sum(axis=1, keepdims=True))
        return np.asarray(self.counts.pitch.weights @ views)

    def duration(self, onset: Onset, pitch: int) -> Probabilities:
        """Return how probable each duration is, shape (`DURATIONS`,)."""
        interval = pitch - self.history.last_pitch
        contexts = duration_contexts(self.history, self.glance, onset, interval)
        views = self.counts.duration.distributions(contexts, duration_prior(self.glance))
        return np.asarray(self.counts.duration.weights @ views)


def spelled_note(history: History, note: Note) -> Spelled:
    """Return a note as it is counted, after a history."""
    shift = max(round(note.start_beats * GRID) - history.last_start, 0)
    return shift, note.pitch, min(max(round(note.length_beats * GRID), 1), DURATIONS)


def spelled_phrase(phrase: Phrase) -> list[Spelled]:
    """Return the notes of a phrase one after the other, without the drums."""
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


def _contexts(
    history: History, glance: Glance, onset: Onset, spelled: Spelled
) -> tuple[tuple[Context, ...], tuple[Context, ...], tuple[Context, ...]]:
    return (
        shift_contexts(history, glance),
        pitch_contexts(history, glance, onset),
        duration_contexts(history, glance, onset, spelled[1] - history.last_pitch),
    )
