"""The graphs of C-RNN-GAN: its generator, one cell at a time; and the simplified one's."""

from __future__ import annotations

import torch

from export.bundle.graph_plan import GraphPlan
from export.composers.plan import ComposerPlan
from instrument.composers.crnngan.crnngan import FIRST_NOTE
from instrument.music.note_tuples import GRID
from training.crnngan.simple import LATENT, SimpleLearner
from training.crnngan.system import CRNNGANLearner


def plan_crnngan(learner: CRNNGANLearner) -> ComposerPlan:
    """Plan the recurrent generator; its notes come in beats, pitches and velocities."""
    step = learner.step_module()
    generator = step.generator
    noise, count = generator.noise, generator.tones_per_cell
    _, _, hidden, cell = generator.begin(1)
    memory = ("layers", "batch", "units")
    graph = GraphPlan(
        step,
        {
            "noise": torch.zeros(1, noise),
            "previous": torch.tensor([[FIRST_NOTE] * count]),
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
        conditions=("key", "register"),
        constants={
            "noise": noise,
            "tones_per_cell": count,
            "bar_beats": learner.config.bar_beats,
        },
    )


def plan_crnngan_simple(learner: SimpleLearner) -> ComposerPlan:
    """Plan the dense generator: a hundred pitches at once, half a beat each."""
    generator = learner.generator.cpu().eval()
    graph = GraphPlan(
        generator,
        {"latent": torch.zeros(1, LATENT)},
        {"latent": ("batch", "latent")},
        {"values": ("batch", "notes")},
    )
    pitches = learner.pitch_order
    sounding = [pitch for pitch in pitches if pitch >= 0]
    return ComposerPlan(
        kind="crnngan_simple",
        description="The simplified C-RNN-GAN: a hundred pitches at once, half a beat each.",
        networks=(generator,),
        graphs={"phrase": graph},
        pitch_range=(min(sounding), max(sounding)),
        steps_per_beat=2,
        voices=("melody",),
        bars=12,
        tables={"pitches": tuple(float(pitch) for pitch in pitches)},
    )
