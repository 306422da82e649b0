"""What the small convolutional GAN's sounds are worth, beside recordings and beside noise.

In: a trained generator and the wave set it learned from. Out: the same figures for its sounds, for
the recordings it learned from (drawn once more: as good as it gets), for recordings it never heard,
and for noise with the recordings' own mean and spread in every window and band.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.convgan.system import TileSounds, draw_tiles
from training.data.audio.waves import WaveSet
from training.metrics.audio.log_spectra import distance_db, log_spectra
from training.metrics.audio.ndb import BINS, Bins
from training.metrics.audio.sliced_wasserstein import tile_distance
from training.metrics.audio.spectra import spectral_centroid_hz

GENERATED, AGAIN, UNHEARD, NOISE = "generated", "learned from, again", "never heard", "noise"
_BINNED = 4 * BINS


@dataclass(frozen=True, slots=True)
class SoundFigures:
    """Figures of one set of sounds.

    Attributes
    ----------
    shape_db, detail_db
        Distance of its tiles from what was learned from, see
        `training.metrics.audio.sliced_wasserstein`.
    different_bins
        Of 50 clusters of what was learned from, see `training.metrics.audio.ndb`.
    variety_db
        Mean rms difference of the levels of two of its sounds.
    nearest_db
        Median rms difference to the nearest of 200 sounds that were learned from.
    centroid_hz
        Spectral centroid: the 10th, 50th and 90th percentile.
    level_db
        Root mean square against full scale, likewise.
    """

    shape_db: float
    detail_db: float
    different_bins: int
    variety_db: float
    nearest_db: float
    centroid_hz: tuple[float, float, float]
    level_db: tuple[float, float, float]


def measure_sounds(
    sounds: TileSounds, waves: WaveSet, count: int, seed: int, show: Callable[[str], None]
) -> dict[str, SoundFigures]:
    """Measure `count` sounds of each kind.

    Parameters
    ----------
    show
        Told what is being measured: a hundred sounds take half a minute, for their phases.
    """
    tiles = sounds.config.tiles
    random = np.random.default_rng(seed)
    reference, known = draw_tiles(tiles, waves, "train", max(count, _BINNED), random)
    known_spectra = log_spectra(known)
    bins = Bins(known_spectra, seed=seed)
    reference = reference[:count]
    figures = {}
    for name in (GENERATED, AGAIN, UNHEARD, NOISE):
        show(f"measuring what is {name}" if name != NOISE else "measuring noise")
        levels, audio = _draw(name, sounds, waves, reference, random, seed)
        distance = tile_distance(levels, reference, seed)
        spectra = log_spectra(audio)
        figures[name] = SoundFigures(
            shape_db=distance.shape,
            detail_db=distance.detail,
            different_bins=bins.different(spectra),
            variety_db=_variety(spectra),
            nearest_db=_nearest(spectra, known_spectra),
            centroid_hz=_spread([spectral_centroid_hz(one, tiles.rate_hz) for one in audio]),
            level_db=_spread(20.0 * np.log10(np.sqrt(np.square(audio).mean(axis=1)) + 1e-5)),
        )
    return figures


def _draw(
    name: str,
    sounds: TileSounds,
    waves: WaveSet,
    reference: Tensor,
    random: np.random.Generator,
    seed: int,
) -> tuple[Tensor, NDArray[np.float32]]:
    """Return tiles of one kind and the sound of them."""
    tiles, count = sounds.config.tiles, len(reference)
    if name in (AGAIN, UNHEARD):
        return draw_tiles(tiles, waves, "train" if name == AGAIN else "test", count, random)
    levels = sounds.levels(count, seed) if name == GENERATED else _noise_like(reference, seed)
    return levels, tiles.audio(levels, seed).numpy()


def _noise_like(levels: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(levels.shape, generator=generator)
    mean, spread = levels.mean(dim=0, keepdim=True), levels.std(dim=0, keepdim=True)
    return (mean + spread * noise).clamp(float(levels.min()), 0.0)


def _variety(spectra: NDArray[np.float32]) -> float:
    half = len(spectra) // 2
    pairs = zip(spectra[:half], spectra[half : 2 * half], strict=True)
    return float(np.mean([distance_db(one, other[None])[0] for one, other in pairs]))


def _nearest(spectra: NDArray[np.float32], known: NDArray[np.float32]) -> float:
    """Return the median distance to the nearest known sound that is not the same one."""
    return float(np.median([distance_db(one, known).min() for one in spectra]))


def _spread(values: list[float] | NDArray[np.float32]) -> tuple[float, float, float]:
    low, middle, high = (float(value) for value in np.percentile(values, (10, 50, 90)))
    return low, middle, high
