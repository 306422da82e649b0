"""Cut training crops out of a tone set, ahead of the step that learns from them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.audio.format import HOP_FRAMES, SAMPLE_RATE_HZ
from training.data.audio.tone_set import HELD, TRAIN, ToneSet
from training.frame_voice.config import NOISE_BIN_COUNT, PARTIAL_COUNT, TrainingConfig
from training.trainer.system import RunPosition

_ONSET_SHARE, _RELEASE_SHARE = 0.4, 0.14
_LEAD_HOPS = 6  # silence before an onset crop, so that the loss's windows see the attack whole
_NOISE_POOL_FRAMES, _NOISE_SEED = 4096, 1

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Crops:
    """A batch of n crops of `hops` hops.

    Attributes
    ----------
    audio
        float32, (n, 480 hops): the target.
    instrument
        int64, (n,).
    pitch, cents, velocity
        float32, (n,).
    first_hop
        float32, (n,): hop number of the crop's start, negative before the onset.
    hold_seconds
        float32, (n,): time of note-off, or infinity.
    noise
        float32, (n, hops + 1, 2, 480).
    latent_noise
        float32, (n, latent_size), standard normal.
    motion_phases
        float32, (n, 4, 140), uniform in 0..1.
    wobble_db, wobble_hz
        float32, (n, 8), NaN where unknown.
    """

    audio: Tensor
    instrument: Tensor
    pitch: Tensor
    cents: Tensor
    velocity: Tensor
    first_hop: Tensor
    hold_seconds: Tensor
    noise: Tensor
    latent_noise: Tensor
    motion_phases: Tensor
    wobble_db: Tensor
    wobble_hz: Tensor


class CropSource:
    """Makes batches.

    Parameters
    ----------
    tones
        The tone set; only its `TRAIN` tones are used.
    config
        Batch size and crop length.
    latent_size
        Width of the latent noise.
    """

    def __init__(self, tones: ToneSet, config: TrainingConfig, latent_size: int) -> None:
        self._tones, self._config, self._latent_size = tones, config, latent_size
        training = tones.split == TRAIN
        self._held = _Draw(tones, np.flatnonzero(training & (tones.hold_frames == HELD)))
        self._released = _Draw(tones, np.flatnonzero(training & (tones.hold_frames != HELD)))
        pool = np.random.default_rng(_NOISE_SEED)
        self._noise = pool.standard_normal((_NOISE_POOL_FRAMES, 2, NOISE_BIN_COUNT), np.float32)

    def batch(self, random: np.random.Generator) -> Crops:
        """Return a batch: a function of the random numbers alone."""
        chosen = [self._choose(random) for _ in range(self._config.batch_size)]
        rows, first = np.array(chosen).T
        return self._cut(rows, first, random)

    def onsets(self, rows: NDArray[np.int64]) -> Crops:
        """Return crops at the onset of given tones, the same in every run."""
        return self._cut(rows, np.full(rows.size, -_LEAD_HOPS), np.random.default_rng(0))

    def _cut(
        self, rows: NDArray[np.int64], first: NDArray[np.int64], random: np.random.Generator
    ) -> Crops:
        config, tones = self._config, self._tones
        frames = config.crop_hops * HOP_FRAMES
        audio = [
            tones.audio(int(row), int(hop) * HOP_FRAMES, frames)
            for row, hop in zip(rows, first, strict=True)
        ]
        hold = np.where(tones.hold_frames[rows] == HELD, np.inf, tones.hold_frames[rows])
        starts = random.integers(_NOISE_POOL_FRAMES - config.crop_hops - 1, size=rows.size)
        noise = [self._noise[start : start + config.crop_hops + 1] for start in starts]
        return Crops(
            audio=torch.from_numpy(np.stack(audio)),
            instrument=torch.from_numpy(tones.instrument[rows]),
            pitch=torch.from_numpy(tones.pitch[rows].astype(np.float32)),
            cents=torch.from_numpy(tones.cents[rows]),
            velocity=torch.from_numpy(tones.velocity[rows]),
            first_hop=torch.from_numpy(first.astype(np.float32)),
            hold_seconds=torch.from_numpy((hold / SAMPLE_RATE_HZ).astype(np.float32)),
            noise=torch.from_numpy(np.stack(noise)),
            latent_noise=torch.from_numpy(
                random.standard_normal((rows.size, self._latent_size), np.float32)
            ),
            motion_phases=torch.from_numpy(
                random.random((rows.size, 4, PARTIAL_COUNT), np.float32)
            ),
            wobble_db=torch.from_numpy(tones.wobble_db[rows]),
            wobble_hz=torch.from_numpy(tones.wobble_hz[rows]),
        )

    def _choose(self, random: np.random.Generator) -> tuple[int, int]:
        """Choose a tone and the hop at which its crop starts."""
        kind = random.random()
        length = self._config.crop_hops
        if kind < _RELEASE_SHARE and self._released.rows.size:
            row = self._released.row(random)
            release = int(self._tones.hold_frames[row]) // HOP_FRAMES
            last = int(self._tones.frames[row]) // HOP_FRAMES - length
            earliest = max(release - length + 6, -_LEAD_HOPS)
            return row, int(random.integers(earliest, max(last, earliest) + 1))
        row = self._held.row(random)
        if kind < _RELEASE_SHARE + _ONSET_SHARE:
            return row, -int(random.integers(0, _LEAD_HOPS + 1))
        last = max(int(self._tones.frames[row]) // HOP_FRAMES - length, 0)
        return row, int(random.integers(0, last + 1))


class _Draw:
    """Draws tones: every instrument as often as any other, however many keys were recorded."""

    def __init__(self, tones: ToneSet, rows: NDArray[np.int64]) -> None:
        self.rows = rows
        instruments = tones.instrument[rows]
        counts = np.bincount(instruments) if rows.size else np.ones(1, int)
        self._until = np.cumsum(1.0 / counts[instruments])

    def row(self, random: np.random.Generator) -> int:
        """Return a row."""
        at = np.searchsorted(self._until, random.random() * self._until[-1], side="right")
        return int(self.rows[min(int(at), self.rows.size - 1)])


class Prefetch(Generic[Item]):
    """Makes the batches of the next steps in a thread.

    numpy and torch release Python's lock while they work, so this fills a second core.

    Parameters
    ----------
    make
        Makes a batch, a function of the random numbers that it is given.
    depth
        How many steps ahead.
    """

    def __init__(self, make: Callable[[np.random.Generator], Item], depth: int = 3) -> None:
        self._make, self._depth = make, depth
        self._thread = ThreadPoolExecutor(1, "prefetch")
        self._coming: dict[int, Future[Item]] = {}

    def at(self, position: RunPosition) -> Item:
        """Return the batch of a step; what went wrong in the thread is raised here."""
        for step in range(position.step, position.step + self._depth + 1):
            if step not in self._coming:
                random = position.random_of(step)
                self._coming[step] = self._thread.submit(self._make, random)
        return self._coming.pop(position.step).result()
