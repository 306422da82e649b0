"""Recorded tones as GANSynth's critic sees them.

In: a wave set. Out: batches of images in their own units with their pitches, drawn on the device
that trains; the constants that bring them to ±1; and pitches as often as tones have them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from instrument.errors import SettingError
from training.audio.format import HIGHEST_WAVE_PITCH, LOWEST_WAVE_PITCH
from training.audio.spectrogram import Spectrogram
from training.data.audio.waves import WaveSet
from training.gansynth.config import GansynthConfig
from training.gansynth.tones import Normalizer
from training.gansynth.wavegan_network import WaveImage

MARGIN = 0.8
_MEASURED_NOTES, _AT_ONCE = 1000, 8

Rows = NDArray[np.int64]


class ToneImages:
    """A wave set's tones as images.

    Parameters
    ----------
    waves
        Tones from C1 to C6; others are left out.
    config
        Says what images show.
    device
        Where they are drawn.

    Raises
    ------
    SettingError
        No training tones, or tones too short.
    """

    def __init__(self, waves: WaveSet, config: GansynthConfig, device: torch.device) -> None:
        self.waves, self.device, self.frames = waves, device, config.frames
        self.drawing = drawing_of(config)
        self.rows = self._playable("train")
        self.held_out = self._playable("valid")
        if not self.rows.size:
            raise SettingError(
                f"the wave set {waves.name} has no training notes of pitches "
                f"{LOWEST_WAVE_PITCH} to {HIGHEST_WAVE_PITCH}",
                "Choose another with --data.",
            )

    def of(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Return images (n, channels, ...) in their own units, and pitches (n,) counted from 0."""
        audio = torch.from_numpy(self.waves.audio(rows)[:, : self.frames])
        pitch = torch.from_numpy(self.waves.pitches[rows].astype(np.int64))
        audio, pitch = (x.to(self.device, non_blocking=True) for x in (audio, pitch))
        return self.drawing.image(audio, pitch), pitch - LOWEST_WAVE_PITCH

    def draw(self, random: np.random.Generator, count: int) -> Rows:
        """Choose training tones, each as likely as any other."""
        return self.rows[random.integers(len(self.rows), size=count)]

    def pitches(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Choose pitches, counted from 0, as often as training tones have them."""
        return self.waves.pitches[self.draw(random, count)].astype(np.int64) - LOWEST_WAVE_PITCH

    def measure(self) -> Normalizer:
        """Bring the least and the greatest value of a thousand tones to ±0.8, by channel.

        As the original's "simple" normalizer does.
        """
        count = min(_MEASURED_NOTES, len(self.rows))
        rows = np.random.default_rng(0).choice(self.rows, count, replace=False)
        extremes = []
        for start in range(0, count, _AT_ONCE):
            image, _ = self.of(np.sort(rows[start : start + _AT_ONCE]))
            extremes.append(torch.stack([image.amin((0, 2, 3)), image.amax((0, 2, 3))]))
        both = torch.stack(extremes).double().cpu()
        low, high = both[:, 0].amin(0), both[:, 1].amax(0)
        scale = 2.0 * MARGIN / (high - low)
        shift = -MARGIN - scale * low
        return Normalizer(float(scale[0]), float(shift[0]), float(scale[1]), float(shift[1]))

    def _playable(self, split: str) -> Rows:
        rows = self.waves.rows(split)  # type: ignore[arg-type]
        pitches = self.waves.pitches[rows]
        return rows[(pitches >= LOWEST_WAVE_PITCH) & (pitches <= HIGHEST_WAVE_PITCH)]


def drawing_of(config: GansynthConfig) -> Spectrogram | WaveImage:
    """Return the way from audio to images and back."""
    if config.scale == "wave":
        return WaveImage(_wave_size(config), config.frames)
    return Spectrogram(config.scale, *config.size.image, config.frames)


def _wave_size(config: GansynthConfig) -> int:
    assert config.wave is not None
    return config.wave.frames
