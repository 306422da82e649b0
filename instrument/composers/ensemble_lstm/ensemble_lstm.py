"""Play the ensemble LSTM: it hears who plays what, and draws our notes alone.

In: a bundle of kind "ensemble_lstm" (training/ensemble_lstm/system.py trains it). Out: a note
model, which also says how surprising a note of ours would be. As in training, a note of ours that
would come after the player's next one is not drawn yet: the player's is heard first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import Tensors
from instrument.bundle.recurrent_graph import LaterStep, States, StepGraph, StepOf
from instrument.composers.continuer import NoteModel
from instrument.composers.ensemble_lstm.company import OWN, Company, PartNote, asked_columns
from instrument.composers.note_history import History, Onset
from instrument.composers.note_lstm import features
from instrument.composers.note_lstm.features import LONGEST
from instrument.composers.note_lstm.heads import (
    SHIFT_TICKS,
    Allowed,
    conditions_of,
    logits_of,
    pick,
    short_enough,
)
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.music.note_tuples import GRID
from instrument.music.pitch import clashing
from instrument.music.sampling import draw, nats

GRAPHS = ("advance", "shift", "pitch", "duration", "velocity")
_LEAST_CARE = 2.0
"""It draws with so much care whatever is asked: songs, which it has learned from, rub a lot."""

_FIFTHS = 3.0  # as much worse are outer voices that move side by side in fifths or octaves
_WAITED_NOTES = 2.0
_ANYTHING = Constraints()


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The state: what everybody has played, and what the network remembers of it."""

    history: History
    company: Company
    advanced: LaterStep


