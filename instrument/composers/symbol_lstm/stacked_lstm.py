"""Play the stacked LSTM: one symbol is a chord with its duration.

In: a bundle of kind "stacked_lstm" (training/symbol_lstm/stacked_lstm.py trains it). Out: a
`ChordModel`. The network of the source document knows chords alone: its events all last half a
beat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.recurrent_graph import States, StepGraph
from instrument.composers.symbol_lstm.chord_model import ChordChoice, ChordModel, Metre
from instrument.music.chord_events import ChordEvent, named_event, nearest_chord
from instrument.music.constraints import Constraints
from instrument.music.note_tuples import GRID
from instrument.music.sampling import draw
from instrument.music.vocabulary import START, Vocabulary

HALF_BEAT = str(GRID // 2)


@dataclass(frozen=True, slots=True)
class StackedMemory:
    """The network's memory and what it expects next."""

    states: States
    logits: NDArray[np.float32]


class StackedStep:
    """The graph of one step; belongs to one thread.

    Parameters
    ----------
    bundle
        Of kind "stacked_lstm".
    runtime
        Where it runs.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self._step = StepGraph(bundle, "step", runtime)
        self._symbols = Vocabulary(bundle.music.vocabulary["symbols"])
        self._events = [_event(symbol) for symbol in self._symbols.symbols[1:]]
        lengths = [(event.length_ticks, event.advance_ticks) for event in self._events]
        self._lengths = np.array([(1, 1), *lengths])
        self._choice = ChordChoice(self._symbols, self._lengths)
        self._by_chord: dict[str, list[int]] = {}
        for index, symbol in enumerate(self._symbols.symbols[1:], 1):
            self._by_chord.setdefault(_chord(symbol), []).append(index)
        self._chords = Vocabulary((START, *self._by_chord))

    def begin(self, metre: Metre) -> StackedMemory:  # noqa: ARG002 - this network knows no bars
        """Read START."""
        return self._read(self._step.begin(), 0)

    def read(
        self,
        memory: StackedMemory,
        event: ChordEvent,
        next_tick: int,  # noqa: ARG002
        metre: Metre,  # noqa: ARG002
    ) -> StackedMemory:
        """Read the symbol that is nearest to an event; see `ChordNetwork.read`."""
        chord = self._chords.symbols[nearest_chord(self._chords, event.pitches)]
        if chord == START:  # a rest, where the network knows none
            return memory
        symbols = self._by_chord[chord]
        lasts = np.log((event.length_ticks, event.advance_ticks))
        away = np.abs(np.log(self._lengths[symbols]) - lasts).sum(axis=1)
        return self._read(memory.states, symbols[int(away.argmin())])

    def say(
        self,
        memory: StackedMemory,
        controls: Constraints,
        random: np.random.Generator,
        may_rest: bool,
    ) -> ChordEvent:
        """Draw a symbol; see `ChordNetwork.say`."""
        allowed = self._choice.allowed(controls, may_rest)
        symbol = draw(memory.logits, random, controls.temperature, controls.top_p, allowed)
        return self._events[symbol - 1]

    def _read(self, states: States, symbol: int) -> StackedMemory:
        outputs, after = self._step.step(states, {"symbol": np.array([[symbol]])})
        return StackedMemory(after, outputs["logits"][0])


def open_stacked_lstm(bundle: Bundle, runtime: Runtime) -> ChordModel[StackedMemory]:
    """Open a bundle as a note model."""
    return ChordModel(StackedStep(bundle, runtime))


def _chord(symbol: str) -> str:
    return symbol.partition("/")[0]


def _event(symbol: str) -> ChordEvent:
    chord, _, duration = symbol.partition("/")
    return named_event(chord, duration or HALF_BEAT)
