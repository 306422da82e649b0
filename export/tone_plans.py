"""The graph of C-RNN-GAN: its generator, one cell of tones at a time."""

from __future__ import annotations

import torch

from export.composer_graphs import ComposerGraph, ComposerPlan
from instrument.note_tuples import GRID
from training.crnngan import CRNNGANLearner


def plan_crnngan(learner: CRNNGANLearner) -> ComposerPlan:
    """Plan the recurrent generator; its tones come in beats, pitches and velocities."""
    step = learner.step_module()
    generator = step.generator
    noise, count = generator.noise + generator.phrase_noise, generator.tones_per_cell
    names = ("hidden_1", "cell_1", "hidden_2", "cell_2")
    graph = ComposerGraph(
        step,
        {
            "noise": torch.zeros(1, noise),
            "previous": torch.tensor([[[1.0, 72.0, 80.0, 0.875]] * count]),
            "beats": torch.zeros(1),
            **{f"{name}_in": torch.zeros(1, generator.hidden) for name in names},
        },
        {
            "noise": ("batch", "noise"),
            "previous": ("batch", "tones", "features"),
            "beats": ("batch",),
            **{f"{name}_in": ("batch", "units") for name in names},
        },
        {
            "tones": ("batch", "tones", "features"),
            "beats_after": ("batch",),
            **{f"{name}_out": ("batch", "units") for name in names},
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
            "noise": generator.noise,
            "phrase_noise": generator.phrase_noise,
            "tones_per_cell": count,
            "bar_beats": learner.config.bar_beats,
        },
    )
