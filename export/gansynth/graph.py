"""GANSynth as one graph of plain operations: latent and pitch in, waveform out.

In: the opened model. Out: a torch module for export that computes what `GansynthTones` computes,
without complex numbers. Only the windows that the asked length needs are computed, at every size of
the image.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.gansynth.blocks import PlainBlock, enlarged, pixel_norm, rows_of_blocks
from training.audio.format import LOWEST_WAVE_PITCH
from training.audio.harmonic_scale import HarmonicTone
from training.audio.mel_warp import mel_to_linear
from training.audio.spectrogram import Spectrogram
from training.gansynth.network import Generator, GeneratorBlock, blend_share
from training.gansynth.tones import GansynthTones

_TINY, _OVERLAP_GAIN = 1e-6, 1.5
_OVERLAP = 4


class PlainTones(nn.Module):
    """Tones, or their beginnings.

    Parameters
    ----------
    tones
        The model in its usual form.
    frames
        Length of what comes out; all of a tone when not given.
    """

    band_index: Tensor
    band_weight: Tensor
    bin_numbers: Tensor
    frame_numbers: Tensor
    bin_gain: Tensor
    window: Tensor
    tone_level: Tensor
    tone_start: Tensor
    tone_turns: Tensor

    def __init__(self, tones: GansynthTones, frames: int | None = None) -> None:
        super().__init__()
        spectrogram, generator = tones.spectrogram, tones.generator
        assert isinstance(spectrogram, Spectrogram)  # `export.gansynth.wavegan` is for the others
        assert isinstance(generator, Generator)
        size = generator.size
        self.frames = spectrogram.frames if frames is None else frames
        self.lead, self.hop = spectrogram.lead_frames, spectrogram.hop_frames
        windows = min(spectrogram.windows, -(-(self.lead + self.frames) // self.hop))
        full = size.blocks - 1
        position = float(full) if tones.position is None else tones.position
        last = min(full, math.ceil(position))
        rows = rows_of_blocks(windows, size.start[0], size.blocks, last)
        heights = [size.start[0] * 2**number for number in range(last + 1)]
        blocks = [block for block in generator.blocks if isinstance(block, GeneratorBlock)]
        self.blocks = nn.ModuleList(
            PlainBlock(block, own, height)
            for block, own, height in zip(blocks, rows, heights, strict=False)
        )
        self.shares = [blend_share(position, number + 1) for number in range(last + 1)]
        self.factors = [2 ** (full - number) for number in range(last + 1)]
        self.windows, self.pitches = windows, size.pitches
        normalizer = tones.normalizer
        self.level = (normalizer.level_scale, normalizer.level_shift)
        self.turn = (normalizer.turn_scale, normalizer.turn_shift)
        self.scale = spectrogram.scale
        self._keep_tables(spectrogram.bins)
        if self.scale == "harmonic":
            self._keep_tone(spectrogram.tone)

    def forward(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Render tones.

        Parameters
        ----------
        z
            float32, (n, latent_size).
        pitch
            int64, (n,), MIDI numbers from 24 to 84.

        Returns
        -------
        Tensor
            float32, (n, frames), at 16 kHz.
        """
        image = self._image(z, pitch)
        level = (image[:, 0] - self.level[1]) / self.level[0]
        turn = (image[:, 1] - self.turn[1]) / self.turn[0]
        magnitude, phase = self._polar(level, turn * math.pi, pitch)
        parts = torch.cat([magnitude * phase.cos(), magnitude * phase.sin()], dim=2)
        return self._overlapped(parts @ self._synthesis())[:, self.lead :][:, : self.frames]

    def _image(self, z: Tensor, pitch: Tensor) -> Tensor:
        one_hot = (pitch[:, None] - LOWEST_WAVE_PITCH == torch.arange(self.pitches)).to(z.dtype)
        x = pixel_norm(torch.cat([z, one_hot], dim=1))
        parts = []
        for block, share, factor in zip(self.blocks, self.shares, self.factors, strict=True):
            assert isinstance(block, PlainBlock)
            x = block(x)
            if share > 0.0:
                part = share * block.image(x)
                parts.append(enlarged(part, factor)[:, :, : self.windows])
        return torch.stack(parts).sum(dim=0) if len(parts) > 1 else parts[0]

    def _polar(self, level: Tensor, turn: Tensor, pitch: Tensor) -> tuple[Tensor, Tensor]:
        """Return magnitude and phase as `Spectrogram.polar` does."""
        if self.scale == "phase":
            return level.exp(), turn
        if self.scale == "if":
            return level.exp(), turn.cumsum(dim=1)
        if self.scale == "harmonic":
            return self._with_tone(level, turn, pitch - LOWEST_WAVE_PITCH)
        return (
            (self._unwarped(level.exp()) + _TINY).sqrt(),
            self._unwarped(turn.cumsum(dim=1)),
        )

    def _with_tone(self, level: Tensor, turn: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        """Add what `HarmonicTone` stands for; nothing sounds before the first window of a tone.

        Windows that reach into the silence before the tone have rows of their own in the tables;
        all later ones have the last row's level, and its phase turned further by each hop.
        """
        silent, own = self.silent, min(self.tone_level.shape[1], self.windows - self.silent)
        later = self.windows - silent - own
        tone = self.tone_level[row, :own]  # (n, windows, bins)
        phase = self.tone_start[row, :own]
        if later > 0:
            hops = torch.arange(1, later + 1)[:, None]
            turns = self.tone_turns[row][:, None] * hops * (2.0 * math.pi)
            tone = torch.cat([tone, tone[:, -1:].expand(-1, later, -1)], dim=1)
            phase = torch.cat([phase, phase[:, -1:] + turns], dim=1)
        magnitude = (level[:, silent:] + tone).exp()
        phase = turn[:, silent:].cumsum(dim=1) + phase
        return F.pad(magnitude, (0, 0, silent, 0)), F.pad(phase, (0, 0, silent, 0))

    def _unwarped(self, mel: Tensor) -> Tensor:
        """Apply the sparse inverse of the mel warp: each bin is a few bands, weighted."""
        total = mel.index_select(2, self.band_index[0]) * self.band_weight[0]
        for row in range(1, len(self.band_index)):
            total = total + mel.index_select(2, self.band_index[row]) * self.band_weight[row]
        return total

    def _synthesis(self) -> Tensor:
        """Return the inverse real DFT with the synthesis window as a matrix.

        It is computed from two short rows of numbers when a session starts, and so costs no bytes
        in the bundle; angles are exact, as products of whole numbers modulo the window's length.
        """
        angle = (self.bin_numbers[:, None] * self.frame_numbers).remainder(self.window_frames)
        radians = angle.to(torch.float32) * (2.0 * math.pi / self.window_frames)
        basis = torch.cat([radians.cos(), -radians.sin()], dim=0)
        return basis * self.bin_gain[:, None] * self.window

    def _overlapped(self, frames: Tensor) -> Tensor:
        """Add windows up, each a quarter of its length after the one before."""
        quarters = frames.view(*frames.shape[:2], _OVERLAP, self.hop)  # (n, windows, 4, hop)
        total = F.pad(quarters[:, :, 0], (0, 0, 0, _OVERLAP - 1))
        for row in range(1, _OVERLAP):
            total = total + F.pad(quarters[:, :, row], (0, 0, row, _OVERLAP - 1 - row))
        return total.flatten(1)

    def _keep_tables(self, bins: int) -> None:
        self.window_frames = 2 * bins
        if self.scale == "mel":
            unwarp = torch.from_numpy(mel_to_linear(bins)).float()  # (mel bands, linear bins)
            most = int((unwarp != 0).sum(dim=0).max())
            strongest = unwarp.abs().topk(most, dim=0).indices
            self.register_buffer("band_index", strongest)
            self.register_buffer("band_weight", unwarp.gather(0, strongest))
        self.register_buffer("bin_numbers", torch.arange(1, bins + 1))
        self.register_buffer("frame_numbers", torch.arange(2 * bins))
        gain = torch.full((bins,), 2.0 / (2 * bins))
        gain[-1] = 1.0 / (2 * bins)  # the bin at half the rate has no twin
        self.register_buffer("bin_gain", torch.cat([gain, gain]))
        window = torch.hann_window(2 * bins, dtype=torch.float64) / _OVERLAP_GAIN
        self.register_buffer("window", window.float())

    def _keep_tone(self, tone: HarmonicTone) -> None:
        self.silent, last = tone.silent_windows, tone.first_steady_window
        pitch = torch.arange(LOWEST_WAVE_PITCH, LOWEST_WAVE_PITCH + self.pitches)
        own = slice(self.silent, last + 1)
        self.register_buffer("tone_level", tone.level(pitch)[:, own].contiguous())
        self.register_buffer("tone_start", tone.phase(pitch)[:, own].contiguous())
        self.register_buffer("tone_turns", tone.turns_per_hop(pitch))
