"""Every tone of a wave set as an image in memory, at every size: targets to draw.

In: a `WaveSet`. Out: normalised images of single tones, or of something between several.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from instrument.errors import SettingError
from training.audio.format import LOWEST_WAVE_PITCH, WAVE_PITCH_COUNT
from training.audio.spectrogram import Spectrogram
from training.data.audio.waves import WaveSet, WaveSplit
from training.gansynth.tones import Normalizer

_HEARD_NEPERS, _MASKED = 7.0, 0.3
_DRAW_AT_ONCE = 16


class ToneTargets:
    """Every training tone of a wave set as an image, at every size, in memory.

    Parameters
    ----------
    waves
        One recording of each instrument and pitch; of several, the last counts.
    instruments
        Labels of those to draw; all when empty.
    spectrogram, normalizer
        What the images show; the scale is "harmonic".
    blocks
        In how many sizes.
    device
        Where the images are kept: half a megabyte each.

    Attributes
    ----------
    names
        The instruments.
    sizes
        int8, (tones, 3, windows, bins), 127 standing for 1, the full size first and then each half
        of the one before: normalised level, normalised turn, and how well a place is heard (0..1),
        which is little if it is 60 dB below the loudest or hidden between harmonics.
    table
        By split: int64, (instruments, pitches), where a tone is in `sizes`; -1 if there is none.
    """

    def __init__(
        self,
        waves: WaveSet,
        instruments: tuple[str, ...],
        spectrogram: Spectrogram,
        normalizer: Normalizer,
        blocks: int,
        device: torch.device,
    ) -> None:
        self.spectrogram, self.normalizer = spectrogram, normalizer
        self.names = instruments or waves.label_names
        kept = [_place(waves, name) for name in self.names]
        self.table: dict[str, NDArray[np.int64]] = {}
        rows: list[int] = []
        splits: tuple[WaveSplit, ...] = ("train", "valid")
        for split in splits:
            table = _table(waves, split)[kept]
            self.table[split] = np.where(table >= 0, (table >= 0).cumsum().reshape(table.shape), 0)
            self.table[split] += len(rows) * (table >= 0) - 1
            rows.extend(table[table >= 0].tolist())
        windows, bins = spectrogram.windows, spectrogram.bins
        self.sizes = [
            torch.empty((len(rows), 3, windows >> k, bins >> k), dtype=torch.int8, device=device)
            for k in range(blocks)
        ]
        for start in range(0, len(rows), _DRAW_AT_ONCE):
            some = np.array(rows[start : start + _DRAW_AT_ONCE])
            pitch = torch.from_numpy(waves.pitches[some].astype(np.int64))
            self._keep(start, torch.from_numpy(waves.audio(some)).to(device), pitch.to(device))

    def _keep(self, start: int, audio: Tensor, pitch: Tensor) -> None:
        image = self.normalizer.normalise(self.spectrogram.image(audio, pitch))
        tone = self.spectrogram.tone.level(pitch)[:, None]
        level = self.normalizer.restore(image)[:, :1] + tone
        heard = (level - level.amax(dim=(2, 3), keepdim=True)) / _HEARD_NEPERS + 1.0
        heard = heard.clamp(min=0.0) * (_MASKED * tone.clamp(max=0.0)).exp()
        for number, size in enumerate(self.sizes):
            if number > 0:
                image, heard = _halved(image, heard)
            some = torch.cat([image, heard], dim=1)
            size[start : start + len(image)] = (127.0 * some).round().to(torch.int8)

    def read(self, index: Tensor, halvings: int, windows: slice) -> Tensor:
        """Return some windows of images, float32, (n, 3, windows, bins), see `sizes`."""
        return self.sizes[halvings][index, :, windows].float() / 127.0

    def blend(
        self, which: Tensor, share: Tensor, pitch: Tensor, halvings: int, windows: slice
    ) -> Tensor:
        """Return images between up to three instruments, which must all have the pitch."""
        index = torch.from_numpy(self.table["train"][which.numpy(), pitch.numpy()[:, None]])
        device = self.sizes[0].device
        index, share = index.to(device), share.to(device)
        total = share[:, 0, None, None, None] * self.read(index[:, 0], halvings, windows)
        for column in range(1, share.shape[1]):
            some = torch.nonzero(share[:, column]).flatten()
            part = self.read(index[some, column], halvings, windows)
            total.index_add_(0, some, share[some, column, None, None, None] * part)
        return total


def _place(waves: WaveSet, name: str) -> int:
    if name not in waves.label_names:
        raise SettingError(
            f"the wave set {waves.name} has no instrument {name!r}",
            "Make it with all its instruments, or train a recipe that names none.",
        )
    return waves.label_names.index(name)


def _halved(image: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
    """Return images of half the size; places that are heard count most."""
    weight = heard + 0.01
    return F.avg_pool2d(image * weight, 2) / F.avg_pool2d(weight, 2), F.avg_pool2d(heard, 2)


def _table(waves: WaveSet, split: WaveSplit) -> NDArray[np.int64]:
    """Return the row of each instrument and pitch, -1 where there is none."""
    table = np.full((len(waves.label_names), WAVE_PITCH_COUNT), -1, np.int64)
    rows = waves.rows(split)
    table[waves.labels[rows], waves.pitches[rows].astype(np.int64) - LOWEST_WAVE_PITCH] = rows
    return table
