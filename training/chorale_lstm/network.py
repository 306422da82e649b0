"""The chorale network: a recurrent memory of frames, and a head that places one voice at a time.

In: the vectors of `instrument.composers.chorale_lstm.features`. Out: logits of a voice's 51 moves,
so that a piece's likelihood is the product over frames and, within a frame, over soprano, bass,
alto, tenor.

A leap's logit is a sum: one for the leap itself, one for the interval it makes with each other
voice, one for the scale degree and one for the pitch it reaches. So a third over the bass is
learned once, not for every leap that may lead there. A network that has learned 207 chorales is too
sure of itself: a temperature, one number found on the validation pieces, divides its logits (Guo et
al., "On Calibration of Modern Neural Networks", 2017).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from instrument.composers.chorale_lstm.features import (
    FRAME_FEATURES,
    LEAPS,
    RELATION_SIZES,
    RELATIONS,
    VOICE_FEATURES,
)
from instrument.composers.chorale_lstm.state import MOVES, VOICE_COUNT

_MASKS = 1024
_IMPOSSIBLE = -1e9


class ChoraleNetwork(nn.Module):
    """Scores every move of every voice.

    Parameters
    ----------
    units, layers
        Of the LSTM over frames.
    width, blocks
        Of the head: residual blocks of two linear layers.
    dropout, feature_dropout
        Shares of zeroed activations and of zeroed inputs: the LSTM's for a whole piece, the head's
        cell by cell.
    """

    def __init__(
        self,
        units: int,
        layers: int,
        width: int,
        blocks: int,
        dropout: float,
        feature_dropout: float,
    ) -> None:
        super().__init__()
        self.dropout, self.feature_dropout = dropout, feature_dropout
        self.memory = nn.LSTM(
            FRAME_FEATURES, units, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0
        )
        self.remembered = nn.Linear(units, width)
        self.present = nn.Linear(FRAME_FEATURES, width, bias=False)
        self.metrical = nn.Linear(FRAME_FEATURES, VOICE_COUNT * MOVES, bias=False)
        self.entry = nn.Linear(VOICE_FEATURES, width, bias=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
            )
            for _ in range(blocks)
        )
        self.exit = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, MOVES + sum(RELATION_SIZES))
        )
        self.direct = nn.Linear(VOICE_FEATURES, MOVES, bias=False)
        self.habitual = nn.Parameter(torch.zeros(VOICE_COUNT, sum(RELATION_SIZES)))
        nn.init.zeros_(self.metrical.weight)
        nn.init.zeros_(self.direct.weight)
        self.register_buffer("temperature", torch.ones(()))
        self.temperature: Tensor
        starts = [sum(RELATION_SIZES[:row]) for row in range(RELATIONS)]
        self.register_buffer("starts", torch.tensor(starts)[:, None], persistent=False)
        self.starts: Tensor

    def initial_state(self, count: int) -> tuple[Tensor, Tensor]:
        """Return the LSTM's h and c before the first frame, shape (layers, count, units)."""
        like = self.remembered.weight
        shape = (self.memory.num_layers, count, self.memory.hidden_size)
        return like.new_zeros(shape), like.new_zeros(shape)

    def contexts(
        self, frames: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run the memory over frames.

        Parameters
        ----------
        frames
            (B, T, FRAME_FEATURES).

        Returns
        -------
        tuple
            Contexts (B, T, width + 204) for placing each frame, and the state after the last.
        """
        remembered, state = self.memory(self._drop_units(frames, self.feature_dropout), state)
        remembered = self._drop_units(remembered, self.dropout)
        present = self._drop_cells(frames, self.feature_dropout)
        hidden = self.remembered(remembered) + self.present(present)
        return torch.cat([hidden, self.metrical(present)], dim=-1), state

    def logits(self, context: Tensor, voices: Tensor, relations: Tensor) -> Tensor:
        """Score the moves of voices.

        Parameters
        ----------
        context
            (..., width + 204), broadcast over cells.
        voices
            (..., VOICE_FEATURES).
        relations
            Integers, (..., RELATIONS, LEAPS).

        Returns
        -------
        Tensor
            float32, (..., 51).
        """
        voice = voices[..., :VOICE_COUNT]
        voices = self._drop_cells(voices, self.feature_dropout)
        width = self.entry.out_features
        hidden, metrical = context[..., :width], context[..., width:]
        x = self._drop_cells(F.gelu(hidden + self.entry(voices)), self.dropout)
        for block in self.blocks:
            x = x + block(x)
        scores = self.exit(x)
        metrical = metrical.view(*metrical.shape[:-1], VOICE_COUNT, MOVES)
        metrical = (metrical * voice[..., None]).sum(dim=-2)
        moves = (scores[..., :MOVES] + self.direct(voices) + metrical).float()
        related = (scores[..., MOVES:] + voice @ self.habitual.to(voices.dtype)).float()
        index = (relations.long() + self.starts).flatten(-2)
        chosen = related.gather(-1, index)
        leaps = chosen.view(*chosen.shape[:-1], RELATIONS, LEAPS).sum(dim=-2)
        all_moves = [moves[..., : MOVES - LEAPS], moves[..., MOVES - LEAPS :] + leaps]
        logits = torch.cat(all_moves, dim=-1)
        return logits if self.training else logits / self.temperature

    def _drop_units(self, x: Tensor, share: float) -> Tensor:
        """Zero the same units in all frames of a piece (Gal and Ghahramani, 2016)."""
        if not self.training or not share:
            return x
        kept = torch.rand(len(x), 1, x.shape[-1], device=x.device) >= share
        return x * (kept / (1.0 - share)).to(x.dtype)

    def _drop_cells(self, x: Tensor, share: float) -> Tensor:
        """Zero units cell by cell.

        The masks are drawn from 1,024 patterns: a fresh one for every cell took a sixth of a step.
        """
        if not self.training or not share:
            return x
        patterns = torch.rand(_MASKS, x.shape[-1], device=x.device) >= share
        patterns = (patterns / (1.0 - share)).to(x.dtype)
        return x * patterns[torch.randint(_MASKS, x.shape[:-1], device=x.device)]


def masked(logits: Tensor, possible: Tensor) -> Tensor:
    """Leave no chance to moves without a meaning of their own; `possible` as the logits."""
    return logits.masked_fill(~possible, _IMPOSSIBLE)


class AdvanceStep(nn.Module):
    """One frame of the memory, with fixed shapes, for export."""

    def __init__(self, network: ChoraleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Turn (1, FRAME_FEATURES), (layers, 1, units) twice into (1, width + 204), h, c."""
        context, (h, c) = self.network.contexts(frame[:, None], (h, c))
        return context[:, 0], h, c


class PlaceStep(nn.Module):
    """The scores of one voice's moves, with fixed shapes, for export."""

    def __init__(self, network: ChoraleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, context: Tensor, voice: Tensor, relations: Tensor) -> Tensor:
        """Turn a context, (1, VOICE_FEATURES), int64 (1, RELATIONS, LEAPS) into logits (1, 51)."""
        return self.network.logits(context, voice, relations)
