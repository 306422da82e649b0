"""C-RNN-GAN's networks (Mogren, 2016): a recurrent generator and a bidirectional discriminator.

They hear and make notes as four numbers each, scaled (`training.crnngan.tone_scale`). A *cell* is
one step of the networks: 1 note, or 3 in the paper's polyphonic variant, where 0 beats since the
previous start make a chord. Ours also hear pitch as chroma and time as a place in the bar
(`NoteEncoder`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.crnngan.tone_scale import ToneScale, ToneValues, beats_since, softly_rounded

FEATURES = 4
FIRST_NOTE = (1.0, 72.0, 80.0, 0.875)
"""What stands before the first note: all zeros to the networks."""
_CHROMA = 6
_BEAT_HARMONICS = (1.0, 2.0, 4.0, 8.0)


class NoteEncoder(nn.Module):
    """What the networks hear of scaled notes (b, t, notes, 4).

    Parameters
    ----------
    bar_beats
        How long a bar is.
    hears_more
        Also chroma and the place in the bar; False is the paper's hearing.
    """

    _COSINES, _SINES = FEATURES, FEATURES + _CHROMA + len(_BEAT_HARMONICS)
    PITCH = (
        1,
        *range(_COSINES, _COSINES + _CHROMA),
        *range(_SINES, _SINES + _CHROMA),
    )
    """The columns that tell a note's pitch, if it hears more."""
    RHYTHM = (
        0,
        3,
        *range(_COSINES + _CHROMA, _SINES),
        *range(_SINES + _CHROMA, _SINES + _CHROMA + len(_BEAT_HARMONICS)),
    )
    """The columns that tell its length and place."""

    def __init__(self, bar_beats: float, hears_more: bool) -> None:
        super().__init__()
        self.hears_more = hears_more
        self.chroma: Tensor
        self.places: Tensor
        self.register_buffer("chroma", torch.arange(1.0, _CHROMA + 1) * (2.0 * math.pi))
        self.register_buffer("places", torch.tensor(_BEAT_HARMONICS) * (2.0 * math.pi / bar_beats))
        self.width = FEATURES + (2 * (_CHROMA + len(_BEAT_HARMONICS)) if hears_more else 0)

    def forward(self, scaled: Tensor, beats: Tensor) -> Tensor:
        """Return (b, t, notes, width); `beats` (b, t, notes) is when each note starts."""
        if not self.hears_more:
            return scaled
        octaves = scaled[..., 1, None] / 2.0  # from C; whole octaves are whole turns
        turns = torch.cat([octaves * self.chroma, beats[..., None] * self.places], dim=-1)
        return torch.cat([scaled, turns.cos(), turns.sin()], dim=-1)


