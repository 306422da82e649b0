"""The graphs of the ensemble LSTM: hearing a note, and a head for each symbol of ours."""

from __future__ import annotations

from export.composers.note_lstm import range_of, step_graph
from export.composers.plan import ComposerPlan
from instrument.music.note_tuples import GRID
from training.ensemble_lstm.step_graphs import examples, step_modules
from training.ensemble_lstm.system import EnsembleLearner

_SMALLEST_TABLE = 2  # whether the player strikes


def plan_ensemble_lstm(learner: EnsembleLearner) -> ComposerPlan:
    """Plan five graphs."""
    network = learner.playing()
    modules, told = step_modules(network), examples(network)
    return ComposerPlan(
        kind="ensemble_lstm",
        description="An LSTM for several voices that hears the player among them.",
        networks=tuple(modules.values()),
        graphs={
            name: step_graph(name, modules[name], told[name], _SMALLEST_TABLE - 1)
            for name in modules
        },
        pitch_range=range_of(learner.corpus),
        steps_per_beat=GRID,
        voices=("accompaniment",),
        conditions=("density", "key", "register", "max_length", "track"),
        constants={"layers": learner.config.layers, "units": learner.config.units},
    )
