"""How expected chorales are by a network, cell by cell: a cell is one voice in one sixteenth.

In: a network and batches. Out: nats, sums by piece, and the temperature that makes a network as
sure as it is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F

from training.chorale_lstm.network import ChoraleNetwork, masked
from training.chorale_lstm.tables import ChoraleBatch


@dataclass(frozen=True, slots=True, eq=False)
class ChoraleLikelihoods:
    """What a model gives to chorales, piece by piece; float64, shape (n,).

    Attributes
    ----------
    nats, notes
        Over all cells: every voice in every frame, rests and the first frame included.
    changed_nats, changed_notes
        Over the cells that differ from the frame before; those of the first frame, if they sound.
    """

    nats: NDArray[np.float64]
    notes: NDArray[np.float64]
    changed_nats: NDArray[np.float64]
    changed_notes: NDArray[np.float64]


def cell_nats(network: ChoraleNetwork, batch: ChoraleBatch) -> Tensor:
    """Return -log of the probability of each learned cell's move: float32, (n, 4)."""
    logits, moves = _scored(network, batch)
    return F.cross_entropy(logits, moves, reduction="none").view_as(batch.moves)


@torch.no_grad()
def cell_logits(network: ChoraleNetwork, batch: ChoraleBatch) -> tuple[Tensor, Tensor]:
    """Return the logits of all cells, (4 n, 51), impossible moves masked, and the moves made."""
    return _scored(network, batch)


def best_temperature(logits: Tensor, moves: Tensor) -> float:
    """Return what to divide logits by, between 1/2 and 3, so that the moves are likeliest."""

    def nats(temperature: float) -> float:
        return float(F.cross_entropy(logits / temperature, moves))

    return float(minimize_scalar(nats, bounds=(0.5, 3.0), options={"xatol": 0.005}).x)


def _scored(network: ChoraleNetwork, batch: ChoraleBatch) -> tuple[Tensor, Tensor]:
    contexts, _ = network.contexts(batch.frames)
    context = contexts.flatten(0, 1)[batch.where][:, None]
    logits = masked(network.logits(context, batch.voices, batch.relations), batch.possible)
    return logits.flatten(0, 1), batch.moves.flatten()
