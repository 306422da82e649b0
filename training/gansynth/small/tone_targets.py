"""Every tone of a wave set as an image, at every size: targets to draw.

In: a `WaveSet`. Out: normalised images of single tones, or of something between several.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from instrument.errors import SettingError
from training.audio.format import (
    HIGHEST_WAVE_PITCH,
    LOWEST_WAVE_PITCH,
    WAVE_PITCH_COUNT,
)
from training.audio.spectrogram import Spectrogram
from training.data.audio.waves import SPLITS, WaveSet, WaveSplit
from training.gansynth.image_store import stored_images
from training.gansynth.tones import Normalizer

_HEARD_NEPERS, _MASKED = 7.0, 0.3


class ToneTargets:
    """Every training tone of a wave set as an image, at every size, mapped from the disk.

    Parameters
    ----------
    waves
        Recordings of instruments; of one pitch there may be several.
    instruments
        Labels of those to draw, see `learned_instruments`.
    spectrogram, normalizer
        What the images show; the scale is "harmonic".
    blocks
        In how many sizes.
    device
        Where images are used.

    Attributes
    ----------
    names
        The instruments.
    sizes
        int8, (tones, 3, windows, bins), 127 standing for 1, the full size first and then each half
        of the one before: normalised level, normalised turn, and how well a place is heard (0..1),
        which is little if it is 60 dB below the loudest or hidden between harmonics.
    table, takes
        By split: int64, (instruments, pitches), where the first tone is in `sizes`, -1 if there is
        none, and how many there are, one after the other.
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
        self.spectrogram, self.normalizer, self.device = spectrogram, normalizer, device
        self.names = learned_instruments(waves, instruments)
        self.table: dict[str, NDArray[np.int64]] = {}
        self.takes: dict[str, NDArray[np.int64]] = {}
        rows: list[NDArray[np.int64]] = []
        splits: tuple[WaveSplit, ...] = ("train", "valid")
        for split in splits:
            self.table[split], self.takes[split], found = _table(waves, split, self.names)
            self.table[split][self.table[split] >= 0] += sum(map(len, rows))
            rows.append(found)
        self._blocks = blocks
        self.sizes = stored_images(
            waves, np.concatenate(rows), spectrogram, normalizer, blocks, self._drawn
        )

    def _drawn(self, audio: Tensor, pitch: Tensor) -> list[Tensor]:
        audio, pitch = audio.to(self.device), pitch.to(self.device)
        image = self.normalizer.normalise(self.spectrogram.image(audio, pitch))
        tone = self.spectrogram.tone.level(pitch)[:, None]
        level = self.normalizer.restore(image)[:, :1] + tone
        heard = (level - level.amax(dim=(2, 3), keepdim=True)) / _HEARD_NEPERS + 1.0
        heard = heard.clamp(min=0.0) * (_MASKED * tone.clamp(max=0.0)).exp()
        found = []
        for number in range(self._blocks):
            if number > 0:
                image, heard = _halved(image, heard)
            some = torch.cat([image, heard], dim=1)
            found.append((127.0 * some).round().to(torch.int8))
        return found

    def read(self, index: Tensor, halvings: int, windows: slice) -> Tensor:
        """Return some windows of images, float32, (n, 3, windows, bins), see `sizes`."""
        some = np.asarray(self.sizes[halvings][index.cpu().numpy(), :, windows])
        return torch.from_numpy(some).to(self.device).float() / 127.0

    def blend(
        self,
        which: Tensor,
        share: Tensor,
        pitch: Tensor,
        halvings: int,
        windows: slice,
        random: np.random.Generator | None = None,
    ) -> Tensor:
        """Return images between up to three instruments, which must all have the pitch.

        Where there are several tones of a pitch, `random` chooses; without it the first is taken.
        """
        place = which.numpy(), pitch.numpy()[:, None]
        index = torch.from_numpy(self.table["train"][place] + self._turn(place, random))
        share = share.to(self.device)
        total = share[:, 0, None, None, None] * self.read(index[:, 0], halvings, windows)
        for column in range(1, share.shape[1]):
            some = torch.nonzero(share[:, column]).flatten()
            part = self.read(index[some.cpu(), column], halvings, windows)
            total.index_add_(0, some, share[some, column, None, None, None] * part)
        return total

    def some(self, random: np.random.Generator, pitch: Tensor) -> Tensor:
        """Choose a training tone of each pitch, counted from 0: places in `sizes`, int64, (n,)."""
        table, takes = self.table["train"], self.takes["train"]
        chance = random.uniform(size=(len(table), len(pitch))) * (takes[:, pitch.numpy()] > 0)
        place = chance.argmax(axis=0), pitch.numpy()
        return torch.from_numpy(table[place] + self._turn(place, random))

    def _turn(
        self, place: tuple[NDArray[np.int64], NDArray[np.int64]], random: np.random.Generator | None
    ) -> NDArray[np.int64]:
        takes = self.takes["train"]
        if random is None or takes.max(initial=0) < 2:
            return np.zeros(1, np.int64)
        return np.asarray(random.uniform(size=takes[place].shape) * takes[place], np.int64)


def learned_instruments(waves: WaveSet, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the instruments to learn: those asked for, or all of a set that has none of those.

    Only instruments with a training note that GANSynth can play count.

    Raises
    ------
    SettingError
        There is no such instrument.
    """
    playable = (waves.splits == SPLITS.index("train")) & _in_range(waves)
    having = {waves.label_names[label] for label in np.unique(waves.labels[playable])}
    if not having:
        raise SettingError(
            f"the wave set {waves.name} has no training notes of pitches "
            f"{LOWEST_WAVE_PITCH} to {HIGHEST_WAVE_PITCH}",
            "Choose another with --data.",
        )
    chosen = tuple(name for name in asked if name in having)
    return chosen or tuple(name for name in waves.label_names if name in having)


def _halved(image: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
    """Return images of half the size; places that are heard count most."""
    weight = heard + 0.01
    return F.avg_pool2d(image * weight, 2) / F.avg_pool2d(weight, 2), F.avg_pool2d(heard, 2)


def _table(
    waves: WaveSet, split: WaveSplit, names: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return `ToneTargets.table`, counted from 0, and `takes`; and the rows in their order."""
    place_of = {waves.label_names.index(name): place for place, name in enumerate(names)}
    rows = waves.rows(split)
    rows = rows[_in_range(waves)[rows] & np.isin(waves.labels[rows], list(place_of))]
    places = np.array([place_of[int(label)] for label in waves.labels[rows]], np.int64)
    cells = places * WAVE_PITCH_COUNT + waves.pitches[rows].astype(np.int64) - LOWEST_WAVE_PITCH
    order = np.argsort(cells, kind="stable")
    takes = np.bincount(cells, minlength=len(names) * WAVE_PITCH_COUNT)
    first = np.where(takes > 0, takes.cumsum() - takes, -1)
    shape = (len(names), WAVE_PITCH_COUNT)
    return first.reshape(shape), takes.reshape(shape), rows[order]


def _in_range(waves: WaveSet) -> NDArray[np.bool_]:
    return (waves.pitches >= LOWEST_WAVE_PITCH) & (waves.pitches <= HIGHEST_WAVE_PITCH)
