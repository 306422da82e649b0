"""What the note-tuple systems have in common: losses, training, likelihoods, phrases.

In: anything that turns note columns into one vector per note, and `Heads`. Out: a learner.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from instrument.note import Phrase
from training.data.corpus import Corpus, Piece, meter_of
from training.learning import Moment, rate
from training.note_batches import (
    DURATION,
    PITCH,
    SHIFT,
    VELOCITY,
    NoteBatch,
    NoteLine,
    cut_line,
    draw_batch,
    line_of,
    piece_line,
    whole_lines,
)
from training.note_network import Heads
from training.note_steps import NoteSteps, NoteWriter
from training.parallel import average_gradients

_VALIDATION_PIECES, _AT_ONCE = 128, 16


class Likelihoods(nn.Module):
    """Anything with heads over a past."""

    heads: Heads

    def past(self, batch: NoteBatch) -> Tensor:
        """Return what is known before each note, float32 (b, t, ·)."""
        raise NotImplementedError


class Settings(Protocol):
    """What a configuration says of training, see `training.note_lstm.NoteLSTMConfig`."""

    learning_rate: float
    warm_up_steps: int
    weight_decay: float
    batch: int
    longest: int
    cuts: int
    untransposed: float
    unconditioned: float


Network = TypeVar("Network", bound=Likelihoods)


class NoteTupleLearner(ABC, Generic[Network]):
    """A network over note tuples in training: a `training.learning.Learner`.

    Parameters
    ----------
    network
        What learns.
    settings
        How.
    corpus, device
        From what, and where.
    """

    def __init__(
        self, network: Network, settings: Settings, corpus: Corpus, device: torch.device
    ) -> None:
        self.network = network.to(device)
        self.settings, self.corpus, self.device = settings, corpus, device
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            betas=(0.9, 0.98),
        )
        self.networks: dict[str, nn.Module] = {"network": network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": self.optimizer}
        self._training: list[NoteLine] = []
        self._validation: list[NoteLine] = []

    @abstractmethod
    def step_module(self) -> NoteSteps:
        """Return the graphs of one note."""

    @property
    def velocity_bin(self) -> int:
        """The velocity bin of the corpus, if it has only one."""
        return int(self.corpus.pieces[0].velocity[0]) // 16

    def step(self, at: Moment) -> dict[str, Tensor]:
        """Learn from one batch."""
        told = self.settings
        self._training = self._training or training_lines(self.corpus, told.cuts)
        batch = draw_batch(
            self._training,
            told.batch,
            told.longest,
            at.random,
            told.untransposed,
            told.unconditioned,
        ).to(self.device)
        self.network.train()
        nats = head_nats(self.network.past(batch), self.network.heads, batch)
        rate_now = told.learning_rate * rate(at, told.warm_up_steps)
        return descend(self.network, self.optimizer, nats, rate_now)

    def validate(self) -> dict[str, float]:
        """Return nats per note of validation pieces, without conditions."""
        self._validation = self._validation or validation_lines(self.corpus)
        return mean_nats(self.network, self._validation)

    def nll(self, pieces: Sequence[Piece]) -> dict[str, NDArray[np.float64]]:
        """Return each piece's nats, by symbol, and its "notes": float64, shape (pieces,)."""
        return piece_nats(self.network, [piece_line(piece) for piece in pieces])

    def prompted_nll(
        self, pieces: Sequence[Piece], prompt_bars: float = 2.0
    ) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Return `nll` of what follows the first bars: "prompted" by them, and "unprompted"."""
        return prompted_nats(self.network, pieces, prompt_bars)

    def generate(
        self, count: int, seed: int, prompt: Phrase | None = None, length_beats: float = 32.0
    ) -> list[Phrase]:
        """Return phrases, each from its own seed; after a prompt, what follows it alone."""
        writer = NoteWriter(self.step_module())
        begin = prompt or self._beginning()
        return [
            writer.continue_phrase(begin, length_beats, seed + number) for number in range(count)
        ]

    def samples(self) -> dict[str, Phrase]:
        """Return a phrase from nothing, and a validation piece's first bars continued."""
        given = self.corpus.split("valid")[0].phrase()
        prompt = given.between(0.0, given.pickup_beats + 2.0 * given.bar_beats)
        (free,), (then,) = self.generate(1, 1), self.generate(1, 2, prompt)
        return {"from nothing": free, "a continuation": prompt.followed_by(then)}

    def _beginning(self) -> Phrase:
        """Return an empty phrase with the corpus's commonest bar."""
        bars = Counter(piece.bar_beats for piece in self.corpus.pieces)
        meter = meter_of(bars.most_common(1)[0][0])
        return Phrase.of((), 0.0, meter=(meter.beats, meter.unit))


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


def descend(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    nats: dict[str, Tensor],
    learning_rate: float,
) -> dict[str, Tensor]:
    """Take one step down the mean of the notes' nats; return the mean of each symbol."""
    means = {name: cost.mean() for name, cost in nats.items()}
    loss = torch.stack(list(means.values())).sum()
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    average_gradients(network.parameters())
    clip_grad_norm_(network.parameters(), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    return {"loss": loss.detach(), **{name: mean.detach() for name, mean in means.items()}}


def training_lines(corpus: Corpus, cuts: int) -> list[NoteLine]:
    """Return the training pieces, and of each `cuts` that begin at some later bar line."""
    pieces = [piece for piece in corpus.split("train") if piece.pitch.size]
    random = np.random.default_rng(len(pieces))
    lines = [piece_line(piece) for piece in pieces]
    for _ in range(cuts):
        lines += [cut for piece in pieces if (cut := cut_line(piece, random))]
    return lines


def validation_lines(corpus: Corpus) -> list[NoteLine]:
    """Return up to 128 validation pieces, evenly spread over the split."""
    pieces = [piece for piece in corpus.split("valid") if piece.pitch.size]
    stride = max(1, len(pieces) // _VALIDATION_PIECES)
    return [piece_line(piece) for piece in pieces[::stride][:_VALIDATION_PIECES]]


def has_velocities(corpus: Corpus) -> bool:
    """Say whether notes differ in velocity by more than a bin."""
    return len({int(v) // 16 for piece in corpus.pieces for v in np.unique(piece.velocity)}) > 1


def mean_nats(network: Likelihoods, lines: Sequence[NoteLine]) -> dict[str, float]:
    """Return nats per note of whole lines without conditions, by symbol; "loss" is their sum."""
    totals = piece_nats(network, lines)
    notes = totals["notes"].sum()
    means = {name: float(t.sum() / notes) for name, t in totals.items() if name != "notes"}
    return {"loss": sum(means.values()), **means}


def piece_nats(
    network: Likelihoods, lines: Sequence[NoteLine], prompt_notes: Sequence[int] | None = None
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
    network: Likelihoods, pieces: Sequence[Piece], prompt_bars: float
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
