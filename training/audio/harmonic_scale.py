"""Spectra seen from the played pitch: what is left once an ideal harmonic tone is taken away.

In: pitches. Out: the level and the phase of a tone that starts with the tone, whose harmonics are
equally strong. GANSynth draws magnitudes and frequencies as they are, and so its
networks have to learn where sixty-one pitches have their partials. Images relative to this tone
hold the spectral envelope and small deviations instead; a network that draws zeros is in tune.
After Engel et al., 2020 (DDSP), where the fundamental drives the oscillators.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from instrument.music.pitch import pitch_to_hz
from training.audio.format import WAVE_RATE_HZ

_SILENT = -30.0
_GOLDEN = 0.5 * (5.0**0.5 - 1.0)  # squares times it are spread evenly: harmonics never add up
_HOPS_PER_WINDOW = 4.0
# Medians over twenty instruments: how fast the level falls beside a harmonic, in windows that
# reach into the silence before the tone by so much of their length (or start after it).
_REACHES = (-0.5, 0.0, 0.25, 0.5, 0.75)
_WIDTHS_BINS = (0.9, 1.2, 1.5, 1.9, 2.5)
_SLOPES = (0.9, 0.75, 0.65, 0.6, 0.55)

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HarmonicTone:
    """The tone, seen through one kind of window.

    Attributes
    ----------
    windows, bins, lead_frames
        See `training.audio.spectrogram.Spectrogram`.
    """

    windows: int
    bins: int
    lead_frames: int

    @property
    def silent_windows(self) -> int:
        """How many windows end before the tone begins."""
        return int((self._reach() >= 1.0).sum())

    @property
    def first_steady_window(self) -> int:
        """From which window on the level stays the same and the phase turns evenly."""
        return int((self._reach() > _REACHES[0]).sum())

    def level(self, pitch: Tensor) -> Tensor:
        """Return the tone's log magnitude, (n, windows, bins), for MIDI pitches (n,).

        A harmonic's own bin has level 0 in a whole window, less in one that the tone only partly
        fills; windows before the tone have next to nothing.
        """
        harmonic, f0_bins = self._harmonics(pitch)
        distance = torch.arange(1, self.bins + 1).to(harmonic) - harmonic * f0_bins
        reach = self._reach()
        width = torch.from_numpy(np.interp(reach, _REACHES, _WIDTHS_BINS)).to(harmonic)
        slope = torch.from_numpy(np.interp(reach, _REACHES, _SLOPES)).to(harmonic)
        gain = torch.from_numpy(self._gain_and_centre()[0]).to(harmonic)
        beside = -slope[:, None] * torch.log1p((distance[:, None] / width[:, None]).square())
        steady = torch.maximum(_hann_lobe(distance)[:, None], beside - math.log(2.0))
        is_steady = torch.from_numpy(reach <= _REACHES[0])[:, None].to(harmonic.device)
        return (gain[:, None] + torch.where(is_steady, steady, beside)).float()

    def phase(self, pitch: Tensor) -> Tensor:
        """Return the tone's phase in radians, (n, windows, bins), as `level`; exact modulo 2π.

        Beside a harmonic every bin has a start of its own: in step, the bins there would pull every
        window's sound to its middle, a tremolo at the hop's rate.
        """
        harmonic, f0_bins = self._harmonics(pitch)
        centre = self._gain_and_centre()[1]  # frames from the window's start
        since_onset = np.arange(self.windows) * (self.bins // 2) + centre - self.lead_frames
        length = 2.0 * self.bins
        since, middle = (
            torch.from_numpy(part / length)[:, None].to(harmonic) for part in (since_onset, centre)
        )
        bins = torch.arange(1, self.bins + 1).to(harmonic)
        turns = (harmonic * f0_bins)[:, None] * since - bins * middle
        is_beside = (bins - harmonic * f0_bins).abs() >= 2.0
        start = _GOLDEN * (harmonic.square() + bins.square() * is_beside)
        turns = turns + start[:, None]
        return (2.0 * np.pi * (turns - turns.round())).float()

    def turns_per_hop(self, pitch: Tensor) -> Tensor:
        """Return how far the phase turns from one whole window to the next, (n, bins), ±0.5."""
        harmonic, f0_bins = self._harmonics(pitch)
        turns = harmonic * f0_bins / _HOPS_PER_WINDOW
        return (turns - turns.round()).float()

    def _harmonics(self, pitch: Tensor) -> tuple[Tensor, Tensor]:
        """Return each bin's nearest harmonic, (n, bins), and the fundamental in bins, (n, 1)."""
        hz = pitch_to_hz(pitch.to(torch.float64))
        f0_bins = (hz * (2.0 * self.bins / WAVE_RATE_HZ))[:, None]
        bins = torch.arange(1, self.bins + 1).to(f0_bins)
        return (bins / f0_bins).round().clamp(min=1.0), f0_bins

    def _reach(self) -> Float:
        """Return how much of each window lies before the tone, negative when it starts later."""
        start = np.arange(self.windows) * (self.bins // 2)
        return np.asarray((self.lead_frames - start) / (2.0 * self.bins))

    def _gain_and_centre(self) -> tuple[Float, Float]:
        """Return the log gain and the centre of gravity of each window's part in the tone."""
        length = 2 * self.bins
        frame = np.arange(length)
        hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * frame / length)
        part = np.where(frame >= self._reach()[:, None] * length, hann, 0.0)
        total = part.sum(axis=1)
        safe = np.where(total > 0.0, total, 1.0)
        gain = np.where(total > 0.0, np.log(safe / hann.sum()), _SILENT)
        centre = np.where(total > 0.0, (part * frame).sum(axis=1) / safe, 0.5 * length)
        return gain, centre


def _hann_lobe(distance_bins: Tensor) -> Tensor:
    """Return the log magnitude of a Hann window's main lobe, far down outside it."""
    lobe = torch.sinc(distance_bins)
    for side in (-1.0, 1.0):
        lobe = lobe + 0.5 * torch.sinc(distance_bins + side)
    inside = (distance_bins.abs() < 2.0) & (lobe > 0.0)
    return torch.where(inside, lobe, math.exp(_SILENT)).log()
