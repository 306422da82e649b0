"""How the n-gram looks at the past of a melody, and what it expects before it has learned anything.

In: a `History` and what is already drawn of the next note. Out: contexts (lists of small integers,
the most telling item first) and priors. All pitches are intervals from the last note, so nothing
here depends on the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from instrument.composers.ngram.skip_ngram import Context, Probabilities
from instrument.composers.note_history import History, Onset
from instrument.music.note_tuples import DURATIONS, GRID, SHIFTS
from instrument.music.pitch import MAJOR_SCALE, PITCHES

INTERVALS = 2 * PITCHES - 1
"""Symbols of the pitch: semitones from the last note, plus 127."""
NONE = 1000
"""Where there is nothing to measure."""

_DEPTH = 8
_COLLECTIONS = np.array(
    [[(pitch_class - tonic) % 12 in MAJOR_SCALE for pitch_class in range(12)]
     for tonic in range(12)], np.float64,
)  # fmt: skip
_SHARES = {6: 0.1, 12: 0.35, 18: 0.03, 24: 0.35, 36: 0.04, 48: 0.1, 72: 0.02, 96: 0.01}
_FLOOR = 1e-3
_CENTRE = 67


@dataclass(frozen=True, slots=True)
class Glance:
    """The last few notes as plain numbers, newest first; `NONE` before the first.

    Attributes
    ----------
    steps
        Semitones from each note's predecessor, 8 values.
    shifts, durations
        Ticks from each note's predecessor's start, and ticks it lasts, 8 values each.
    tonic
        Semitones from the last note up to the first degree of the major scale that holds most of
        what was heard.
    first
        Semitones from the last note to the piece's first known one, in one octave.
    """

    steps: tuple[int, ...]
    shifts: tuple[int, ...]
    durations: tuple[int, ...]
    tonic: int
    first: int

    @classmethod
    def at(cls, history: History) -> Glance:
        """Look back from the last note."""
        pitches = history.pitches[-_DEPTH - 1 :].tolist()[::-1]
        starts = history.starts[-_DEPTH - 1 :].tolist()[::-1]
        durations = history.durations[-_DEPTH:].tolist()[::-1]
        steps = [now - before for now, before in pairwise(pitches)]
        shifts = [now - before for now, before in pairwise(starts)]
        if not pitches:
            return cls(_padded([]), _padded([]), _padded([]), NONE, NONE)
        heard = np.tile(history.pitch_classes[0], 2)[pitches[0] % 12 :][:12]
        tonic = int((_COLLECTIONS @ heard).argmax())
        first = (int(history.pitches[0]) - pitches[0]) % 12
        return cls(_padded(steps), _padded(shifts), _padded(durations), tonic, first)


def shift_contexts(history: History, glance: Glance) -> tuple[Context, ...]:
    """Return what the ticks to the next note's start depend on."""
    onset, match = history.onset(0), history.match
    place = _place(history, history.last_start)
    durations, shifts = glance.durations, glance.shifts
    promised = match.shift if match.length else NONE
    held = (onset.rank, len(onset.sounding))
    return (
        (durations[0], *held, place, shifts[0], shifts[1], durations[1], shifts[2], shifts[3]),
        (durations[0], *held, promised, min(match.length, 8), place, shifts[0]),
        (onset.first_release, onset.last_release, *held, shifts[0], shifts[1], place),
    )


def pitch_contexts(history: History, glance: Glance, onset: Onset) -> tuple[Context, ...]:
    """Return what the next pitch depends on once its start is known."""
    match, last = history.match, history.last_pitch
    place, steps = _place(history, onset.start), glance.steps
    agrees = match.length > 0 and match.shift == onset.shift
    promised = match.interval if agrees else NONE
    long = min(match.length, 12)
    lags = [NONE if note is None else note[0] - last for note in onset.lags]
    chord = onset.rank
    place_of = NONE if onset.predecessor is None else onset.predecessor - last
    sounding = [pitch - last for pitch in onset.sounding]
    durations = glance.durations
    degree = glance.tonic
    # The place in a chord and the scale degree of the last note, in one item: pitch contexts are
    # never shorter, because intervals without a scale sound out of tune.
    key = 16 * chord + min(degree, 15)
    return (
        (key, *steps),
        (key, steps[0], place, steps[1], steps[2], steps[3]),
        (key, place, glance.first, *steps[:4]),
        (key, steps[0], durations[0], onset.shift, steps[1], durations[1], steps[2], steps[3]),
        (chord, promised, long, degree, steps[0], place),
        (chord, lags[0], lags[1], lags[2], steps[0], degree),
        (chord, lags[2], lags[3], degree, place),
        (key, place_of, len(sounding), *sounding[:4], steps[0]),
    )


