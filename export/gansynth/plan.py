"""What a GANSynth bundle contains: tones and their beginnings, one, eight or all keys at a time.

In: the opened model. Out: the plan of every graph by its name.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.bundle.graph_plan import GraphPlan
from export.gansynth.graph import PlainTones
from export.gansynth.wavegan import PlainWaves
from training.audio.format import LOWEST_WAVE_PITCH, WAVE_RATE_HZ
from training.audio.spectrogram import Spectrogram
from training.gansynth.network import Generator
from training.gansynth.tones import GansynthTones

ATTACK_FRAMES = 2048
"""128 ms at 16 kHz: a fifth of a tone's work."""
BATCHES = (1, 8, 61)
"""Tones per run: a key that is struck, a few at a time, the whole keyboard at once."""
GRAPH_NAMES = tuple(f"{length}_{count}" for length in ("note", "attack") for count in BATCHES)


@dataclass(frozen=True, slots=True)
class ToneGraph:
    """One graph of a bundle.

    Attributes
    ----------
    name
        One of `GRAPH_NAMES`.
    tones
        How many it renders in a run.
    frames
        How long they are.
    """

    name: str
    tones: int
    frames: int

    @staticmethod
    def of(model: GansynthTones, name: str) -> ToneGraph:
        """Look up a graph of this model."""
        length, _, count = name.partition("_")
        whole = model.spectrogram.frames
        return ToneGraph(name, int(count), whole if length == "note" else min(ATTACK_FRAMES, whole))

    def module(self, model: GansynthTones) -> nn.Module:
        """Return the torch module that is exported."""
        is_drawn = isinstance(model.generator, Generator)
        module = PlainTones(model, self.frames) if is_drawn else PlainWaves(model, self.frames)
        return module.eval().requires_grad_(False)

    def inputs(self, model: GansynthTones, seed: int = 0) -> dict[str, Tensor]:
        """Draw latents, and pitches all over the keyboard.

        Returns
        -------
        dict
            "z", float32, (tones, latent_size), and "pitch", int64, (tones,).
        """
        random = torch.Generator().manual_seed(seed)
        lowest, highest = pitch_range(model)
        pitch = torch.arange(self.tones) * 37 % (highest - lowest + 1) + lowest  # 37: a prime
        size = model.generator.size.latent_size
        return {"z": torch.randn(self.tones, size, generator=random), "pitch": pitch}

    def plan(self, model: GansynthTones) -> GraphPlan:
        """Plan the graph's export."""
        return GraphPlan(
            self.module(model),
            self.inputs(model),
            {"z": ("notes", "latent"), "pitch": ("notes",)},
            {"waveform": ("notes", "frames")},
            {"pitch": pitch_range(model)},
        )


def pitch_range(model: GansynthTones) -> tuple[int, int]:
    """Return the lowest and the highest pitch that a model knows."""
    return LOWEST_WAVE_PITCH, LOWEST_WAVE_PITCH + model.generator.size.pitches - 1


def steady_seconds(model: GansynthTones) -> float:
    """Return how long a tone lasts before it fades for want of windows beyond its end."""
    drawing = model.spectrogram
    fading = drawing.window_frames - drawing.hop_frames if isinstance(drawing, Spectrogram) else 0
    return (drawing.frames - fading) / WAVE_RATE_HZ
