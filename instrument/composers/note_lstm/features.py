"""What the note-tuple networks are told, as rows of tables: the same code in training and in play.

In: a `History` and what is already drawn of the next note. Out: int64 arrays. *Columns* are row
numbers, one table per column, of which a network sums the rows; *candidates* are values that the
next symbol may copy (from a match, from bars ago, from voices that end); *anchors* are the numbers
that place the logits (a position in the bar, a pitch to count from). Pitches appear as intervals
from the last note, so that everything but `PITCHES` columns and the anchors of the pitch is the
same in all twelve keys. Pure numpy, 0.1 ms a
note.

A note's symbols are drawn in this order, each knowing the ones before: shift (ticks since the last
note's start, 0-192; 192 stands for all longer ones), pitch (0-127), duration (1-192 ticks, symbol
duration - 1), velocity (bins 0-7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.composers.note_history import LAGS, History, Onset
from instrument.music.note_tuples import MAX_DURATION, VELOCITIES
from instrument.music.pitch import PITCHES

LONGEST = MAX_DURATION
"""Ticks; longer shifts and durations count as this."""
POSITIONS = 192
"""Positions in the bar that are told apart, ticks; later ones count as the last."""
NOTHING = 1000
"""A candidate that no symbol equals."""

_TIMES = 97  # 0-96 ticks, longer ones as 96; +1 row for none
_INTERVALS, _NEAR = 48, 24
_MATCH_LENGTHS = (1, 2, 3, 4, 5, 7, 10, 15, 25)
_TOLD_VOICES = 6
_DENSITIES = 12

_INTERVAL, _NEAR_INTERVAL, _TIME, _AGREES = 2 * _INTERVALS + 2, 2 * _NEAR + 2, _TIMES + 1, 3
_LAGS = len(LAGS)
NOTE_COLUMNS = (
    _INTERVAL, PITCHES + 1, _TIME, _TIME, VELOCITIES + 1, POSITIONS, 24, POSITIONS, 17, 8,
    len(_MATCH_LENGTHS) + 1, _TIME, _INTERVAL, _TIME, _TIME, _TIME, 9,
)  # fmt: skip
"""Table sizes of `note_columns`."""
PITCH_COLUMNS = (
    _TIME, POSITIONS, 24, 8, 8, _NEAR_INTERVAL, _AGREES,
    *[_NEAR_INTERVAL] * (_LAGS + 2 * _TOLD_VOICES),
)  # fmt: skip
"""Table sizes of `pitch_inputs`."""
DURATION_COLUMNS = (
    _TIME, POSITIONS, 24, 8, _INTERVAL, _TIME, _AGREES, _TIME, _TIME, _TIME, 9,
    *[_TIME] * _LAGS, *[_AGREES] * _LAGS,
)  # fmt: skip
"""Table sizes of `duration_inputs`."""
VELOCITY_COLUMNS = (VELOCITIES + 1, 8, 24, POSITIONS, _INTERVAL, _TIME)
"""Table sizes of `velocity_columns`."""
INTERVAL_COLUMN = 4
"""Where durations and velocities are told the interval from the last note, or from middle C."""
CONDITION_COLUMNS = (_DENSITIES + 1, 25, _NEAR_INTERVAL, _NEAR_INTERVAL)
"""Table sizes of `condition_columns`."""
NO_CONDITIONS = (0, 24, 2 * _NEAR + 1, 2 * _NEAR + 1)
"""The rows that say that a condition is not given."""
SHIFT_CANDIDATES, PITCH_CANDIDATES, DURATION_CANDIDATES = 4, 1 + _LAGS, 5 + _LAGS

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a player may ask of the next notes; None leaves it to the network.

    Attributes
    ----------
    density
        Notes per beat.
    tonic, is_minor
        The key: a pitch class and a mode.
    low, high
        The lowest and the highest pitch.
    """

    density: float | None = None
    tonic: int | None = None
    is_minor: bool = False
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class HeadInputs:
    """What one head is told, apart from the hidden vector and the conditions.

    Attributes
    ----------
    columns
        Rows of the head's tables.
    candidates
        Symbols that may be copied, `NOTHING` where there is none; of pitches, intervals from the
        last note.
    anchors
        For shift and duration: the position in the bar from which they count, and the bar's ticks.
        For the pitch: the last note's pitch and the predecessor's.
    """

    columns: Rows
    candidates: Rows
    anchors: Rows


