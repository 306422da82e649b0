"""Play C-RNN-GAN: a recurrent generator of tones, each a length, pitch, velocity and advance.

In: a bundle of kind "crnngan" (training/crnngan/system.py trains it). Out: a composer. It has
learned one scale, C major: what it hears is moved there and what it says is moved back. It hears a
prompt through its memory alone, so its answers are in the prompt's key and range more than on its
theme.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.recurrent_graph import States, StepGraph
from instrument.composers.continuer import NoteModel, PhraseContinuer
from instrument.composers.transposing import TransposedComposer
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.music.note_tuples import GRID

NoteArray = NDArray[np.float32]
FIRST_NOTE = (1.0, 72.0, 80.0, 0.875)
"""What stands before the first: length, pitch, velocity, advance."""
_REMEMBERED_BARS = 4


@dataclass(frozen=True, slots=True)
class Spoken:
    """The state of a `ToneModel`.

    Attributes
    ----------
    states
        The graph's memory.
    previous
        float32, shape (1, tones, 4): the last cell.
    start
        Beats at which its last tone starts.
    queue
        NoteArray of a cell, not yet handed out or not yet complete.
    is_speaking
        Whether the queue was drawn, or is being heard.
    """

    states: States
    previous: NoteArray
    start: float
    queue: tuple[tuple[float, ...], ...] = ()
    is_speaking: bool = False


class ToneModel(NoteModel[Spoken]):
    """The generator's step as a note model, in the scale that it learned.

    Parameters
    ----------
    bundle
        Of kind "crnngan".
    runtime
        Where it runs.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        constants = bundle.music.constants
        self._step = StepGraph(bundle, "step", runtime)
        self._noise = int(constants["noise"])
        self._tones = int(constants["tones_per_cell"])
        self._cycle = constants["bar_beats"] * _REMEMBERED_BARS

    def begin(self, bar_beats: float, pickup_beats: float) -> Spoken:  # noqa: ARG002
        """Return the state before the first tone; it knows no other bars than its own."""
        first = np.tile(np.array(FIRST_NOTE, np.float32), (1, self._tones, 1))
        return Spoken(self._step.begin(), first, -pickup_beats)

    def feed(self, state: Spoken, note: Note) -> Spoken:
        """Hear a note; what was drawn but not handed out is forgotten."""
        queue = () if state.is_speaking else state.queue
        since = queue[-1][4] if queue else state.start
        length = max(1, round(note.length_beats * GRID)) / GRID
        advance = max(0, round((note.start_beats - since) * GRID)) / GRID
        tone = (length, float(note.pitch), float(note.velocity), advance, note.start_beats)
        queue = (*queue, tone)
        if len(queue) < self._tones:
            return replace(state, queue=queue, is_speaking=False)
        _, states = self._cell(state, np.zeros(self._noise, np.float32))
        cell = np.array([[tone[:4] for tone in queue]], np.float32)
        return replace(
            state, states=states, previous=cell, start=tone[4], queue=(), is_speaking=False
        )

    def draw(
        self, state: Spoken, controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, Spoken]:
        """Make the next note; the temperature widens or narrows the noise."""
        if not state.queue or not state.is_speaking:
            state = self._with_cell(state, controls, random)
        (length, pitch, velocity, _, start), *rest = state.queue
        note = Note(start, round(pitch), length, round(velocity))
        return note, replace(state, queue=tuple(rest))

    def _with_cell(
        self, state: Spoken, controls: Constraints, random: np.random.Generator
    ) -> Spoken:
        noise = (2.0 * random.random(self._noise) - 1.0) * controls.temperature
        tones, states = self._cell(state, noise.clip(-1.0, 1.0).astype(np.float32))
        tones = _in_register(tones, controls.register)
        starts = state.start + tones[0, :, 3].astype(np.float64).cumsum()
        queue = tuple((*map(float, t), float(s)) for t, s in zip(tones[0], starts, strict=True))
        return replace(
            state,
            states=states,
            previous=tones,
            start=float(starts[-1]),
            queue=queue,
            is_speaking=True,
        )

    def _cell(self, state: Spoken, noise: NoteArray) -> tuple[NoteArray, States]:
        inputs = {
            "noise": noise[None],
            "previous": state.previous,
            "beats": np.array([state.start % self._cycle], np.float32),
        }
        outputs, states = self._step.step(state.states, inputs)
        return outputs["tones"], states


def open_crnngan(bundle: Bundle, runtime: Runtime) -> TransposedComposer:
    """Open a bundle as a composer."""
    model = ToneModel(bundle, runtime)
    is_monophonic = int(bundle.music.constants["tones_per_cell"]) == 1
    return TransposedComposer(PhraseContinuer(model, bundle.card.name, is_monophonic))


def _in_register(tones: NoteArray, register: tuple[int, int] | None) -> NoteArray:
    """Bring pitches into a register by octaves, as far as it is wide enough."""
    if register is None:
        return tones
    low, high = register
    tones = tones.copy()
    pitch = tones[..., 1]
    pitch += 12 * np.ceil(np.maximum(low - pitch, 0) / 12)
    pitch -= 12 * np.ceil(np.maximum(pitch - high, 0) / 12)
    return tones
