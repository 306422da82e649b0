"""Keep a GANSynth model's weights as float16 where nobody hears it.

In: a model. Out: the same model with weights that float16 can hold, and what that changed. Errors
of the waveform say nothing here: phase is a running sum, and drifts. What counts is the spectrum
and the pitch.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.gansynth.plan import pitch_range
from training.gansynth.tones import GansynthTones

LARGEST_DISTANCE_DB, LARGEST_CENTS = 0.5, 1.0
_NOTES = 12
_SEGMENT = slice(8000, 24000)  # half a second to one and a half
_WINDOW, _HOP, _PADDED = 2048, 512, 2**18
_AUDIBLE_DB = 60.0
_NEAR_CENTS = 50.0


@dataclass(frozen=True, slots=True)
class RoundingChange:
    """What rounded weights change.

    Attributes
    ----------
    distance_db
        Root mean square of the change in level of the bins at most 60 dB below a tone's loudest,
        averaged over tones.
    cents
        Change of the strongest partial's frequency, 95th percentile.
    """

    distance_db: float
    cents: float

    @property
    def is_inaudible(self) -> bool:
        """Say whether the weights may be kept as float16."""
        return self.distance_db <= LARGEST_DISTANCE_DB and self.cents <= LARGEST_CENTS


def with_half_weights(model: GansynthTones) -> GansynthTones:
    """Return a copy whose weights, times their scale, are numbers that float16 can hold."""
    rounded = copy.deepcopy(model)
    with torch.no_grad():
        for layer in rounded.generator.modules():
            if isinstance(weight := getattr(layer, "weight", None), Tensor):
                weight.copy_((weight * getattr(layer, "scale", 1.0)).half().float())
                if hasattr(layer, "scale"):
                    vars(layer)["scale"] = 1.0
    return rounded


def rounding_change(model: GansynthTones, rounded: GansynthTones) -> RoundingChange:
    """Render tones all over the keyboard from both and compare them."""
    lowest, highest = pitch_range(model)
    pitches = torch.linspace(lowest, highest, _NOTES).long()
    size = model.generator.size.latent_size
    latents = torch.randn(_NOTES, size, generator=torch.Generator().manual_seed(16))
    distances, cents = [], []
    for row in range(_NOTES):
        z, pitch = latents[row : row + 1], pitches[row : row + 1]
        with torch.no_grad():
            before, after = (tones(z, pitch)[0].numpy() for tones in (model, rounded))
        distances.append(spectral_distance_db(before, after))
        cents.append(abs(cents_between(before, after)))
    return RoundingChange(float(np.mean(distances)), float(np.percentile(cents, 95)))


def spectral_distance_db(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Return how far the levels of two tones are apart, in dB, where the first can be heard."""
    levels = [_levels_db(tone) for tone in (before, after)]
    audible = levels[0] > levels[0].max() - _AUDIBLE_DB
    return float(np.sqrt(np.square(levels[1] - levels[0])[audible].mean()))


def cents_between(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Return by how many cents the strongest partial of a tone has moved."""
    spectra = [_long_spectrum(tone) for tone in (before, after)]
    first = _peak(spectra[0], 1, len(spectra[0]) - 1)
    near = 2.0 ** (_NEAR_CENTS / 1200.0)
    second = _peak(spectra[1], int(first / near), int(first * near) + 2)
    return float(1200.0 * np.log2(second / first))


def _levels_db(tone: NDArray[np.float32]) -> NDArray[np.float64]:
    windows = np.lib.stride_tricks.sliding_window_view(tone.astype(np.float64), _WINDOW)[::_HOP]
    magnitude = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW)))
    return np.asarray(20.0 * np.log10(magnitude + 1e-9))


def _long_spectrum(tone: NDArray[np.float32]) -> NDArray[np.float64]:
    part = tone[_SEGMENT].astype(np.float64)
    return np.asarray(np.log(np.abs(np.fft.rfft(part * np.hanning(len(part)), _PADDED)) + 1e-12))


def _peak(spectrum: NDArray[np.float64], start: int, end: int) -> float:
    """Return the place of the highest value within a range, by a parabola through three points."""
    start, end = max(1, start), min(len(spectrum) - 1, end)
    top = start + int(np.argmax(spectrum[start:end]))
    low, middle, high = spectrum[top - 1 : top + 2]
    bend = low - 2.0 * middle + high
    return top + (0.5 * (low - high) / bend if bend < 0.0 else 0.0)
