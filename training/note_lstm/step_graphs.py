"""The note-tuple LSTM as five fixed-shape graphs, one note at a time, and a player of them.

In: a trained `NoteNetwork`. Out: `NoteSteps`, modules of batch 1 that an exporter takes as they
are, and phrases made with them. An instrument runs the same graphs with the same
`instrument.composers.note_lstm.features`, which say what every int64 input means:

========  ====================================================  ===================================
graph     inputs                                                outputs
========  ====================================================  ===================================
advance   notes (1, 17), hidden (L, 1, U), cell (L, 1, U)       past (1, U), hidden, cell
shift     past, candidates (1, 4), anchors (1, 2),              logits (1, 193)
          conditions (1, 4)
pitch     past, columns (1, 23), candidates (1, 5),             logits (1, 128)
          anchors (1, 2), pitch_classes (1, 2, 12), conditions
duration  past, columns (1, 19), candidates (1, 9),             logits (1, 192): symbol + 1 ticks
          anchors (1, 2), conditions
velocity  past, columns (1, 6)                                  logits (1, 8): bins of 16
========  ====================================================  ===================================

past, hidden, cell, pitch_classes and logits are float32, all else int64. There is no velocity graph
where the corpus has no velocities; `velocity_bin` is then what every note is said to have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from instrument.composers.note_history import History, Onset
from instrument.composers.note_lstm import features
from instrument.composers.note_lstm.features import NO_CONDITIONS
from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import GRID, REST, SHIFTS, tuples_of
from instrument.music.sampling import NoteRandom, draw
from training.note_lstm.network import NoteTupleNetwork, TimeHead


class Advance(nn.Module):
    """Hear one note; see the module's table."""

    def __init__(self, front: NoteTupleNetwork) -> None:
        super().__init__()
        self.tables, self.lstm = front.tables, front.lstm

    def forward(self, notes: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the past that the heads are given, shape (1, units), and the next state."""
        past, (hidden, cell) = self.lstm(self.tables(notes)[:, None], (hidden, cell))
        return past[:, 0], hidden, cell


class ShiftLogits(nn.Module):
    """Score the next shift; see the module's table."""

    def __init__(self, head: TimeHead) -> None:
        super().__init__()
        self.head = head

    def forward(
        self, past: Tensor, candidates: Tensor, anchors: Tensor, conditions: Tensor
    ) -> Tensor:
        """Return logits, (1, 193)."""
        logits: Tensor = self.head(past, None, candidates, anchors, conditions)
        return logits


@dataclass(frozen=True, slots=True)
class NoteSteps:
    """The five graphs of a network, in evaluation mode.

    Attributes
    ----------
    advance, shift, pitch, duration, velocity
        Modules with the module's inputs and outputs; `velocity` may be None.
    layers, units
        Shape of the state: hidden and cell are zeros of (layers, 1, units) at the beginning.
    velocity_bin
        The bin of every note where there is no velocity graph.
    """

    advance: nn.Module
    shift: nn.Module
    pitch: nn.Module
    duration: nn.Module
    velocity: nn.Module | None
    layers: int
    units: int
    velocity_bin: int
    states: ClassVar[tuple[str, ...]] = ("hidden", "cell")

    @property
    def past_width(self) -> int:
        """How many numbers the heads are given."""
        return self.units

    def begin(self) -> tuple[Tensor, ...]:
        """Return the state before anything is heard, two of shape (layers, 1, units)."""
        zeros = torch.zeros(self.layers, 1, self.units)
        return zeros, zeros

    def examples(self) -> dict[str, dict[str, Tensor]]:
        """Return inputs of the right shapes for each graph, by graph and by name."""
        here = History.begin(4.0, 0.0)
        onset, past = here.onset(0), torch.zeros(1, self.past_width)
        conditions = _row(np.array(NO_CONDITIONS))
        shift, pitch = features.shift_inputs(here, onset), features.pitch_inputs(here, onset)
        duration = features.duration_inputs(here, onset, 60)
        told = {
            "advance": {
                "notes": _row(features.note_columns(here, onset)),
                **dict(zip(self.states, self.begin(), strict=True)),
            },
            "shift": {
                "past": past,
                "candidates": _row(shift.candidates),
                "anchors": _row(shift.anchors),
                "conditions": conditions,
            },
            "pitch": {
                "past": past,
                "columns": _row(pitch.columns),
                "candidates": _row(pitch.candidates),
                "anchors": _row(pitch.anchors),
                "pitch_classes": _row(features.pitch_classes(here)),
                "conditions": conditions,
            },
            "duration": {
                "past": past,
                "columns": _row(duration.columns),
                "candidates": _row(duration.candidates),
                "anchors": _row(duration.anchors),
                "conditions": conditions,
            },
        }
        if self.velocity is not None:
            columns = features.velocity_columns(here, onset, 60, 24)
            told["velocity"] = {"past": past, "columns": _row(columns)}
        return told


@dataclass(frozen=True, slots=True)
class Written:
    """A moment while notes are written: what was played, and what the network remembers."""

    history: History
    past: Tensor
    state: tuple[Tensor, ...]


class NoteTupleWriter:
    """Continue phrases with the torch graphs, to look at a run and to evaluate it."""

    def __init__(self, steps: NoteSteps, temperature: float = 1.0, top_p: float = 0.95) -> None:
        self.steps, self.temperature, self.top_p = steps, temperature, top_p

    @torch.no_grad()
    def continue_phrase(self, prompt: Phrase, length_beats: float, seed: int) -> Phrase:
        """Return what comes after a prompt, counted from its end; the prompt may be empty."""
        at = self._begin(prompt)
        random, notes = NoteRandom(seed), list[Note]()
        end = round((prompt.length_beats + length_beats) * GRID)
        earliest = round(prompt.length_beats * GRID)
        for number in range(int(32 * length_beats)):
            start, pitch, ticks, velocity, at = self._draw(at, random.at(number), earliest)
            if start >= end:
                break
            beats = start / GRID - prompt.length_beats
            notes.append(Note(max(0.0, beats), pitch, ticks / GRID, 16 * velocity + 8))
        meter = prompt.meters[0]
        return Phrase.of(notes, length_beats, meter=(meter.beats, meter.unit))

    def _begin(self, prompt: Phrase) -> Written:
        history = History.begin(prompt.bar_beats, prompt.pickup_beats)
        at, gap = self._heard(history, self.steps.begin()), 0
        tuples = tuples_of(prompt.notes)
        columns = (tuples.shift, tuples.pitch, tuples.duration, tuples.velocity)
        for shift, pitch, duration, velocity in zip(*(c.tolist() for c in columns), strict=True):
            gap += shift
            if pitch != REST:
                onset = at.history.onset(gap)
                at, gap = self._follow(at, onset, pitch, duration, velocity), 0
        return at

    def _follow(
        self, at: Written, onset: Onset, pitch: int, duration: int, velocity: int
    ) -> Written:
        velocity = velocity if self.steps.velocity else self.steps.velocity_bin
        history = at.history.follow(onset, pitch, duration, velocity)
        return self._heard(history, at.state)

    def _heard(self, history: History, state: tuple[Tensor, ...]) -> Written:
        columns = features.note_columns(history, history.onset(0))
        past, *after = self.steps.advance(_row(columns), *state)
        return Written(history, past, tuple(after))

    def _draw(
        self, at: Written, random: np.random.Generator, earliest: int
    ) -> tuple[int, int, int, int, Written]:
        """Return a drawn start (ticks), pitch, duration, velocity bin, and what follows."""
        steps, past, history = self.steps, at.past, at.history
        none = _row(np.array(NO_CONDITIONS))
        told = features.shift_inputs(history, history.onset(0))
        logits = steps.shift(past, _row(told.candidates), _row(told.anchors), none)
        least = max(0, min(earliest - history.last_start, features.LONGEST))
        shift = self._pick(logits, random, np.arange(SHIFTS) >= least)
        onset = history.onset(shift)
        told = features.pitch_inputs(history, onset)
        heard = _row(features.pitch_classes(history))
        pitch = self._pick(steps.pitch(past, *_inputs(told), heard, none), random)
        told = features.duration_inputs(history, onset, pitch)
        duration = 1 + self._pick(steps.duration(past, *_inputs(told), none), random)
        velocity = steps.velocity_bin
        if steps.velocity is not None:
            columns = features.velocity_columns(history, onset, pitch, duration)
            velocity = self._pick(steps.velocity(past, _row(columns)), random)
        after = self._follow(at, onset, pitch, duration, velocity)
        return onset.start, pitch, duration, velocity, after

    def _pick(
        self, logits: Tensor, random: np.random.Generator, allowed: NDArray[np.bool_] | None = None
    ) -> int:
        return draw(logits[0].numpy(), random, self.temperature, self.top_p, allowed)


def _inputs(told: features.HeadInputs) -> tuple[Tensor, Tensor, Tensor]:
    return _row(told.columns), _row(told.candidates), _row(told.anchors)


def _row(values: NDArray[np.int64] | NDArray[np.float32]) -> Tensor:
    """Return a batch of one."""
    return torch.from_numpy(values)[None]