def note_columns(history: History, here: Onset) -> Rows:
    """Return what the recurrent part is told after each note, int64, shape (17,).

    `here` is ``history.onset(0)``: the place of the last note.
    """
    start, match = history.last_start, history.match
    bars = (start - history.pickup_ticks) // history.bar_ticks
    bar_row = min(round(history.bar_ticks / 12), 16)
    if not len(history.starts):
        begin = (_INTERVAL - 1, PITCHES, _TIMES, _TIMES, history.velocity)
        end = start
    else:
        pitch, duration = history.last_pitch, int(history.durations[-1])
        before = len(history.starts) > 1
        interval = _interval(pitch - int(history.pitches[-2])) if before else _INTERVAL - 1
        shift = start - int(history.starts[-2]) if before else start
        begin = (interval, pitch, _time(shift), _time(duration), history.velocity)
        end = start + duration
    places = (_position(history, start), start % 24, _position(history, end), bar_row, bars % 8)
    followed = (_time(match.shift), _interval(match.interval), _time(match.duration))
    if not match.length:
        followed = (_TIMES, _INTERVAL - 1, _TIMES)
    length = sum(match.length >= least for least in _MATCH_LENGTHS)
    voices = (_time(here.first_release), _time(here.last_release), min(len(here.sounding), 8))
    return np.array((*begin, *places, length, *followed, *voices), np.int64)


def shift_inputs(history: History, here: Onset) -> HeadInputs:
    """Return what the shift's head is told, `here` being ``history.onset(0)``; no columns."""
    match = history.match
    own = int(history.durations[-1]) if len(history.starts) else NOTHING
    releases = (here.first_release, here.last_release) if here.sounding else (NOTHING, NOTHING)
    followed = match.shift if match.length else NOTHING
    candidates = [_copied(ticks, LONGEST) for ticks in (own, *releases, followed)]
    anchors = (_position(history, history.last_start), min(history.bar_ticks, POSITIONS))
    return _inputs((), candidates, anchors)


def pitch_inputs(history: History, onset: Onset) -> HeadInputs:
    """Return what the pitch's head is told once the shift is drawn: ``history.onset(shift)``."""
    match, last = history.match, history.last_pitch
    agrees = 0 if not match.length else 1 + (match.shift == onset.shift)
    expected = match.interval if agrees else NOTHING
    lags = [note[0] - last if note else NOTHING for note in onset.lags]
    columns = (
        *_place(history, onset),
        (onset.start - history.pickup_ticks) // history.bar_ticks % 8,
        min(onset.rank, 7),
        _near(expected),
        agrees,
        *(_near(lag) for lag in lags),
        *_voices(onset.sounding, last),
        *_voices(onset.ended, last),
    )
    predecessor = onset.predecessor
    return _inputs(columns, (expected, *lags), (last, last if predecessor is None else predecessor))


def duration_inputs(history: History, onset: Onset, pitch: int) -> HeadInputs:
    """Return what the duration's head is told once shift and pitch are drawn."""
    match, lags = history.match, onset.lags
    interval = pitch - history.last_pitch
    is_expected = match.shift == onset.shift and match.interval == interval
    agrees = 0 if not match.length else 1 + is_expected
    expected = match.duration if match.length else NOTHING
    old = [note[1] if note else NOTHING for note in lags]
    same = [0 if note is None else 1 + (note[0] == pitch) for note in lags]
    own = int(history.durations[-1]) if len(history.starts) else NOTHING
    chord = own if onset.rank else NOTHING
    first, last = (
        (onset.first_release, onset.last_release) if onset.sounding else (NOTHING, NOTHING)
    )
    columns = (
        *_place(history, onset),
        min(onset.rank, 7),
        _interval(interval),
        _known_time(expected),
        agrees,
        *(_known_time(ticks) for ticks in (chord, first, last)),
        min(len(onset.sounding), 8),
        *(_known_time(ticks) for ticks in old),
        *same,
    )
    ticks = (expected, *old, own, chord, first, last)
    candidates = [_copied(length, LONGEST) - 1 for length in ticks]
    anchors = (_position(history, onset.start), min(history.bar_ticks, POSITIONS))
    return _inputs(columns, candidates, anchors)


