"""Random batches of a wave set's tones, as tensors on the device that learns from them.

Tones go to the device as they are on disk, 16-bit, and become floating point there: half the bytes
on the bus. ``python -m training.gansynth.batches soundfont`` measures what comes: 19,000 tones/s in
batches of 8 and 10,000 in batches of 64, with one thread of a busy two-core machine, the set in the
page cache.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from instrument.errors import SettingError
from training.audio.format import WAVE_FRAMES
from training.data.audio.waves import FULL_SCALE, WaveSet, WaveSplit, open_waves


@dataclass(frozen=True, slots=True)
class WaveBatch:
    """A few tones.

    Attributes
    ----------
    audio
        float32, shape (n, 64000), full scale ±1.
    pitches
        int64, shape (n,), MIDI numbers; 0 for what has none.
    labels
        int64, shape (n,), what plays: places in the wave set's `label_names`.
    """

    audio: Tensor
    pitches: Tensor
    labels: Tensor


class WaveBatches:
    """Draws tones of one split, each as likely as any other.

    Parameters
    ----------
    waves
        The set.
    split
        Which part of it.
    batch
        Tones at once; they are drawn without regard to each other, so one may come twice.
    device
        Where the tensors go. For CUDA they pass through pinned memory.

    Raises
    ------
    SettingError
        The split is empty.
    """

    def __init__(self, waves: WaveSet, split: WaveSplit, batch: int, device: torch.device) -> None:
        self._waves, self._device = waves, device
        self._rows = waves.rows(split)
        if not self._rows.size:
            raise SettingError(f"the wave set {waves.name} has no notes in its {split} split")
        is_pinned = device.type == "cuda"
        self._staging = torch.empty((batch, WAVE_FRAMES), dtype=torch.int16, pin_memory=is_pinned)

    def draw(self, random: np.random.Generator) -> WaveBatch:
        """Return the next batch; what is drawn depends on the generator alone."""
        return self._load(self._rows[random.integers(self._rows.size, size=len(self._staging))])

    def _load(self, rows: NDArray[np.int64]) -> WaveBatch:
        for place, row in zip(self._staging.numpy(), rows, strict=True):
            place[:] = self._waves.waves[row]
        sent = self._staging.to(self._device, non_blocking=True)
        batch = WaveBatch(
            audio=sent.float().mul_(1.0 / FULL_SCALE),
            pitches=self._numbers(self._waves.pitches[rows]),
            labels=self._numbers(self._waves.labels[rows]),
        )
        if self._device.type == "cuda":  # or the next draw would overwrite what is on its way
            torch.cuda.current_stream(self._device).synchronize()
        return batch

    def _numbers(self, column: NDArray[np.integer]) -> Tensor:
        return torch.from_numpy(column.astype(np.int64)).to(self._device)


def measure_batches(waves: WaveSet, batch: int, device: torch.device, seconds: float) -> float:
    """Return how many tones per second come in random batches."""
    batches = WaveBatches(waves, "train", batch, device)
    random = np.random.default_rng(1)
    batches.draw(random)
    drawn, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        drawn += len(batches.draw(random).audio)
    return drawn / passed


def main() -> None:
    """Print the tones per second of batches of 8 and 64."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("waves", help="name or folder of a wave set")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    waves = open_waves(arguments.waves)
    for batch in (8, 64):
        rate = measure_batches(waves, batch, torch.device(arguments.device), 3.0)
        print(f"batches of {batch}: {rate:,.0f} notes/s")  # noqa: T201 - a bench prints


if __name__ == "__main__":
    main()
