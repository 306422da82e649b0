"""Make a GANSynth bundle of random weights: for speed, not for the ears.

``python -m export.gansynth.random_gansynth FOLDER`` is what ``latentkeys bench gansynth`` runs
when it is told of no model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from export.gansynth.card import Origin
from export.gansynth.plan import GRAPH_NAMES
from export.gansynth.write import write_notes
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import Licence
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.tones import GansynthTones


def write_random(
    target: Path,
    size: NetworkSize,
    graph_names: tuple[str, ...] = GRAPH_NAMES,
    workers: int = 2,
) -> Bundle:
    """Write a bundle of a network of this size."""
    torch.manual_seed(0)
    tones = GansynthTones(Generator(size)).eval().requires_grad_(False)
    origin = Origin(
        description="Random weights: for speed, not for the ears.",
        licence=Licence(weights="public domain: random numbers", data="none"),
        licence_text=b"Random numbers; nobody owns them.\n",
        training={},
        metrics={},
        hold_seconds=3.0,
    )
    return write_notes(
        tones, origin, target, may_round=False, graph_names=graph_names, workers=workers
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_random(Path(sys.argv[1]), NetworkSize())