class EnsembleLSTM(NoteModel[Ensemble]):
    """The graphs as a note model; belongs to one thread.

    Parameters
    ----------
    graphs
        By the names in `GRAPHS`.
    """

    def __init__(self, graphs: Mapping[str, StepOf]) -> None:
        self._graphs = graphs

    def begin(self, bar_beats: float, pickup_beats: float) -> Ensemble:
        """Return the state before the first note."""
        history = History.begin(bar_beats, pickup_beats)
        return self._advanced(history, Company(), self._graphs["advance"].begin())

    def feed(self, state: Ensemble, note: Note) -> Ensemble:
        """Return the state after a note of the player."""
        return _ready(self._heard(state, _strike(note, state.history), note.velocity))

    def follow(self, state: Ensemble, note: Note) -> Ensemble:
        """Return the state after a note of our own."""
        return _ready(self._played(state, _strike(note, state.history), note.velocity))

    def knowing(self, state: Ensemble, notes: tuple[Note, ...]) -> Ensemble:
        """Return the state in which the player's next notes are known.

        Parameters
        ----------
        notes
            In the order in which they are fed, none before the state's last note.
        """
        coming = tuple(_strike(note, state.history) for note in notes)
        return replace(state, company=replace(state.company, coming=coming))

    def draw(
        self, state: Ensemble, controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, Ensemble]:
        """Make our next note; known notes of the player that come before it are heard first."""
        shift = self._shift(state, controls, random)
        while (company := state.company).coming:
            strike = company.coming[0]
            if state.history.last_start + shift < strike.start:
                break
            state = self._heard(state, strike, 16 * min(state.history.velocity, 7) + 8)
            shift = self._shift(state, controls, random)
        history = state.history
        onset = history.onset(shift)
        asked = _asked(state, onset.start, controls)
        pitch = self._pitch(state, onset, asked, controls, random)
        told = features.duration_inputs(history, onset, pitch)
        short = short_enough(controls)
        ticks = 1 + self._pick("duration", state, told, asked, controls, random, short)
        columns = features.velocity_columns(history, onset, pitch, ticks)[None]
        inputs: Tensors = {
            "past": state.advanced.outputs["past"],
            "columns": columns,
            "conditions": asked,
        }
        outputs, _ = self._graphs["velocity"].step((), inputs)
        loud = draw(outputs["logits"][0], random, controls.temperature, controls.top_p)
        velocity = controls.velocity or min(16 * loud + 8, 127)
        note = Note(onset.start / GRID, pitch, ticks / GRID, velocity)
        strike = PartNote(onset.start, pitch, onset.start + ticks)
        return note, self._played(state, strike, 16 * loud)

    def surprise(self, state: Ensemble, note: Note) -> tuple[float, Ensemble]:
        """Say how surprising our next note would be, and return the state after it.

        Known notes of the player that start no later are heard first.

        Returns
        -------
        float
            Nats of its start, its pitch and its length together; its loudness does not count.
        """
        until = round(note.start_beats * GRID)
        while (coming := state.company.coming) and coming[0].start <= until:
            state = self._heard(state, coming[0], 16 * min(state.history.velocity, 7) + 8)
        history = state.history
        strike = _strike(note, history)
        onset = history.onset(strike.start - history.last_start)
        told = features.shift_inputs(history, history.onset(0))
        asked = _asked(state, history.last_start, _ANYTHING)
        found = self._nats("shift", state, told, asked, min(onset.shift, LONGEST))
        asked = _asked(state, onset.start, _ANYTHING)
        heard = {"pitch_classes": features.pitch_classes(history)[None]}
        told = features.pitch_inputs(history, onset)
        found += self._nats("pitch", state, told, asked, strike.pitch, heard)
        told = features.duration_inputs(history, onset, strike.pitch)
        found += self._nats("duration", state, told, asked, strike.end - strike.start - 1)
        return found, self._played(state, strike, note.velocity)

    def _nats(
        self,
        head: str,
        state: Ensemble,
        told: features.HeadInputs,
        asked: NDArray[np.int64],
        symbol: int,
        more: Tensors | None = None,
    ) -> float:
        return nats(
            logits_of(self._graphs[head], state.advanced.outputs["past"], told, asked, more), symbol
        )

    def _shift(self, state: Ensemble, controls: Constraints, random: np.random.Generator) -> int:
        history = state.history
        told = features.shift_inputs(history, history.onset(0))
        asked = _asked(state, history.last_start, controls)
        least = round(controls.earliest_beats * GRID) - history.last_start
        least = min(max(least, 1 if _is_full(state, controls) else 0), LONGEST)
        latest = max(history.last_start + least, _latest(state, controls))
        most = -(-latest // GRID) * GRID - history.last_start  # it may wait for the beat
        allowed = (least <= SHIFT_TICKS) & (most >= SHIFT_TICKS)
        return self._pick("shift", state, told, asked, controls, random, allowed)

    def _pitch(
        self,
        state: Ensemble,
        onset: Onset,
        asked: NDArray[np.int64],
        controls: Constraints,
        random: np.random.Generator,
    ) -> int:
        history = state.history
        told = features.pitch_inputs(history, onset)
        heard = {"pitch_classes": features.pitch_classes(history)[None]}
        allowed = controls.allowed_pitches()
        free = allowed.copy()
        free[history.pitches[history.starts == onset.start]] = False
        fitting = free if free.any() else allowed
        care = max(_LEAST_CARE, controls.care)
        harsh = care * clashing(state.company.sounding(onset.start))
        if (fifth := state.company.side_by_side(onset.start)) is not None:
            harsh[fifth::12] += _FIFTHS * care
        return self._pick("pitch", state, told, asked, controls, random, fitting, heard, harsh)

    def _pick(
        self,
        head: str,
        state: Ensemble,
        told: features.HeadInputs,
        asked: NDArray[np.int64],
        controls: Constraints,
        random: np.random.Generator,
        allowed: Allowed,
        more: Tensors | None = None,
        less: NDArray[np.float32] | None = None,
    ) -> int:
        graph = self._graphs[head]
        return pick(
            graph,
            state.advanced.outputs["past"],
            told,
            asked,
            controls,
            random,
            allowed,
            more,
            less,
        )

    def _heard(self, state: Ensemble, strike: PartNote, velocity: int) -> Ensemble:
        return self._advanced(
            _followed(state.history, strike, velocity),
            state.company.heard(strike),
            state.advanced.states,
        )

    def _played(self, state: Ensemble, strike: PartNote, velocity: int) -> Ensemble:
        return self._advanced(
            _followed(state.history, strike, velocity),
            state.company.played(strike),
            state.advanced.states,
        )

    def _advanced(self, history: History, company: Company, states: States) -> Ensemble:
        columns = features.note_columns(history, history.onset(0))
        told = np.array([[*columns, *company.role_columns(history)]], np.int64)
        return Ensemble(
            history, company, LaterStep(self._graphs["advance"], states, {"notes": told})
        )


def open_ensemble_lstm(bundle: Bundle, runtime: Runtime) -> EnsembleLSTM:
    """Open a bundle as a note model."""
    return EnsembleLSTM({name: StepGraph(bundle, name, runtime) for name in GRAPHS})


def _ready(state: Ensemble) -> Ensemble:
    """Take the step now: an answer is to come at once later."""
    state.advanced.take()
    return state


def _strike(note: Note, history: History) -> PartNote:
    start = max(round(note.start_beats * GRID), history.last_start)
    ticks = min(max(round(note.length_beats * GRID), 1), LONGEST)
    return PartNote(start, note.pitch, start + ticks)


def _followed(history: History, strike: PartNote, velocity: int) -> History:
    onset = history.onset(strike.start - history.last_start)
    return history.follow(onset, strike.pitch, strike.end - strike.start, velocity // 16)


def _latest(state: Ensemble, controls: Constraints) -> int:
    """Return at which tick our next note starts at the latest.

    Who is asked for so many notes a beat does not wait for his turn while the player plays.
    """
    if controls.density is None:
        return state.history.last_start + LONGEST
    ours = state.company.own[-1].start if state.company.own else 0
    return ours + round(GRID * max(1.0, _WAITED_NOTES / controls.density))


def _is_full(state: Ensemble, controls: Constraints) -> bool:
    """Say whether as many of our notes start at the last one's place as are asked for."""
    at, company = state.history.last_start, state.company
    if controls.voices is None or company.last != OWN:
        return False
    return sum(one.start == at for one in company.own) >= controls.voices


def _asked(state: Ensemble, tick: int, controls: Constraints) -> NDArray[np.int64]:
    """Return a row of what is asked for and of the company, as of a tick."""
    last = state.history.last_pitch
    asked = asked_columns(conditions_of(controls), last, controls.loudness, controls.voices)
    return np.array([[*asked, *state.company.columns(tick, last)]], np.int64)
