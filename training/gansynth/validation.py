"""What a GANSynth in training sounds like, in figures: pitch, tuning, distance to the recordings.

In: the averaged generator's tones. Out: figures for TensorBoard, see
`training.metrics.audio.quick_look`. The whole measurement is ``latentkeys evaluate gansynth``.
"""

from __future__ import annotations

import numpy as np
import torch

from training.audio.format import HIGHEST_WAVE_PITCH, LOWEST_WAVE_PITCH
from training.data.audio.waves import WaveSet
from training.gansynth.tones import GansynthTones
from training.metrics.audio.quick_look import QuickLook
from training.pitch_classifier.file import SHIPPED, read_classifier

_AT_ONCE = 4


class SoundCheck:
    """Plays a few tones and measures them, always the same pitches and latents.

    Parameters
    ----------
    waves
        What is being learned.
    count
        How many tones.
    """

    def __init__(self, waves: WaveSet, count: int) -> None:
        self.pitches = np.linspace(LOWEST_WAVE_PITCH, HIGHEST_WAVE_PITCH, count).astype(np.int64)
        classifier = read_classifier()[0] if SHIPPED.is_file() else None
        self._look = QuickLook(waves, classifier)

    @torch.no_grad()
    def figures(self, tones: GansynthTones, device: torch.device) -> dict[str, float]:
        """Measure what a generator plays on a device."""
        random = np.random.default_rng(0)
        size = tones.generator.size.latent_size
        z = torch.from_numpy(random.standard_normal((len(self.pitches), size), np.float32))
        pitch = torch.from_numpy(self.pitches)
        waves = [
            tones(z[i : i + _AT_ONCE].to(device), pitch[i : i + _AT_ONCE].to(device)).cpu()
            for i in range(0, len(pitch), _AT_ONCE)
        ]
        heard = torch.cat(waves).numpy()
        return self._look.figures(heard, self.pitches)
