"""The attention LSTM's network: all positions at once to train, one step at a time to play.

Two embeddings of 100 → LSTM 256 → LSTM 256 → Dense 1 with tanh → softmax over time → weighted sum
→ two heads (the document's sizes). The softmax runs over the past only. Because tanh keeps the
scores in ±1, exp(score) is at most e: sums of it need no running maximum, and a step needs no past
but a mean and a total weight, whatever the length of what was played.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from instrument.music.vocabulary import Vocabulary
from training.symbol_lstm.batches import BAR_LENGTHS, PHASES, SavedVocabulary, SymbolBatch

EMBEDDING = 100
UNITS = 256
LAYERS = 2
_PHASE_EMBEDDING = 24


class AttentionNetwork(nn.Module):
    """Predict the next chord and the next duration from all before.

    Parameters
    ----------
    chords, durations
        The two vocabularies.
    units
        Width of each LSTM layer.
    dropout
        Between the layers and before the heads.
    hears_metre
        Also embed where in the bar the next event starts, and the bar's length (ours).
    speaks_from_state
        The heads read the last hidden state beside the attended past (as in Luong et al., 2015,
        section 3.1); the document's read the attended past alone.
    learns_in_bfloat16
        Multiply in 16 bits while training: on a CPU with such instructions twice as fast.
    """

    def __init__(
        self,
        chords: Vocabulary,
        durations: Vocabulary,
        units: int = UNITS,
        dropout: float = 0.0,
        hears_metre: bool = True,
        speaks_from_state: bool = True,
        learns_in_bfloat16: bool = False,
    ) -> None:
        super().__init__()
        self.saved_chords = SavedVocabulary(chords)
        self.saved_durations = SavedVocabulary(durations)
        self.learns_in_bfloat16 = learns_in_bfloat16
        self.units, self.hears_metre, self.speaks_from_state = units, hears_metre, speaks_from_state
        self.chord = nn.Embedding(len(chords), EMBEDDING)
        self.duration = nn.Embedding(len(durations), EMBEDDING)
        self.phase = nn.Embedding(PHASES if hears_metre else 1, _PHASE_EMBEDDING)
        self.bar = nn.Embedding(BAR_LENGTHS if hears_metre else 1, _PHASE_EMBEDDING)
        inputs = 2 * EMBEDDING + (_PHASE_EMBEDDING if hears_metre else 0)
        self.lstm = nn.LSTM(inputs, units, LAYERS, batch_first=True, dropout=dropout)
        self.score = nn.Linear(units, 1)
        self.dropout = nn.Dropout(dropout)
        heard = 2 * units if speaks_from_state else units
        self.next_chord = nn.Linear(heard, len(chords))
        self.next_duration = nn.Linear(heard, len(durations))

    def read(self, chords: Tensor, durations: Tensor, phases: Tensor, bars: Tensor) -> Tensor:
        """Embed what comes in, int64 (b, t), as float32 (b, t, inputs)."""
        pair = torch.cat([self.chord(chords), self.duration(durations)], dim=-1)
        if not self.hears_metre:
            return pair
        return torch.cat([pair, self.phase(phases) + self.bar(bars)], dim=-1)

    def speak(self, hidden: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (…, chords) and (…, durations) from what was attended and the state."""
        heard = torch.cat([hidden, context], dim=-1) if self.speaks_from_state else context
        heard = self.dropout(heard)
        return self.next_chord(heard), self.next_duration(heard)

    def forward(self, batch: SymbolBatch) -> tuple[Tensor, Tensor]:
        """Return the logits at every position of a batch, each from its past alone."""
        inputs = self.read(batch.chords, batch.durations, batch.phases, batch.bars)
        is_short = self.training and self.learns_in_bfloat16
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=is_short):
            hidden, _ = self.lstm(inputs)  # (b, t, units)
        hidden = hidden.float()
        weight = self.score(hidden).tanh().exp()  # (b, t, 1)
        context = (weight * hidden).cumsum(dim=1) / weight.cumsum(dim=1)
        return self.speak(hidden, context)


class AttentionStepModule(nn.Module):
    """One event with explicit state: the form that is exported.

    Inputs, in this order: `chord`, `duration`, `phase`, `bar` int64 (1, 1) as in `SymbolBatch`;
    `hidden`, `cell` float32 (2, 1, units); `context` float32 (1, units), the attended past;
    `weight` float32 (1, 1), its total weight. All states begin as zeros, the ids with START (0).

    Outputs: `chord_logits` float32 (1, chords), `duration_logits` float32 (1, durations), and the
    four states.
    """

    def __init__(self, network: AttentionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        chord: Tensor,
        duration: Tensor,
        phase: Tensor,
        bar: Tensor,
        hidden: Tensor,
        cell: Tensor,
        context: Tensor,
        weight: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Feed one event, return what may follow and the states after it."""
        net = self.network
        out, (hidden, cell) = net.lstm(net.read(chord, duration, phase, bar), (hidden, cell))
        out = out[:, 0]
        new = net.score(out).tanh().exp()
        weight = weight + new
        context = context + (new / weight) * (out - context)
        chord_logits, duration_logits = net.speak(out, context)
        return chord_logits, duration_logits, hidden, cell, context, weight

    def begin(self, count: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the states before anything was heard, for `count` phrases side by side."""
        units, device = self.network.units, self.network.score.weight.device
        states = torch.zeros(LAYERS, count, units, device=device)
        context = torch.zeros(count, units, device=device)
        return states, states.clone(), context, torch.zeros(count, 1, device=device)
