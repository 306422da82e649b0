"""GANSynth's way from a latent and a pitch to a tone.

In: z and MIDI pitches. Out: waveforms of four seconds at 16 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.audio.format import LOWEST_WAVE_PITCH
from training.audio.spectrogram import Spectrogram
from training.gansynth.network import Generator
from training.gansynth.wavegan_network import WaveganGenerator, WaveImage


@dataclass(frozen=True, slots=True)
class Normalizer:
    """How spectra are brought to ±1: ``normal = scale * value + shift`` for each channel.

    The defaults are the constants of the authors' data pipeline for mel images; anything beyond
    ±1 is cut off before the critic sees it.

    Attributes
    ----------
    level_scale, level_shift
        Of the log power.
    turn_scale, turn_shift
        Of the instantaneous frequency.
    """

    level_scale: float = 0.0661371661726
    level_shift: float = 0.113718730221
    turn_scale: float = 0.8
    turn_shift: float = 0.0

    def normalise(self, image: Tensor) -> Tensor:
        """Bring images (n, 2, windows, bins) to ±1."""
        scale, shift = self._channels(image)
        return (scale * image + shift).clamp(-1.0, 1.0)

    def restore(self, image: Tensor) -> Tensor:
        """Undo `normalise`, of the same shape, but for what was cut off."""
        scale, shift = self._channels(image)
        return (image - shift) / scale

    def _channels(self, like: Tensor) -> tuple[Tensor, Tensor]:
        channels = like.shape[1]  # a waveform has one
        scale = torch.tensor([self.level_scale, self.turn_scale][:channels])
        shift = torch.tensor([self.level_shift, self.turn_shift][:channels])
        return scale.to(like)[:, None, None], shift.to(like)[:, None, None]


class GansynthTones(nn.Module):
    """A generator with all that turns its images into sound.

    Parameters
    ----------
    generator
        Of full or partial growth.
    normalizer, spectrogram
        Of the images that it was trained on.
    position
        How far it has grown; fully when not given.
    """

    def __init__(
        self,
        generator: Generator | WaveganGenerator,
        normalizer: Normalizer | None = None,
        spectrogram: Spectrogram | WaveImage | None = None,
        position: float | None = None,
    ) -> None:
        super().__init__()
        self.generator, self.position = generator, position
        self.normalizer = normalizer or Normalizer()
        if spectrogram is None:
            assert isinstance(generator, Generator)
            spectrogram = Spectrogram("mel", *generator.size.image)
        self.spectrogram = spectrogram

    def images(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Return normalised images, see `Generator.forward`; pitches are MIDI numbers."""
        image: Tensor = self.generator(z, pitch - LOWEST_WAVE_PITCH, self.position)
        return image

    def forward(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Render tones.

        Parameters
        ----------
        z
            float32, (n, latent_size).
        pitch
            int64, (n,), `LOWEST_WAVE_PITCH` to `HIGHEST_WAVE_PITCH`.

        Returns
        -------
        Tensor
            float32, (n, frames), at 16 kHz.
        """
        return self.spectrogram.audio(self.normalizer.restore(self.images(z, pitch)), pitch)
