"""The heads of a note network: what is asked of them, and how one of their symbols is drawn.

In: a `StepGraph` that gives logits, and what it is told. Out: the index of a symbol. The note LSTM
and the ensemble LSTM draw their notes with it, each symbol knowing the ones before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.open_graph import Tensors
from instrument.bundle.recurrent_graph import StepOf
from instrument.composers.note_lstm.features import Conditions, HeadInputs
from instrument.music.constraints import Constraints
from instrument.music.note_tuples import DURATIONS, GRID, SHIFTS
from instrument.music.sampling import draw

Allowed = NDArray[np.bool_] | None
SHIFT_TICKS = np.arange(SHIFTS)
_DURATION_TICKS = np.arange(1, DURATIONS + 1)


def pick(
    head: StepOf,
    past: NDArray[np.float32],
    told: HeadInputs,
    asked: NDArray[np.int64],
    controls: Constraints,
    random: np.random.Generator,
    allowed: Allowed = None,
    more: Tensors | None = None,
    less: NDArray[np.float32] | None = None,
) -> int:
    """Run a head and draw one of its symbols.

    Parameters
    ----------
    head
        Gives "logits", float32 (1, symbols).
    past
        What the recurrent part remembers, float32 (1, units).
    told, more
        What the head hears of the note so far; `more` by the names of its further inputs.
    asked
        The conditions as a row of columns, (1, columns).
    controls
        Temperature and top-p.
    random
        Decides.
    allowed
        Symbols that may come, shape (symbols,); all of them without it.
    less
        Nats by which each symbol is less likely than the network says, float32 (symbols,).
    """
    found = logits_of(head, past, told, asked, more)
    logits = found if less is None else found - less
    return draw(logits, random, controls.temperature, controls.top_p, allowed)


def logits_of(
    head: StepOf,
    past: NDArray[np.float32],
    told: HeadInputs,
    asked: NDArray[np.int64],
    more: Tensors | None = None,
) -> NDArray[np.float32]:
    """Run a head; see `pick` for what it takes.

    Returns
    -------
    ndarray
        float32, shape (symbols,).
    """
    inputs: Tensors = {
        "past": past,
        "candidates": told.candidates[None],
        "anchors": told.anchors[None],
        "conditions": asked,
        **(more or {}),
    }
    if len(told.columns):
        inputs["columns"] = told.columns[None]
    outputs, _ = head.step((), inputs)
    logits: NDArray[np.float32] = outputs["logits"][0]
    return logits


def conditions_of(controls: Constraints) -> Conditions:
    """Return what is asked of density, key and register."""
    key, register = controls.key, controls.register
    return Conditions(
        density=controls.density,
        tonic=key.tonic if key else None,
        is_minor=bool(key and key.mode == "minor"),
        low=register[0] if register else None,
        high=register[1] if register else None,
    )


def short_enough(controls: Constraints) -> Allowed:
    """Return the durations that are asked for, bool (`DURATIONS`,); None if any is."""
    if controls.max_length_beats is None:
        return None
    return np.asarray(max(1, round(controls.max_length_beats * GRID)) >= _DURATION_TICKS)
