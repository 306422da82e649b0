"""Note models whose network reads and says whole chords, each with its duration.

In: notes one by one. Out: notes one by one. Between them stands `instrument.music.chord_events`:
notes that start together become one event as soon as the next start is known, gaps become rests,
and a chord that the network says is handed out note by note, the highest first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from instrument.composers.continuer import NoteModel
from instrument.music.chord_events import ChordEvent, named_event, rests
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.music.note_tuples import GRID
from instrument.music.pitch import PITCHES
from instrument.music.vocabulary import Vocabulary

Memory = TypeVar("Memory")
_VELOCITY = 80


@dataclass(frozen=True, slots=True)
class Metre:
    """Where bar lines are, in ticks."""

    bar_ticks: int
    pickup_ticks: int


class ChordNetwork(Protocol[Memory]):
    """A network over chord events; its memory is an immutable value."""

    def begin(self, metre: Metre) -> Memory:
        """Return the memory before the first event."""
        ...

    def read(self, memory: Memory, event: ChordEvent, next_tick: int, metre: Metre) -> Memory:
        """Return the memory after an event; `next_tick` is when the one after it starts."""
        ...

    def say(
        self,
        memory: Memory,
        controls: Constraints,
        random: np.random.Generator,
        may_rest: bool,
    ) -> ChordEvent:
        """Draw the next event, which is a chord unless it `may_rest`."""
        ...


@dataclass(frozen=True, slots=True)
class ChordState(Generic[Memory]):
    """The state of a `ChordModel`.

    Attributes
    ----------
    memory
        The network's, after everything before `now`.
    now
        Tick at which the next event starts.
    open
        Notes of a chord that is still being played.
    queue
        Notes of a chord that was drawn, not yet handed out.
    metre
        The bar lines.
    rests
        Whether the last event was a rest: two in a row would be one.
    """

    memory: Memory
    now: int
    open: tuple[Note, ...]
    queue: tuple[Note, ...]
    metre: Metre
    rests: bool = False


class ChordModel(NoteModel[ChordState[Memory]], Generic[Memory]):
    """A note model made of a chord network.

    Parameters
    ----------
    network
        Reads and says events.
    """

    def __init__(self, network: ChordNetwork[Memory]) -> None:
        self.network = network

    def begin(self, bar_beats: float, pickup_beats: float) -> ChordState[Memory]:
        """Return the state before the first note."""
        metre = Metre(max(1, round(bar_beats * GRID)), round(pickup_beats * GRID))
        return ChordState(self.network.begin(metre), 0, (), (), metre)

    def feed(self, state: ChordState[Memory], note: Note) -> ChordState[Memory]:
        """Return the state after a note; what was drawn but not handed out is forgotten."""
        tick = max(state.now, round(note.start_beats * GRID))
        if state.open and tick > self._opened(state):
            state = self._closed(state, tick)
        return replace(state, open=(*state.open, note), queue=())

    def draw(
        self, state: ChordState[Memory], controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, ChordState[Memory]]:
        """Make the next note."""
        if not state.queue:
            state = self._with_chord(state, controls, random)
        note, *rest = state.queue
        return note, replace(state, queue=tuple(rest))

    def _with_chord(
        self, state: ChordState[Memory], controls: Constraints, random: np.random.Generator
    ) -> ChordState[Memory]:
        earliest = round(controls.earliest_beats * GRID)
        if state.open:
            state = self._closed(state, earliest if earliest > self._opened(state) else None)
        state = self._silent_until(state, earliest)
        event = self.network.say(state.memory, controls, random, not state.rests)
        if not event.pitches:
            state = self._read(state, event)
            event = self.network.say(state.memory, controls, random, False)
        start = state.now / GRID
        state = self._read(state, event)
        length = event.length_ticks / GRID
        velocity = controls.velocity or _VELOCITY
        notes = (Note(start, pitch, length, velocity) for pitch in reversed(event.pitches))
        return replace(state, queue=tuple(notes))

    def _opened(self, state: ChordState[Memory]) -> int:
        return max(state.now, round(state.open[0].start_beats * GRID))

    def _closed(self, state: ChordState[Memory], until: int | None) -> ChordState[Memory]:
        """Read the chord that was being played; the next event starts at `until`, if known."""
        start = self._opened(state)
        state = self._silent_until(state, start)
        length = max(1, round(max(note.length_beats for note in state.open) * GRID))
        advance = length if until is None else min(length, until - start)
        pitches = tuple(sorted({note.pitch for note in state.open}))
        state = self._read(replace(state, open=()), ChordEvent(pitches, length, advance))
        return state if until is None else self._silent_until(state, until)

    def _silent_until(self, state: ChordState[Memory], tick: int) -> ChordState[Memory]:
        for rest in rests(max(0, tick - state.now)):
            state = self._read(state, rest)
        return state

    def _read(self, state: ChordState[Memory], event: ChordEvent) -> ChordState[Memory]:
        now = state.now + event.advance_ticks
        memory = self.network.read(state.memory, event, now, state.metre)
        return replace(state, memory=memory, now=now, rests=not event.pitches)


class ChordChoice:
    """Which symbols of a vocabulary the controls allow.

    Parameters
    ----------
    chords
        The vocabulary whose symbols name the pitches.
    durations
        For each symbol its length and advance in ticks, int64 (n, 2); none where symbols are
        chords alone.
    """

    def __init__(self, chords: Vocabulary, lengths: NDArray[np.int64] | None = None) -> None:
        self._sounds = np.zeros((len(chords), PITCHES), np.bool_)
        for index, symbol in enumerate(chords.symbols[1:], 1):
            self._sounds[index, list(named_event(symbol.partition("/")[0], "1").pitches)] = True
        self._is_rest = ~self._sounds.any(axis=1)
        self._lengths = lengths
        self._known: dict[tuple[object, ...], NDArray[np.bool_]] = {}

    def allowed(self, controls: Constraints, may_rest: bool) -> NDArray[np.bool_]:
        """Return which symbols may be said, bool, shape (symbols,); START never.

        Controls that leave no chord are asked for less: the register first, then the key.
        """
        request = (controls.key, controls.register, controls.max_length_beats, may_rest)
        if request not in self._known:
            looser = (controls, replace(controls, register=None), Constraints())
            found = next(
                mask for mask in (self._mask(one, may_rest) for one in looser) if mask.any()
            )
            self._known[request] = found
        return self._known[request]

    def _mask(self, controls: Constraints, may_rest: bool) -> NDArray[np.bool_]:
        outside = ~controls.allowed_pitches()
        mask = np.logical_and(~(self._sounds & outside).any(axis=1), ~self._is_rest)
        if self._lengths is not None and controls.max_length_beats is not None:
            mask &= self._lengths[:, 0] <= max(1, round(controls.max_length_beats * GRID))
        if may_rest and mask.any():
            mask |= self._is_rest
        mask[0] = False
        return mask
