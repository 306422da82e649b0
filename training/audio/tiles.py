"""Spectrogram tiles: two seconds of sound as a small picture of levels, and the way back.

In: audio at 16 kHz. Out: levels in dB on mel bands, (n, 1, windows, bands). A tile has no phase;
the way back finds one by the fast Griffin-Lim algorithm (Perraudin et al., 2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from instrument.music.pitch import mel_bands

FLOOR_DB = -80.0
"""Everything quieter counts as silence; 0 dB is a sine at full scale."""
_GENTLEST, _LOUDEST = 0.02, 0.999
_ITERATIONS, _MOMENTUM = 32, 0.99
_UNMIXING_ROUNDS = 40
_FADE_FRAMES = 128
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Tiles:
    """One way to draw sound in tiles.

    Attributes
    ----------
    windows, bands
        Size of a tile; mel bands from 0 Hz to half the rate.
    window_frames, hop_frames
        Of the Fourier transforms; a hop of a quarter window leaves the phase little choice.
    rate_hz
        Of the audio.
    """

    windows: int = 64
    bands: int = 128
    window_frames: int = 2048
    hop_frames: int = 512
    rate_hz: int = 16000

    @property
    def frames(self) -> int:
        """Length of the sound of one tile: windows are centred on multiples of the hop."""
        return self.hop_frames * (self.windows - 1)

    @property
    def margin_frames(self) -> int:
        """What the first and last windows hear of the sound before and after."""
        return self.window_frames // 2

    def levels(self, audio: Tensor) -> Tensor:
        """Draw audio.

        Parameters
        ----------
        audio
            float32, (n, margin_frames + frames + margin_frames), full scale ±1.

        Returns
        -------
        Tensor
            float32, (n, 1, windows, bands), dB from `FLOOR_DB` up.
        """
        power = self._spectrum(audio, is_alone=False).abs().square().transpose(1, 2)
        loudness = power @ _bands(self.bands, self.window_frames, self.rate_hz).to(audio)
        return (10.0 * loudness.clamp_min(10.0 ** (FLOOR_DB / 10.0)).log10())[:, None]

    def audio(self, levels: Tensor, seed: int = 0) -> Tensor:
        """Play tiles.

        Parameters
        ----------
        levels
            float32, (n, 1, windows, bands), dB.
        seed
            Of the phases that the search begins with.

        Returns
        -------
        Tensor
            float32, (n, frames); faded in and out over 8 ms, for a tile begins anywhere in a sound.
        """
        random = np.random.default_rng(seed)
        few = torch.split(levels[:, 0], _AT_ONCE)
        found = torch.cat([self._with_phases(self._magnitudes(some), random) for some in few])
        fade = torch.linspace(0.0, 1.0, _FADE_FRAMES, device=levels.device)
        found[:, :_FADE_FRAMES] *= fade
        found[:, -_FADE_FRAMES:] *= fade.flip(0)
        return found

    def _magnitudes(self, levels: Tensor) -> Tensor:
        """Share bands out to the transform's bins: (n, windows, bands) to (n, bins, windows).

        Of all powers that could have made these bands: those nearest in the sense of Kullback and
        Leibler (Lee and Seung, 2001, theorem 2), from where every band is flat.
        """
        bands = _bands(self.bands, self.window_frames, self.rate_hz).to(levels)
        audible = (levels > FLOOR_DB + 1.0).to(levels)
        target = (10.0 ** (levels / 10.0)) * audible
        share = bands / bands.sum(dim=1, keepdim=True).clamp_min(1e-9)
        power = (target / bands.sum(dim=0)) @ share.T
        for _ in range(_UNMIXING_ROUNDS):
            power = power * ((target / (power @ bands).clamp_min(1e-12)) @ share.T)
        return power.sqrt().transpose(1, 2)

    def _with_phases(self, magnitudes: Tensor, random: np.random.Generator) -> Tensor:
        """Find audio whose spectrum has these magnitudes, (n, bins, windows)."""
        turns = torch.from_numpy(random.random(magnitudes.shape, np.float32)).to(magnitudes)
        spectrum = torch.polar(magnitudes, 2.0 * math.pi * turns)
        before = torch.zeros_like(spectrum)
        for _ in range(_ITERATIONS):
            possible = self._spectrum(self._sound(spectrum))
            ahead = possible + _MOMENTUM * (possible - before)
            spectrum, before = torch.polar(magnitudes, ahead.angle()), possible
        return self._sound(spectrum)

    def _spectrum(self, audio: Tensor, is_alone: bool = True) -> Tensor:
        """Transform (n, frames), mirrored at its ends, or audio with its margins."""
        window = torch.hann_window(self.window_frames, device=audio.device)
        full_scale = 4.0 / self.window_frames
        return full_scale * torch.stft(
            audio,
            self.window_frames,
            self.hop_frames,
            window=window,
            center=is_alone,
            return_complex=True,
        )

    def _sound(self, spectrum: Tensor) -> Tensor:
        window = torch.hann_window(self.window_frames, device=spectrum.device)
        return torch.istft(
            spectrum * (self.window_frames / 4.0),
            self.window_frames,
            self.hop_frames,
            window=window,
            length=self.frames,
        )


class TileRange(nn.Module):
    """Between dB and the ±1 of a network's tanh; what it is given by `measure` is saved with it."""

    low: Tensor
    high: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.tensor(FLOOR_DB))
        self.register_buffer("high", torch.tensor(0.0))

    def measure(self, levels: Tensor) -> None:
        """Take the range from tiles of the data, any shape: all but the outermost few levels."""
        ordered = levels.flatten().sort().values
        self.low.copy_(ordered[int(_GENTLEST * (len(ordered) - 1))])
        self.high.copy_(ordered[int(_LOUDEST * (len(ordered) - 1))])
        self.high.clamp_(min=float(self.low) + 1.0)

    def normalise(self, levels: Tensor) -> Tensor:
        """Bring dB, of any shape, to ±1; what is beyond the range is cut off."""
        return (2.0 * (levels - self.low) / (self.high - self.low) - 1.0).clamp(-1.0, 1.0)

    def restore(self, tiles: Tensor) -> Tensor:
        """Undo `normalise`, for any shape, but for what was cut off; -1 is silence."""
        levels = self.low + (self.high - self.low) * (tiles + 1.0) / 2.0
        return torch.where(tiles > -0.99, levels, FLOOR_DB)


@lru_cache
def _bands(bands: int, window_frames: int, rate_hz: int) -> Tensor:
    """Return mel bands, (bins, bands), peaks of 1."""
    return torch.from_numpy(mel_bands(window_frames, rate_hz, bands)).float()
