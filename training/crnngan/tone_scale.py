"""Between notes as they are written and the numbers that C-RNN-GAN's networks hear.

A *note* is four numbers, float32: length in beats, pitch (the paper's frequency), velocity, and
beats since the previous note's start. Scaled, they lie within about ±2: lengths and times by
logarithms, pitch and velocity linearly.

Ours differs from the paper's in that pitch is a place on the staff of C major, where all pieces are
moved: a generator of real numbers cannot jump over the semitones between, but it can climb a staff.
Its places are rounded softly. Hard rounding to the grid is left for the end (`ToneScale.notes`):
rounding while training, with the gradient passed straight through, was tried and left, because the
slope at a whole step says which neighbour is better, not that the note is already right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_SHORTEST = 0.125
_STAFF = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0)
_STEPS = 3.5
_RELUCTANCE = 0.45
"""Steps by which a note outside C major must be nearer than one inside to be chosen. A generator of
real numbers crosses the half steps on its way, and would stop there fifteen times as often as the
tunes do (19 % of its notes); with this it does as often (1.5 %).
"""


@dataclass(frozen=True, slots=True)
class ToneValues:
    """Which lengths and distances the data has; what is generated is rounded to these.

    Attributes
    ----------
    lengths, advances
        Beats, ascending; an advance of 0 is a chord.
    bar_beats
        How long a bar is.
    """

    lengths: tuple[float, ...]
    advances: tuple[float, ...]
    bar_beats: float


class ToneScale(nn.Module):
    """Between notes and the networks' numbers.

    Parameters
    ----------
    values
        Which lengths and advances exist.
    is_staff
        Pitch is a place on the staff: the notes of C major are whole steps, seven to the octave,
        those between them half ones. Otherwise it counts semitones, as the paper's does.
    """

    def __init__(self, values: ToneValues, is_staff: bool) -> None:
        super().__init__()
        self.lengths: Tensor
        self.advances: Tensor
        self.pitches: Tensor
        self.register_buffer("lengths", torch.tensor(values.lengths))
        self.register_buffer("advances", torch.tensor(values.advances))
        pitch = torch.arange(128)
        staff = 7.0 * (pitch // 12) + torch.tensor(_STAFF)[pitch % 12]
        scaled = (staff - staff[72]) / _STEPS if is_staff else (pitch - 72.0) / 6.0
        self.register_buffer("pitches", scaled)
        self.reluctance: Tensor
        reluctance = _RELUCTANCE / _STEPS * (staff % 1.0 > 0.0) * is_staff
        self.register_buffer("reluctance", reluctance, persistent=False)

    def scaled(self, notes: Tensor) -> Tensor:
        """Return notes (…, 4) as the networks' numbers (…, 4)."""
        length, pitch, velocity, advance = notes.unbind(-1)
        place = self.pitches[pitch.long()]
        return torch.stack((length.log2(), place, (velocity - 80.0) / 16.0, _log(advance)), dim=-1)

    def notes(self, scaled: Tensor) -> Tensor:
        """Return notes from the networks' numbers, whole pitches and existing lengths."""
        length, pitch, velocity, advance = scaled.unbind(-1)
        parts = (
            self.lengths[_nearest(length, self.lengths.log2())],
            _nearest(pitch, self.pitches, self.reluctance).float(),
            (80.0 + 16.0 * velocity).round().clamp(1.0, 127.0),
            self.advances[_nearest(advance, _log(self.advances))],
        )
        return torch.stack(parts, dim=-1)


def beats_since(scaled: Tensor) -> Tensor:
    """Return beats since the previous start (…), from scaled notes (…, 4); never negative."""
    return (scaled[..., 3].clamp(-3.0, 4.0).exp2() - _SHORTEST).clamp(min=0.0)


def softly_rounded(scaled_pitch: Tensor) -> Tensor:
    """Draw places on the staff towards whole steps, smoothly, in the same order as before."""
    steps = _STEPS * scaled_pitch
    drawn = steps - 0.9 / (2.0 * math.pi) * (2.0 * math.pi * steps).sin()
    return drawn / _STEPS


def _log(advance: Tensor) -> Tensor:
    return (advance + _SHORTEST).log2()


def _nearest(scaled: Tensor, values: Tensor, reluctance: Tensor | float = 0.0) -> Tensor:
    return ((scaled[..., None] - values).abs() + reluctance).argmin(dim=-1)
