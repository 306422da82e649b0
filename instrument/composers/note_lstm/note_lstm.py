"""Play the note-tuple LSTM: one step of a recurrent network and three or four small heads a note.

In: a bundle of kind "note_lstm" (training/note_lstm/system.py trains it;
training/note_lstm/step_graphs.py has the table of its graphs). Out: a note model. A note's symbols
are drawn in the order shift, pitch, duration, velocity, each knowing the ones before; key,
register, density and the longest length reach the heads as conditions and the draws as masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.recurrent_graph import LaterStep, States, StepGraph
from instrument.composers.continuer import NoteModel
from instrument.composers.note_history import History, Onset
from instrument.composers.note_lstm.features import (
    LONGEST,
    condition_columns,
    duration_inputs,
    note_columns,
    pitch_classes,
    pitch_inputs,
    shift_inputs,
    velocity_columns,
)
from instrument.composers.note_lstm.heads import (
    SHIFT_TICKS,
    Allowed,
    conditions_of,
    pick,
    short_enough,
)
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.music.note_tuples import GRID
from instrument.music.pitch import clashing
from instrument.music.sampling import draw


@dataclass(frozen=True, slots=True)
class Played:
    """The state: what was played, and what the network remembers of it."""

    history: History
    advanced: LaterStep


class NoteLSTM(NoteModel[Played]):
    """The graphs as a note model; belongs to one thread.

    Parameters
    ----------
    bundle
        Of kind "note_lstm".
    runtime
        Where it runs.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self._advance, self._shift, self._pitch, self._duration = (
            StepGraph(bundle, name, runtime) for name in ("advance", "shift", "pitch", "duration")
        )
        has_velocity = "velocity" in bundle.card.graphs
        self._velocity = StepGraph(bundle, "velocity", runtime) if has_velocity else None
        self._velocity_bin = int(bundle.music.constants["velocity_bin"])

    def begin(self, bar_beats: float, pickup_beats: float) -> Played:
        """Return the state before the first note."""
        return self._heard(History.begin(bar_beats, pickup_beats), self._advance.begin())

    def feed(self, state: Played, note: Note) -> Played:
        """Return the state after a note that was played."""
        history = state.history
        onset = history.onset(max(0, round(note.start_beats * GRID) - history.last_start))
        duration = min(max(round(note.length_beats * GRID), 1), LONGEST)
        after = self._follow(state, onset, note.pitch, duration, note.velocity // 16)
        after.advanced.take()
        return after

    def draw(
        self, state: Played, controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, Played]:
        """Make the next note."""
        history, past = state.history, state.advanced.outputs["past"]
        asked = condition_columns(conditions_of(controls), history.last_pitch)[None]
        told = shift_inputs(history, history.onset(0))
        earliest = round(controls.earliest_beats * GRID) - history.last_start
        later = min(earliest, LONGEST) <= SHIFT_TICKS if earliest > 0 else None
        shift = pick(self._shift, past, told, asked, controls, random, later)
        onset = history.onset(shift)
        told = pitch_inputs(history, onset)
        fitting = _fitting_pitches(history, onset, controls)
        heard = {"pitch_classes": pitch_classes(history)[None]}
        harsh = controls.care * clashing(onset.sounding) if controls.care else None
        pitch = pick(self._pitch, past, told, asked, controls, random, fitting, heard, harsh)
        told = duration_inputs(history, onset, pitch)
        short = short_enough(controls)
        duration = 1 + pick(self._duration, past, told, asked, controls, random, short)
        loudness = self._loudness(state, onset, pitch, duration, controls, random)
        velocity = controls.velocity or 16 * loudness + 8
        note = Note(onset.start / GRID, pitch, duration / GRID, velocity)
        return note, self._follow(state, onset, pitch, duration, loudness)

    def _loudness(
        self,
        state: Played,
        onset: Onset,
        pitch: int,
        duration: int,
        controls: Constraints,
        random: np.random.Generator,
    ) -> int:
        if self._velocity is None:
            return self._velocity_bin
        columns = velocity_columns(state.history, onset, pitch, duration)[None]
        outputs, _ = self._velocity.step(
            (), {"past": state.advanced.outputs["past"], "columns": columns}
        )
        return draw(outputs["logits"][0], random, controls.temperature, controls.top_p)

    def _follow(
        self, state: Played, onset: Onset, pitch: int, duration: int, loudness: int
    ) -> Played:
        known = loudness if self._velocity else self._velocity_bin
        return self._heard(
            state.history.follow(onset, pitch, duration, known), state.advanced.states
        )

    def _heard(self, history: History, states: States) -> Played:
        columns = note_columns(history, history.onset(0))[None]
        return Played(history, LaterStep(self._advance, states, {"notes": columns}))


def open_note_lstm(bundle: Bundle, runtime: Runtime) -> NoteLSTM:
    """Open a bundle as a note model."""
    return NoteLSTM(bundle, runtime)


def _fitting_pitches(history: History, onset: Onset, controls: Constraints) -> Allowed:
    """Return the pitches that are asked for, without those that start here already."""
    taken = history.pitches[history.starts == onset.start] if onset.rank else ()
    if not len(taken) and controls.key is None and controls.register is None:
        return None
    allowed = controls.allowed_pitches()
    rest = allowed.copy()
    rest[taken] = False
    return rest if rest.any() else allowed