def velocity_columns(history: History, onset: Onset, pitch: int, duration: int) -> Rows:
    """Return what the velocity's head is told once the rest is drawn, int64, shape (6,)."""
    columns = (
        history.velocity,
        min(onset.rank, 7),
        onset.start % 24,
        _position(history, onset.start),
        _interval(pitch - history.last_pitch),
        _time(duration),
    )
    return np.array(columns, np.int64)


def pitch_classes(history: History) -> NDArray[np.float32]:
    """Return how often each interval class above the last note was played: (2, 12), log scale.

    Row 0 is of all notes, row 1 of the latest; a class that never occurred counts as 0.01.
    """
    low = history.last_pitch % 12
    turned = np.concatenate((history.pitch_classes[:, low:], history.pitch_classes[:, :low]), 1)
    logs: NDArray[np.float32] = np.log(turned + np.float32(0.01))
    return logs


def condition_columns(conditions: Conditions, last_pitch: int) -> Rows:
    """Return the rows of the conditions, int64, shape (4,); `NO_CONDITIONS` for those not given."""
    density, key, low, high = NO_CONDITIONS
    if conditions.density is not None:
        density = density_row(conditions.density)
    if conditions.tonic is not None:
        key = (conditions.tonic - last_pitch) % 12 + 12 * conditions.is_minor
    if conditions.low is not None:
        low = _near(conditions.low - last_pitch)
    if conditions.high is not None:
        high = _near(conditions.high - last_pitch)
    return np.array((density, key, low, high), np.int64)


def density_row(notes_per_beat: float) -> int:
    """Return the row of a density: 12 classes, half octaves from 1/8 to 5.7 notes per beat."""
    octaves = math.log2(max(notes_per_beat, 1e-3))
    return 1 + min(max(round(2.0 * octaves) + 6, 0), _DENSITIES - 1)


def _inputs(
    columns: Sequence[int], candidates: Sequence[int], anchors: Sequence[int]
) -> HeadInputs:
    return HeadInputs(
        np.array(columns, np.int64), np.array(candidates, np.int64), np.array(anchors, np.int64)
    )


def _place(history: History, onset: Onset) -> tuple[int, int, int]:
    return _time(onset.shift), _position(history, onset.start), onset.start % 24


def _position(history: History, tick: int) -> int:
    return min(history.position(tick), POSITIONS - 1)


def _time(ticks: int) -> int:
    return min(ticks, _TIMES - 1)


def _known_time(ticks: int) -> int:
    return _TIMES if ticks == NOTHING else _time(ticks)


def _interval(semitones: int) -> int:
    return min(max(semitones, -_INTERVALS), _INTERVALS) + _INTERVALS


def _near(semitones: int) -> int:
    return 2 * _NEAR + 1 if semitones == NOTHING else min(max(semitones, -_NEAR), _NEAR) + _NEAR


def _voices(pitches: tuple[int, ...], last: int) -> list[int]:
    """Return rows for the highest voices, the row for nothing where there are fewer."""
    rows = [_near(pitch - last) for pitch in pitches[:_TOLD_VOICES]]
    return rows + [2 * _NEAR + 1] * (_TOLD_VOICES - len(rows))


def _copied(ticks: int, most: int) -> int:
    return NOTHING if ticks == NOTHING else min(ticks, most)
