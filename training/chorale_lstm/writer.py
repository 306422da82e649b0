"""Write four voices frame by frame: what a host does with the chorale network's step graphs.

In: frames in which some voices are given and others are open. Out: the whole, drawn from the
network by the same chain rule that its likelihood follows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from instrument.composers.chorale_lstm.features import ORDER, frame_vector, relations, voice_vector
from instrument.composers.chorale_lstm.state import (
    VOICE_COUNT,
    advance,
    begin,
    pitch_of,
    possible_moves,
)
from instrument.music.chorale_frames import phrase_of
from instrument.music.note import Phrase
from instrument.music.sampling import draw
from training.chorale_lstm.network import AdvanceStep, ChoraleNetwork, PlaceStep
from training.data.symbolic.corpus import meter_of


class ChoraleWriter:
    """A chorale that grows.

    Parameters
    ----------
    network
        On the CPU or elsewhere; put in evaluation mode here.
    bar_beats, pickup_beats
        Its meter.
    temperature, top_p
        See `instrument.music.sampling.draw`.
    """

    def __init__(
        self,
        network: ChoraleNetwork,
        bar_beats: float,
        pickup_beats: float,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> None:
        self._advance, self._place = AdvanceStep(network).eval(), PlaceStep(network).eval()
        self._device = network.remembered.weight.device
        self._h, self._c = network.initial_state(1)
        self._bar_beats, self._pickup_beats = bar_beats, pickup_beats
        self._temperature, self._top_p = temperature, top_p
        self.past = begin(bar_beats, pickup_beats)

    def write(self, frames: NDArray[np.floating], seed: int) -> None:
        """Append frames, float (T, 4); NaN where a voice is open."""
        random = np.random.default_rng(seed)
        for given in frames.tolist():
            context = self._next_context()
            placed = [-1] * VOICE_COUNT
            for voice in ORDER:
                if np.isnan(given[voice]):
                    logits = self._scores(context, voice, tuple(placed))
                    allowed = possible_moves(self.past, voice)
                    move = draw(logits, random, self._temperature, self._top_p, allowed)
                    placed[voice] = pitch_of(self.past, voice, move)
                else:
                    placed[voice] = int(given[voice])
            self.past = advance(self.past, tuple(placed))

    def nats(self, frame: tuple[int, ...], moves: tuple[int, ...]) -> list[float]:
        """Append a frame and return -log of the probability of its moves, in `ORDER`."""
        context, found = self._next_context(), []
        for voice, move in zip(ORDER, moves, strict=True):
            logits = self._scores(context, voice, frame)
            logits[~possible_moves(self.past, voice)] = -np.inf
            found.append(float(np.logaddexp.reduce(logits) - logits[move]))
        self.past = advance(self.past, frame)
        return found

    def phrase(self) -> Phrase:
        """Return what is written."""
        meter = meter_of(self._bar_beats)
        return phrase_of(
            self.past.frames, meter=(meter.beats, meter.unit), pickup_beats=self._pickup_beats
        )

    @torch.no_grad()
    def _next_context(self) -> torch.Tensor:
        frame = torch.from_numpy(frame_vector(self.past)).to(self._device)[None]
        context, self._h, self._c = self._advance(frame, self._h, self._c)
        assert isinstance(context, torch.Tensor)
        return context

    @torch.no_grad()
    def _scores(
        self, context: torch.Tensor, voice: int, placed: tuple[int, ...]
    ) -> NDArray[np.float64]:
        vector = torch.from_numpy(voice_vector(self.past, voice, placed)).to(self._device)
        related = torch.from_numpy(relations(self.past, voice, placed)).to(self._device)
        logits = self._place(context, vector[None], related[None])[0]
        scores: NDArray[np.float64] = logits.double().cpu().numpy()
        return scores


def without_voices(frames: NDArray[np.integer], open_voices: Iterable[int]) -> NDArray[np.float64]:
    """Return frames in which some voices are open."""
    given = frames.astype(np.float64)
    given[:, list(open_voices)] = np.nan
    return given
