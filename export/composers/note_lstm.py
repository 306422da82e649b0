"""The graphs of the note-tuple LSTM: hearing a note, and a head for each of its symbols."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from export.bundle.graph_plan import GraphPlan
from export.composers.plan import ComposerPlan
from instrument.music.chorale_frames import VOICES
from instrument.music.note_tuples import GRID
from training.data.symbolic.corpus import Corpus
from training.note_lstm.system import NoteLearner

_KEYS = 6  # semitones by which training moved pieces up or down
_MEMORY = ("hidden", "cell")
_AXES = {
    "notes": ("batch", "columns"),
    "columns": ("batch", "columns"),
    "hidden": ("layers", "batch", "units"),
    "cell": ("layers", "batch", "units"),
    "past": ("batch", "units"),
    "candidates": ("batch", "candidates"),
    "anchors": ("batch", "anchors"),
    "conditions": ("batch", "conditions"),
    "pitch_classes": ("batch", "spans", "pitch_classes"),
}
#: Every table has at least three rows; candidates and anchors are ticks or pitches.
_LIMITS: dict[str, tuple[float, float]] = {
    "notes": (0, 2),
    "columns": (0, 2),
    "candidates": (0, 96),
    "anchors": (1, 96),
    "conditions": (0, 1),
    "past": (-1.0, 1.0),  # an LSTM's output
}


def plan_note_lstm(learner: NoteLearner) -> ComposerPlan:
    """Plan four graphs, or five where the corpus has velocities."""
    steps = learner.step_module()
    examples = steps.examples()
    modules = {name: getattr(steps, name) for name in examples}
    return ComposerPlan(
        kind="note_lstm",
        description="The note-tuple LSTM: note after note as shift, pitch, duration.",
        networks=tuple(modules.values()),
        graphs={name: step_graph(name, modules[name], told) for name, told in examples.items()},
        pitch_range=range_of(learner.corpus),
        steps_per_beat=GRID,
        voices=_voices(learner),
        conditions=("density", "key", "register", "max_length"),
        constants={
            "layers": steps.layers,
            "units": steps.units,
            "velocity_bin": steps.velocity_bin,
        },
    )


def _voices(learner: NoteLearner) -> tuple[str, ...]:
    most = max(len(piece.programs) for piece in learner.corpus.pieces)
    return ("melody",) if most == 1 else VOICES


def range_of(corpus: Corpus) -> tuple[int, int]:
    """Return the pitches that it met in training, in all keys."""
    pitches = np.concatenate([piece.pitch for piece in corpus.split("train")])
    return max(0, int(pitches.min()) - _KEYS), min(127, int(pitches.max()) + _KEYS)


def step_graph(
    name: str, module: nn.Module, told: dict[str, Tensor], most_asked: int = 12
) -> GraphPlan:
    """Plan one graph of a step.

    Parameters
    ----------
    told
        An example of its inputs.
    most_asked
        The last row of the smallest table of conditions.
    """
    inputs = {f"{key}_in" if key in _MEMORY else key: value for key, value in told.items()}
    axes = {key: _AXES[key.removesuffix("_in")] for key in inputs}
    limits = {key: limit for key, limit in _LIMITS.items() if key in inputs}
    if "conditions" in limits:
        limits["conditions"] = (0, most_asked)
    if name == "advance":
        outputs = {"past": _AXES["past"], **{f"{key}_out": _AXES[key] for key in _MEMORY}}
        return GraphPlan(module, inputs, axes, outputs, limits)
    return GraphPlan(module, inputs, axes, {"logits": ("batch", name)}, limits, ("logits",))
