"""Play the attention LSTM: two heads, one for the chord and one for its duration.

In: a bundle of kind "attention_lstm" (training/symbol_lstm/attention_lstm.py trains it). Out: a
`ChordModel`. One step of the graph reads one event; its logits wait in the memory until something
is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.recurrent_graph import States, StepGraph
from instrument.composers.symbol_lstm.chord_model import ChordChoice, ChordModel, Metre
from instrument.music.chord_events import ChordEvent, named_event, nearest_chord, nearest_duration
from instrument.music.constraints import Constraints
from instrument.music.note_tuples import GRID
from instrument.music.sampling import draw
from instrument.music.vocabulary import Vocabulary

Logits = NDArray[np.float32]
PHASES, BAR_LENGTHS = 8 * GRID, 18
"""Positions in the bar, and bar lengths in half beats, that the network tells apart."""


@dataclass(frozen=True, slots=True)
class AttentionMemory:
    """The network's memory and what it expects next."""

    states: States
    chord_logits: Logits
    duration_logits: Logits


class AttentionStep:
    """The graph of one step; belongs to one thread.

    Parameters
    ----------
    bundle
        Of kind "attention_lstm".
    runtime
        Where it runs.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        card = bundle.music
        self._step = StepGraph(bundle, "step", runtime)
        self._chords = Vocabulary(card.vocabulary["chords"])
        self._durations = Vocabulary(card.vocabulary["durations"])
        self._choice = ChordChoice(self._chords)
        events = [named_event("rest", name) for name in self._durations.symbols[1:]]
        self._lengths = np.array([1, *(event.length_ticks for event in events)])

    def begin(self, metre: Metre) -> AttentionMemory:
        """Read START."""
        return self._read(self._step.begin(), 0, 0, 0, metre)

    def read(
        self, memory: AttentionMemory, event: ChordEvent, next_tick: int, metre: Metre
    ) -> AttentionMemory:
        """Read an event; see `ChordNetwork.read`."""
        chord = nearest_chord(self._chords, event.pitches)
        lasts = event.length_ticks, event.advance_ticks
        duration = nearest_duration(self._durations, *lasts)
        return self._read(memory.states, chord, duration, next_tick, metre)

    def say(
        self,
        memory: AttentionMemory,
        controls: Constraints,
        random: np.random.Generator,
        may_rest: bool,
    ) -> ChordEvent:
        """Draw a chord, then its duration; see `ChordNetwork.say`."""
        freedom = controls.temperature, controls.top_p
        allowed = self._choice.allowed(controls, may_rest)
        chord = draw(memory.chord_logits, random, *freedom, allowed)
        duration = draw(memory.duration_logits, random, *freedom, self._may_last(controls))
        return named_event(self._chords.symbols[chord], self._durations.symbols[duration])

    def _may_last(self, controls: Constraints) -> NDArray[np.bool_]:
        most = controls.max_length_beats
        allowed = np.ones(len(self._lengths), np.bool_)
        if most is not None:
            allowed = self._lengths <= max(round(most * GRID), int(self._lengths[1:].min()))
        allowed[0] = False
        return allowed

    def _read(
        self, states: States, chord: int, duration: int, next_tick: int, metre: Metre
    ) -> AttentionMemory:
        phase = min((next_tick - metre.pickup_ticks) % metre.bar_ticks, PHASES - 1)
        bar = min(round(metre.bar_ticks / (GRID // 2)), BAR_LENGTHS - 1)
        ids = {"chord": chord, "duration": duration, "phase": phase, "bar": bar}
        inputs = {name: np.array([[value]]) for name, value in ids.items()}
        outputs, after = self._step.step(states, inputs)
        return AttentionMemory(after, outputs["chord_logits"][0], outputs["duration_logits"][0])


def open_attention_lstm(bundle: Bundle, runtime: Runtime) -> ChordModel[AttentionMemory]:
    """Open a bundle as a note model."""
    return ChordModel(AttentionStep(bundle, runtime))
