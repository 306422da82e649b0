"""The graph of C-RNN-GAN: its generator, one cell of tones at a time."""

from __future__ import annotations

import torch

from export.composer_graphs import ComposerGraph, ComposerPlan
from instrument.crnngan import FIRST_TONE
from instrument.note_tuples import GRID
from training.crnngan import CRNNGANLearner


def plan_crnngan(learner: CRNNGANLearner) -> ComposerPlan:
    """Plan the recurrent generator; its tones come in beats, pitches and velocities."""
    step = learner.step_module()
    generator = step.generator
    noise, count = generator.noise, generator.tones_per_cell
    _, _, hidden, cell = generator.begin(1)
    memory = ("layers", "batch", "units")
    graph = ComposerGraph(
        step,
        {
            "noise": torch.zeros(1, noise),
            "previous": torch.tensor([[FIRST_TONE] * count]),
            "beats": torch.zeros(1),
            "hidden_in": hidden.cpu(),
            "cell_in": cell.cpu(),
        },
        {
            "noise": ("batch", "noise"),
            "previous": ("batch", "tones", "features"),
            "beats": ("batch",),
            "hidden_in": memory,
            "cell_in": memory,
        },
        {
            "tones": ("batch", "tones", "features"),
            "beats_after": ("batch",),
            "hidden_out": memory,
            "cell_out": memory,
        },
        {"noise": (-1.0, 1.0), "previous": (0.5, 2.0), "beats": (0.0, 16.0)},
    )
    return ComposerPlan(
        kind="crnngan",
        description="C-RNN-GAN: a recurrent generator of tones (length, pitch, velocity, time).",
        networks=(generator,),
        graphs={"step": graph},
        pitch_range=(0, 127),
        steps_per_beat=GRID,
        voices=("melody",) if count == 1 else ("chords",),
        constants={
            "noise": noise,
            "tones_per_cell": count,
            "bar_beats": learner.config.bar_beats,
        },
    )
