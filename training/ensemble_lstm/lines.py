"""A scene as rows of numbers: what the network is told and what it should say.

In: a `Scene`. Out: a `PartLine`. Before each note, whoever plays it, the network says when our next
note starts; before the player's notes all that is known is that ours had not come yet. Before our
own it also says pitch, duration and loudness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.composers.ensemble_lstm.company import Company, PartNote, asked_columns
from instrument.composers.note_history import History, Onset
from instrument.composers.note_lstm import features
from instrument.composers.note_lstm.features import Conditions
from instrument.music.note_tuples import GRID
from instrument.music.pitch import key_fits
from training.ensemble_lstm.parts import Event, Scene
from training.note_lstm.features import arrays_of

_CELL, _NEAR_CELLS = 2 * GRID, 2
_SLACK = 5  # semitones by which a register given in training may be wider than our part

Numbers = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class PartLine:
    """A scene: n notes of both, m of them our own; int16 but for `pitch_classes`.

    Attributes
    ----------
    notes
        (n, ·): what the recurrent part is told of the note before.
    shifts
        (n,): ticks since the note before, at most `LONGEST`.
    least
        (n,): the least shift with which our note would still come after this one; of ours -1.
    shift_candidates, shift_anchors, shift_asked
        (n, ·).
    symbols
        (m, 3): pitch, duration - 1, velocity bin; -1 where there are no velocities.
    pitch_columns … velocity_columns, asked
        (m, ·); `pitch_classes` float32, (m, 2, 12).
    """

    notes: Numbers
    shifts: Numbers
    least: Numbers
    shift_candidates: Numbers
    shift_anchors: Numbers
    shift_asked: Numbers
    symbols: Numbers
    pitch_columns: Numbers
    pitch_candidates: Numbers
    pitch_anchors: Numbers
    pitch_classes: NDArray[np.float32]
    duration_columns: Numbers
    duration_candidates: Numbers
    duration_anchors: Numbers
    velocity_columns: Numbers
    asked: Numbers

    def __len__(self) -> int:
        return len(self.shifts)


class Asking:
    """What is asked of our part in a scene: some of what it is like anyway.

    Parameters
    ----------
    scene
        Whose.
    given
        Which of density, key, lowest, highest, loudness and voices are told; none without it.
    slack
        Semitones by which lowest and highest are widened.
    """

    def __init__(
        self, scene: Scene, given: NDArray[np.bool_], slack: tuple[int, int] = (0, 0)
    ) -> None:
        own = [event for event in scene.events if event.is_own]
        cells = np.array([event.start // _CELL for event in own])
        self._counts = np.bincount(cells)
        self._loud = np.bincount(cells, [event.velocity for event in own])
        self._given = given
        pitches = [event.pitch for event in own]
        self._range = min(pitches) - slack[0], max(pitches) + slack[1]
        self._key = _key_of(scene.events) if given[1] else 0
        self._voices = _voices_of(own) if given[5] else 0
        self._has_velocities = scene.has_velocities

    def at(self, tick: int, last_pitch: int) -> tuple[int, ...]:
        """Return `asked_columns` at a tick."""
        given, cell = self._given, tick // _CELL
        near = slice(max(0, cell - _NEAR_CELLS), cell + _NEAR_CELLS + 1)
        counts, loud = self._counts[near], self._loud[near]
        if not counts.any():  # the player's turn
            counts, loud = self._counts, self._loud
        busy = counts[counts > 0]
        conditions = Conditions(
            density=float(busy.mean()) * GRID / _CELL if given[0] else None,
            tonic=self._key % 12 if given[1] else None,
            is_minor=self._key >= 12,
            low=max(0, self._range[0]) if given[2] else None,
            high=min(127, self._range[1]) if given[3] else None,
        )
        is_loud = given[4] and self._has_velocities
        loudness = round(float(loud.sum() / busy.sum())) if is_loud else None
        return asked_columns(conditions, last_pitch, loudness, self._voices if given[5] else None)


def line_of(scene: Scene, asking: Asking) -> PartLine:
    """Compute every row of a scene; about 0.1 ms a note."""
    rows: dict[str, list[Any]] = {name: [] for name in PartLine.__slots__}
    history = History.begin(scene.bar_beats, scene.pickup_beats)
    others = tuple(_strike(event) for event in scene.events if not event.is_own)
    company = Company(coming=others if scene.knows_ahead else ())
    for event in scene.events:
        gap = event.start - history.last_start
        _tell_shift(rows, history, company, asking, gap)
        onset = history.onset(gap)
        if event.is_own:
            rows["least"].append(-1)
            _tell_note(rows, history, company, asking, onset, event, scene.has_velocities)
            company = company.played(_strike(event))
        else:
            rows["least"].append(min(gap + (not scene.player_first), features.LONGEST))
            company = company.heard(_strike(event))
        history = history.follow(onset, event.pitch, event.duration, event.velocity // 16)
    return PartLine(**arrays_of(rows))


def _tell_shift(
    rows: dict[str, list[Any]], history: History, company: Company, asking: Asking, gap: int
) -> None:
    here, last = history.onset(0), history.last_pitch
    told = features.shift_inputs(history, here)
    rows["notes"].append([*features.note_columns(history, here), *company.role_columns(history)])
    rows["shifts"].append(min(gap, features.LONGEST))
    rows["shift_candidates"].append(told.candidates)
    rows["shift_anchors"].append(told.anchors)
    at = history.last_start
    rows["shift_asked"].append((*asking.at(at, last), *company.columns(at, last)))


def _tell_note(
    rows: dict[str, list[Any]],
    history: History,
    company: Company,
    asking: Asking,
    onset: Onset,
    event: Event,
    has_velocities: bool,
) -> None:
    last, bin_ = history.last_pitch, event.velocity // 16
    pitch = features.pitch_inputs(history, onset)
    duration = features.duration_inputs(history, onset, event.pitch)
    rows["symbols"].append((event.pitch, event.duration - 1, bin_ if has_velocities else -1))
    rows["pitch_columns"].append(pitch.columns)
    rows["pitch_candidates"].append(pitch.candidates)
    rows["pitch_anchors"].append(pitch.anchors)
    rows["pitch_classes"].append(features.pitch_classes(history))
    rows["duration_columns"].append(duration.columns)
    rows["duration_candidates"].append(duration.candidates)
    rows["duration_anchors"].append(duration.anchors)
    rows["velocity_columns"].append(
        features.velocity_columns(history, onset, event.pitch, event.duration)
    )
    rows["asked"].append((*asking.at(onset.start, last), *company.columns(onset.start, last)))


def draw_asking(scene: Scene, random: np.random.Generator, unconditioned: float) -> Asking:
    """Ask for some of what our part is like, or for nothing.

    Parameters
    ----------
    unconditioned
        How often for nothing.
    """
    given = (random.random(6) < 0.5) & (random.random() >= unconditioned)
    low, high = random.integers(0, _SLACK, 2).tolist()
    return Asking(scene, given, (low, high))


def nothing_asked(scene: Scene) -> Asking:
    """Leave everything to the network."""
    return Asking(scene, np.zeros(6, np.bool_))


def _strike(event: Event) -> PartNote:
    return PartNote(event.start, event.pitch, event.start + event.duration)


def _key_of(events: tuple[Event, ...]) -> int:
    heard = np.zeros(12)
    for event in events:
        heard[event.pitch % 12] += min(event.duration, 4 * GRID)
    return int(key_fits(heard).argmax())


def _voices_of(own: list[Event]) -> int:
    """Return how many of our notes sound together, nearly at the most."""
    starts = np.array([event.start for event in own])
    ends = np.sort([event.start + event.duration for event in own])
    counts = starts.searchsorted(starts, "right") - ends.searchsorted(starts, "right")
    return round(float(np.quantile(counts, 0.9)))
