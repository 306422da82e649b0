"""What note-tuple networks make of pieces: nats for each symbol of each note.

In: anything with `Heads` over a past, and lines. Out: nats per symbol, in training and evaluation
alike; with a prompt, of what follows it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from training.data.symbolic.corpus import Piece
from training.note_lstm.batches import NoteBatch, whole_lines
from training.note_lstm.features import (
    DURATION,
    PITCH,
    SHIFT,
    VELOCITY,
    NoteLine,
    line_of,
    piece_line,
)
from training.note_lstm.network import Heads

_AT_ONCE = 16


class NoteLikelihoods(nn.Module):
    """Anything with heads over a past."""

    heads: Heads

    def past(self, batch: NoteBatch) -> Tensor:
        """Return what is known before each note, float32 (b, t, ·)."""
        raise NotImplementedError


def head_nats(past: Tensor, heads: Heads, batch: NoteBatch) -> dict[str, Tensor]:
    """Return the cost of every symbol given the past and the symbols drawn before it.

    Parameters
    ----------
    past
        float32, shape (b, t, ·): one vector for each position of the batch.

    Returns
    -------
    "shift", "pitch", "duration" and, where there is such a head, "velocity": float32, shape (n,),
    nats, for the n notes under the mask.
    """
    mask = batch.mask
    before, symbols, asked = past[mask], batch.symbols[mask], batch.conditions[mask]
    shift = heads.shift(
        before, None, batch.shift_candidates[mask], batch.shift_anchors[mask], asked
    )
    pitch = heads.pitch(
        before,
        batch.pitch_columns[mask],
        batch.pitch_candidates[mask],
        batch.pitch_anchors[mask],
        batch.pitch_classes[mask],
        asked,
    )
    duration = heads.duration(
        before,
        batch.duration_columns[mask],
        batch.duration_candidates[mask],
        batch.duration_anchors[mask],
        asked,
    )
    logits = {"shift": (shift, SHIFT), "pitch": (pitch, PITCH), "duration": (duration, DURATION)}
    if heads.velocity is not None:
        logits["velocity"] = (heads.velocity(before, batch.velocity_columns[mask]), VELOCITY)
    return {
        name: cross_entropy(scores, symbols[:, column], reduction="none")
        for name, (scores, column) in logits.items()
    }


def mean_nats(network: NoteLikelihoods, lines: Sequence[NoteLine]) -> dict[str, float]:
    """Return nats per note of whole lines without conditions, by symbol; "loss" is their sum."""
    totals = piece_nats(network, lines)
    notes = totals["notes"].sum()
    means = {name: float(t.sum() / notes) for name, t in totals.items() if name != "notes"}
    return {"loss": sum(means.values()), **means}


def piece_nats(
    network: NoteLikelihoods, lines: Sequence[NoteLine], prompt_notes: Sequence[int] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return each line's nats in all, by symbol, and its "notes": float64, shape (lines,).

    `prompt_notes` says for each line how many notes at its beginning are given and not counted.
    """
    names = ["shift", "pitch", "duration"]
    names += ["velocity"] if network.heads.velocity is not None else []
    totals = {name: np.zeros(len(lines)) for name in (*names, "notes")}
    order = np.argsort([len(line) for line in lines], kind="stable")
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        for begin in range(0, len(order), _AT_ONCE):
            chosen = order[begin : begin + _AT_ONCE]
            batch = whole_lines([lines[i] for i in chosen]).to(device)
            nats = head_nats(network.past(batch), network.heads, batch)
            row, place = batch.mask.nonzero(as_tuple=True)
            if prompt_notes is not None:
                given = torch.tensor([prompt_notes[i] for i in chosen], device=device)
                nats = {name: cost * (place >= given[row]) for name, cost in nats.items()}
            counted = torch.ones_like(place, dtype=torch.float64)
            if prompt_notes is not None:
                counted *= place >= given[row]
            for name, cost in {**nats, "notes": counted}.items():
                sums = torch.zeros(len(chosen), dtype=torch.float64, device=device)
                totals[name][chosen] = sums.index_add(0, row, cost.double()).cpu().numpy()
    network.train(was_training)
    return totals


def prompted_nats(
    network: NoteLikelihoods, pieces: Sequence[Piece], prompt_bars: float
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return `piece_nats` of what follows the first bars of each piece.

    "prompted": the network has heard those bars; "unprompted": what follows is all it hears,
    from a bar line on. Pieces without notes on both sides are left out.
    """
    whole, rest, given = [], [], []
    for piece in pieces:
        end = piece.pickup_beats + prompt_bars * piece.bar_beats
        after = piece.phrase().between(end, piece.length).notes
        if after and len(after) < piece.pitch.size:
            whole.append(piece_line(piece))
            rest.append(line_of(after, piece.bar_beats, 0.0))
            given.append(len(whole[-1]) - len(rest[-1]))
    return {
        "prompted": piece_nats(network, whole, given),
        "unprompted": piece_nats(network, rest),
    }
