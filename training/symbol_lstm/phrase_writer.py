"""Phrases of the attention LSTM, written event by event, as a host does with the step graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from instrument.music.chord_events import REST, ChordEvent, notes_of
from instrument.music.note import Meter, Phrase
from instrument.music.note_tuples import GRID
from training.symbol_lstm.attention_network import AttentionStepModule
from training.symbol_lstm.batches import (
    Lexicon,
    bar_length,
    bar_phase,
)


class PhraseWriter:
    """Phrases that grow event by event, side by side: what a host does with the step graph.

    Parameters
    ----------
    step
        The network's step.
    lexicon
        Its names.
    prompt
        Gives the metre; 4/4 without one. It is not heard yet: `write` its events.
    count
        How many phrases.
    """

    def __init__(
        self, step: AttentionStepModule, lexicon: Lexicon, prompt: Phrase | None, count: int
    ) -> None:
        self.step, self.lexicon = step, lexicon
        self.bar_ticks = round(prompt.bar_beats * GRID) if prompt else 4 * GRID
        self.pickup_ticks = round(prompt.pickup_beats * GRID) if prompt else 0
        self.meters = prompt.meters if prompt else (Meter(0.0, 4, 4),)
        self.now: NDArray[np.int64] = np.zeros(count, np.int64)
        self._last = self.now, self.now
        self._states = step.begin(count)
        self._events: list[list[ChordEvent]] = [[] for _ in range(count)]
        self._rest = lexicon.chords.id_of(REST) if REST in lexicon.chords else 0

    def logits(self) -> tuple[Tensor, Tensor]:
        """Hear the last event; return the next one's logits, on the CPU. Call once per event.

        START is excluded, and a rest after a rest.
        """
        device = self.step.network.score.weight.device
        phases = bar_phase(self.now, self.bar_ticks, self.pickup_ticks)
        bars = np.full(len(phases), bar_length(self.bar_ticks))
        columns = (*self._last, phases, bars)
        inputs = [torch.from_numpy(column)[:, None].to(device) for column in columns]
        with torch.no_grad():
            chord, duration, *states = self.step(*inputs, *self._states)
        hidden, cell, context, weight = states
        self._states = hidden, cell, context, weight
        chord, duration = chord.cpu(), duration.cpu()
        chord[:, 0] = duration[:, 0] = -torch.inf
        chord[torch.from_numpy(self._last[0] == self._rest), self._rest] = -torch.inf
        return chord, duration

    def write(self, chords: NDArray[np.int64], durations: NDArray[np.int64]) -> None:
        """Append one event to each phrase, ids of shape (count,)."""
        for events, chord, duration in zip(self._events, chords, durations, strict=True):
            events.append(self.lexicon.event(int(chord), int(duration)))
        self._last = chords, durations
        self.now = self.now + np.array([events[-1].advance_ticks for events in self._events])

    def phrases(self) -> list[Phrase]:
        """Return what was written so far."""
        return [
            replace(
                Phrase.of(notes_of(events), int(now) / GRID),
                meters=self.meters,
                pickup_beats=self.pickup_ticks / GRID,
            )
            for events, now in zip(self._events, self.now, strict=True)
        ]