class NoteGenerator(nn.Module):
    """Two LSTM layers, fed noise and their own previous cell (the paper's figure 1).

    Parameters
    ----------
    values
        Which lengths and advances exist.
    hidden
        Units per layer; 350 in the paper.
    tones_per_cell
        1, or 3 in the polyphonic variant.
    noise
        Fresh random numbers per cell.
    hears_more
        See the module; False is the paper's.
    dropout
        Between the layers.
    """

    def __init__(
        self,
        values: ToneValues,
        hidden: int,
        tones_per_cell: int,
        noise: int,
        hears_more: bool,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.scale = ToneScale(values, is_staff=hears_more)
        self.hearing = NoteEncoder(values.bar_beats, hears_more)
        self.hidden, self.tones_per_cell, self.noise = hidden, tones_per_cell, noise
        inputs = noise + tones_per_cell * self.hearing.width
        self.lstm = nn.LSTM(inputs, hidden, 2, batch_first=True, dropout=dropout)
        self.out = nn.Linear(hidden, tones_per_cell * FEATURES)

    def draw_noise(self, count: int, cells: int) -> Tensor:
        """Draw uniform noise in -1..1, (count, cells, noise), on the CPU."""
        return 2.0 * torch.rand(count, cells, self.noise) - 1.0

    def forward(self, noise: Tensor) -> Tensor:
        """Return scaled notes (b, cells, notes, 4), each cell made after the generator's own."""
        previous, beats, hidden, cell = self.begin(len(noise))
        made = []
        for fresh in noise.unbind(dim=1):
            previous, hidden, cell = self.cell(fresh, previous, beats, hidden, cell)
            beats = beats + beats_since(previous).sum(dim=1)
            made.append(previous)
        return torch.stack(made, dim=1)

    def predict(self, noise: Tensor, real: Tensor) -> Tensor:
        """Return scaled notes (b, cells, notes, 4), each cell made after the real one before it."""
        first = torch.zeros_like(real[:, :1])
        before = torch.cat([first, real[:, :-1]], dim=1)
        last_starts = beats_since(before).sum(dim=2).cumsum(dim=1) - beats_since(first).sum(dim=2)
        starts = last_starts[..., None].expand(before.shape[:3])
        heard = self.hearing(before, starts).flatten(2)
        out, _ = self.lstm(torch.cat([noise, heard], dim=-1))
        return self._notes(out)

    def begin(self, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the cell before the first, its beat, and the layers' hidden and cell states."""
        device = self.out.weight.device
        previous = torch.zeros(count, self.tones_per_cell, FEATURES, device=device)
        states = torch.zeros(2, count, self.hidden, device=device)
        return previous, torch.zeros(count, device=device), states, states.clone()

    def cell(
        self, noise: Tensor, previous: Tensor, beats: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Make one cell (b, notes, 4), scaled, after `previous`, whose last note starts at `beats`.

        The noise is (b, noise), the states (2, b, hidden); they are returned as they are after.
        """
        starts = beats[:, None].expand(-1, self.tones_per_cell)
        heard = self.hearing(previous, starts).flatten(1)
        inputs = torch.cat([noise, heard], dim=-1)[:, None]
        out, (hidden, cell) = self.lstm(inputs, (hidden, cell))
        return self._notes(out)[:, 0], hidden, cell

    def _notes(self, out: Tensor) -> Tensor:
        notes: Tensor = self.out(out).unflatten(-1, (self.tones_per_cell, FEATURES))
        if not self.hearing.hears_more:
            return notes
        length, pitch, velocity, advance = notes.unbind(-1)
        return torch.stack((length, softly_rounded(pitch), velocity, advance), dim=-1)


class GeneratorStep(nn.Module):
    """One cell with explicit state, in notes: the form that is exported.

    Inputs: `noise` float32 (1, noise), uniform in -1..1, fresh for each cell; `previous` float32
    (1, notes, 4), the cell before as notes, `FIRST_NOTE` before the first; `beats` float32 (1,),
    when its last note started, from a bar line; `hidden`, `cell` float32 (2, 1, hidden), zeros at
    first.

    Outputs: `notes` float32 (1, notes, 4), on the grid, to be fed as `previous`; `beats` (1,),
    when the last of them starts; the two states.
    """

    def __init__(self, generator: NoteGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self, noise: Tensor, previous: Tensor, beats: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Make one cell."""
        scale = self.generator.scale
        heard = scale.scaled(previous)
        scaled, hidden, cell = self.generator.cell(noise, heard, beats, hidden, cell)
        notes = scale.notes(scaled)
        return notes, beats + notes[..., 3].sum(dim=1), hidden, cell


class Discriminator(nn.Module):
    """A bidirectional LSTM of two layers; the verdict is the mean over time.

    Parameters
    ----------
    values
        For the bar's length.
    hidden
        Units per layer and direction; 350 in the paper.
    tones_per_cell
        As the generator's.
    hears_more
        See the module.
    learns_in_bfloat16
        Multiply in 16 bits: twice as fast on a CPU with such instructions.
    """

    def __init__(
        self,
        values: ToneValues,
        hidden: int,
        tones_per_cell: int,
        hears_more: bool,
        dropout: float = 0.0,
        learns_in_bfloat16: bool = False,
    ) -> None:
        super().__init__()
        self.learns_in_bfloat16 = learns_in_bfloat16
        self.hearing = NoteEncoder(values.bar_beats, hears_more)
        self.lstm = nn.LSTM(
            tones_per_cell * self.hearing.width,
            hidden,
            2,
            batch_first=True,
            bidirectional=True,
            dropout=dropout,
        )
        self.score = nn.Linear(2 * hidden, 1)

    def forward(self, scaled: Tensor) -> tuple[Tensor, Tensor]:
        """Judge scaled notes (b, cells, notes, 4).

        Returns
        -------
        Tensor
            The logit that they are real, (b,): the mean over cells.
        Tensor
            The last layer's features, (b, cells, 2 * hidden).
        """
        times = beats_since(scaled)
        count, cells, notes, _ = scaled.shape
        beats = times.reshape(count, cells * notes).cumsum(dim=1).reshape(count, cells, notes)
        heard = self.hearing(scaled, beats).flatten(2)
        with torch.autocast(heard.device.type, torch.bfloat16, enabled=self.learns_in_bfloat16):
            features, _ = self.lstm(heard)
        features = features.float()
        return self.score(features)[..., 0].mean(dim=1), features
