"""Settings of C-RNN-GAN: the paper's own, and ours."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class CRNNGANConfig:
    """Options of C-RNN-GAN.

    Attributes
    ----------
    hidden, critic_hidden
        Units per layer of the generator and of the discriminator.
    tones_per_cell
        1, or 3 for chords (C-RNN-GAN-3).
    cells
        Cells in a phrase of a batch.
    noise
        Random numbers per cell.
    is_paper
        Train as the paper does; see the module.
    learning_rate, critic_learning_rate, batch
        Of the optimisers: SGD for the paper, Adam for ours.
    dropout
        Share of values silenced between layers.
    pretraining
        Share of the run in which the generator only learns to predict the next note.
    adversarial, matching
        Weights of the adversarial loss and of feature matching beside prediction; the paper has
        feature matching alone.
    blur
        Deviation of the noise on what the critic judges, in scaled units: 0.03 is a tenth of a
        step, and 2 % of a length.
    bfloat16
        Train the critic's LSTM in 16 bits: twice as fast where the processor multiplies them.
    steps_per_beat
        The grid of lengths and times; ours learns only from phrases that are on it.
    bar_beats
        Only pieces with bars of this length, or whole fractions of it, are learned from.
    """

    hidden: int = 128
    critic_hidden: int = 96
    tones_per_cell: int = 1
    cells: int = 32
    noise: int = 16
    is_paper: bool = False
    learning_rate: float = 2e-3
    critic_learning_rate: float = 5e-4
    batch: int = 32
    dropout: float = 0.0
    pretraining: float = 0.6
    adversarial: float = 0.05
    matching: float = 1.0
    blur: float = 0.03
    bfloat16: bool = True
    steps_per_beat: int = 4
    bar_beats: float = 4.0


_PAPER = CRNNGANConfig(
    hidden=350,
    critic_hidden=350,
    cells=100,
    noise=4,
    is_paper=True,
    learning_rate=0.1,
    critic_learning_rate=0.05,
    batch=20,
    dropout=0.5,
    pretraining=0.05,
    adversarial=0.0,
    blur=0.0,
    bfloat16=False,
    steps_per_beat=24,
)

RECIPES = {
    "crnngan": CRNNGANConfig(),
    "three_tones": CRNNGANConfig(tones_per_cell=3, cells=24),
    "paper": _PAPER,
    "paper_three_tones": replace(_PAPER, tones_per_cell=3),
    "tiny": CRNNGANConfig(
        hidden=16,
        critic_hidden=12,
        cells=8,
        batch=4,
        pretraining=0.5,
        noise=2,
        bfloat16=False,
    ),
}
"""By the name that ``--recipe`` takes; ``paper`` is Mogren's own code."""
