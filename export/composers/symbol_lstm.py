"""The graphs of the documents' next-symbol networks: the attention LSTM and the stacked LSTM."""

from __future__ import annotations

import torch

from export.bundle.graph_plan import GraphPlan
from export.composers.plan import ComposerPlan
from instrument.music.chord_events import named_event
from instrument.music.note_tuples import GRID
from instrument.music.vocabulary import Vocabulary
from training.symbol_lstm.attention_lstm import AttentionLearner
from training.symbol_lstm.batches import BAR_LENGTHS, PHASES
from training.symbol_lstm.stacked_lstm import StackedLearner


def plan_attention(learner: AttentionLearner) -> ComposerPlan:
    """Plan the attention LSTM: one step reads an event and says what may follow."""
    step = learner.step_module()
    states = dict(zip(("hidden", "cell", "context", "weight"), step.begin(), strict=True))
    chords, durations = learner.lexicon.chords, learner.lexicon.durations
    sizes = {"chord": len(chords), "duration": len(durations), "phase": PHASES, "bar": BAR_LENGTHS}
    axes = {
        "hidden": ("layers", "batch", "units"),
        "cell": ("layers", "batch", "units"),
        "context": ("batch", "units"),
        "weight": ("batch", "one"),
    }
    ids = {name: torch.zeros(1, 1, dtype=torch.int64) for name in sizes}
    graph = GraphPlan(
        step,
        ids | {f"{name}_in": state for name, state in states.items()},
        dict.fromkeys(ids, ("batch", "time")) | {f"{name}_in": axes[name] for name in states},
        {"chord_logits": ("batch", "chords"), "duration_logits": ("batch", "durations")}
        | {f"{name}_out": axes[name] for name in states},
        {name: (0, size - 1) for name, size in sizes.items()},
        ("chord_logits", "duration_logits"),
    )
    return ComposerPlan(
        kind="attention_lstm",
        description="The attention LSTM: chords and durations, two heads over the attended past.",
        networks=(step,),
        graphs={"step": graph},
        pitch_range=_pitch_range(chords),
        steps_per_beat=GRID,
        voices=("chords",),
        conditions=("key", "register", "max_length"),
        vocabulary={"chords": chords.symbols, "durations": durations.symbols},
    )


def plan_stacked(learner: StackedLearner) -> ComposerPlan:
    """Plan the stacked LSTM: one step reads a symbol and says which may follow."""
    step = learner.step_module()
    names = [f"{part}_{layer}" for layer in (1, 2, 3) for part in ("hidden", "cell")]
    states = dict(zip(names, step.begin(), strict=True))
    axes = ("layers", "batch", "units")
    symbols = learner.symbols.vocabulary
    graph = GraphPlan(
        step,
        {"symbol": torch.zeros(1, 1, dtype=torch.int64)}
        | {f"{name}_in": state for name, state in states.items()},
        {"symbol": ("batch", "time")} | {f"{name}_in": axes for name in states},
        {"logits": ("batch", "symbols")} | {f"{name}_out": axes for name in states},
        {"symbol": (0, len(symbols) - 1)},
        ("logits",),
    )
    return ComposerPlan(
        kind="stacked_lstm",
        description="The stacked LSTM: the next chord or rest with its duration, as one symbol.",
        networks=(step,),
        graphs={"step": graph},
        pitch_range=_pitch_range(symbols),
        steps_per_beat=GRID,
        voices=("chords",),
        conditions=("key", "register", "max_length"),
        vocabulary={"symbols": symbols.symbols},
    )


def _pitch_range(chords: Vocabulary) -> tuple[int, int]:
    pitches = [
        pitch
        for symbol in chords.symbols[1:]
        for pitch in named_event(symbol.partition("/")[0], "1").pitches
    ]
    return min(pitches), max(pitches)
