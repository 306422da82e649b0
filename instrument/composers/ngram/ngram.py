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
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.composers.ngram.counts import (
    PARTS,
    Counts,
    Expected,
    Opinions,
    Spelled,
    spelled_note,
    spelled_phrase,
)
from instrument.composers.ngram.skip_ngram import Probabilities, best_weights
from instrument.composers.note_history import History, Onset
from instrument.music.constraints import Constraints
from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import DURATIONS, GRID, SHIFTS
from instrument.music.pitch import PITCHES
from instrument.music.sampling import draw

_BASE_VELOCITY = 80


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
        spelled = spelled_note(state.history, note)
        onset = state.history.onset(spelled[0])
        self._hear(state, onset, spelled)
        return _after(state, onset, spelled, note.velocity)

    def follow(self, state: NgramState, note: Note) -> NgramState:
        """Go on to the state after a note and learn nothing: it was our own."""
        spelled = spelled_note(state.history, note)
        return _after(state, state.history.onset(spelled[0]), spelled, note.velocity)

    def draw(
        self, state: NgramState, controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, NgramState]:
        """Make the next note; nothing is learned from it. See `NoteModel.draw`."""
        history, expected = state.history, Expected(state.counts, state.history)
        soonest = round(controls.earliest_beats * GRID) - history.last_start
        allowed = np.arange(SHIFTS) >= min(max(soonest, 0), SHIFTS - 1)
        shift = max(_draw(expected.shift(), random, controls, allowed), soonest)
        onset = history.onset(shift)
        pitch = self._draw_pitch(expected, onset, controls, random)
        longest = _longest(controls)
        allowed = np.arange(DURATIONS) < longest
        duration = 1 + _draw(expected.duration(onset, pitch), random, controls, allowed)
        velocity = min(max(controls.velocity or round(state.velocity), 1), 127)
        note = Note(onset.start / GRID, pitch, duration / GRID, velocity)
        return note, _after(state, onset, (shift, pitch, duration), velocity)

    def rhythm_nats(self, state: NgramState, note: Note) -> float:
        """Return how little a note's start and length are expected; what it sounds is left out."""
        spelled = spelled_note(state.history, note)
        onset = state.history.onset(spelled[0])
        shift, _, duration = state.counts.opinions(state.history, onset, spelled)
        weights = self._known.shift.weights, self._known.duration.weights
        return -float(np.log(weights[0] @ shift) + np.log(weights[1] @ duration))

    def _hear(self, state: NgramState, onset: Onset, spelled: Spelled) -> None:
        """Learn a note of the piece at hand; the first has none before it to learn from."""
        if self.heard_weight > 0.0 and len(state.history.starts):
            state.counts.learn(state.history, onset, spelled, self.heard_weight)

    def _draw_pitch(
        self, expected: Expected, onset: Onset, controls: Constraints, random: np.random.Generator
    ) -> int:
        last = expected.history.last_pitch
        chances = expected.pitch(onset)[PITCHES - 1 - last :][:PITCHES]
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
        for spelled in spelled_phrase(phrase):
            onset = state.history.onset(spelled[0])
            self._known.learn(state.history, onset, spelled, weight)
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

    def _by_view(self, phrase: Phrase) -> list[Opinions]:
        """Return what each view gave to each note's three numbers."""
        state = self.begin(phrase.bar_beats, phrase.pickup_beats)
        rows = []
        for spelled in spelled_phrase(phrase):
            onset = state.history.onset(spelled[0])
            rows.append(state.counts.opinions(state.history, onset, spelled))
            self._hear(state, onset, spelled)
            state = _after(state, onset, spelled, _BASE_VELOCITY)
        return rows


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