def duration_contexts(
    history: History, glance: Glance, onset: Onset, interval: int
) -> tuple[Context, ...]:
    """Return what the next note's length depends on once its start and pitch are known."""
    match = history.match
    agrees = match.length > 0 and (match.shift, match.interval) == (onset.shift, interval)
    promised = match.duration if agrees else NONE
    place, durations, steps = _place(history, onset.start), glance.durations, glance.steps
    lags = [NONE if note is None else note[1] for note in onset.lags]
    chord = min(onset.rank, 1)
    return (
        (chord, place, durations[0], durations[1], interval, durations[2], durations[3]),
        (chord, *durations[:4], place % 1000 % GRID, *durations[4:]),
        (chord, promised, min(match.length, 12), place, durations[0]),
        (chord, lags[0], lags[1], place, lags[2], lags[3], durations[0]),
        (chord, place, interval, glance.tonic, steps[0], durations[0]),
        (chord, onset.first_release, onset.last_release, durations[0], place),
    )


def shift_prior(history: History) -> Probabilities:
    """Expect the next note where the last ends, or else on a beat: shape (193,)."""
    prior = np.full(SHIFTS, _FLOOR / SHIFTS)
    for ticks, share in _SHARES.items():
        prior[ticks] += 0.3 * share
        on_beat = -(history.last_start - history.pickup_ticks) % GRID
        prior[min(on_beat + ticks - ticks % GRID, SHIFTS - 1)] += 0.1 * share
    if len(history.starts):
        prior[min(int(history.durations[-1]), SHIFTS - 1)] += 0.6
    else:
        prior[0] += 0.6
    return np.asarray(prior / prior.sum())


def pitch_prior(history: History, glance: Glance) -> Probabilities:
    """Expect small steps in the scale heard so far: over intervals, shape (255,)."""
    intervals = np.arange(INTERVALS) - (PITCHES - 1)
    last = history.last_pitch
    tonic = glance.tonic if glance.tonic != NONE else -last % 12
    centre = float(history.pitches.mean()) if len(history.pitches) else _CENTRE
    scale = np.where(_COLLECTIONS[tonic][intervals % 12] > 0, 1.0, 0.05)
    steps = np.exp(-np.abs(intervals) / 3.0) * np.where(intervals == 0, 0.5, 1.0)
    register = np.exp(-0.5 * ((last + intervals - centre) / 9.0) ** 2)
    prior = scale * steps * register
    possible = possible_intervals(last)
    prior = prior * possible
    return np.asarray(prior / prior.sum() * (1 - _FLOOR) + _FLOOR * possible / possible.sum())


def duration_prior(glance: Glance) -> Probabilities:
    """Expect common note values, and the last one again: shape (192,)."""
    prior = np.full(DURATIONS, _FLOOR / DURATIONS)
    for ticks, share in _SHARES.items():
        prior[ticks - 1] += share * 0.6
    if glance.durations[0] != NONE:
        prior[min(glance.durations[0], DURATIONS) - 1] += 0.4
    return np.asarray(prior / prior.sum())


def possible_intervals(last_pitch: int) -> NDArray[np.bool_]:
    """Say which intervals lead to a MIDI pitch, bool, shape (255,)."""
    pitches = np.arange(INTERVALS) - (PITCHES - 1) + last_pitch
    return np.asarray((pitches >= 0) & (pitches < PITCHES))


def _place(history: History, tick: int) -> int:
    """Return the position in the bar together with the bar's length."""
    return 1000 * history.bar_ticks + history.position(tick)


def _padded(values: list[int]) -> tuple[int, ...]:
    return (*values, *[NONE] * (_DEPTH - len(values)))
