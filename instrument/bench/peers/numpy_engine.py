"""The engine's work per voice written in plain numpy: what a Python programmer would do first.

All voices advance together; only the filter, whose every sample needs the last one, loops over
time. Two layers read with 4-point Hermite interpolation, linear envelope ramp, 2-pole low-pass
(Simper, "Linear trapezoidal integrated SVF", 2013), constant-power pan, stereo sum.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

TABLE_SECONDS = 1.0


class NumpyVoices:
    """`voices` looping voices over two tables each, at rates off unity."""

    def __init__(self, voices: int, block_frames: int, rate_hz: int) -> None:
        frames = int(TABLE_SECONDS * rate_hz)
        cycles = 110 + np.arange(voices)[:, None]
        wave = np.sin(2 * np.pi * cycles * np.arange(-1, frames + 3) / frames)  # room for the taps
        self._frames = frames
        self._soft = wave.astype(np.float32).ravel()
        self._loud = (wave * np.abs(wave)).astype(np.float32).ravel()
        self._table_start = (frames + 4) * np.arange(voices)[:, None]
        self._position = np.zeros((voices, 1))
        self._travel = 1.003 * np.arange(block_frames + 1)
        self._level: NDArray[np.float32] = np.linspace(0.8, 0.7, block_frames, dtype=np.float32)
        self._low_1 = np.zeros(voices, np.float32)
        self._low_2 = np.zeros(voices, np.float32)
        cutoff_hz = np.linspace(800, 8000, voices)
        g = np.tan(np.pi * cutoff_hz / rate_hz)
        self._a1 = (1 / (1 + g * (g + np.sqrt(2)))).astype(np.float32)
        self._a2 = (g * self._a1).astype(np.float32)
        self._a3 = (g * self._a2).astype(np.float32)
        angle = np.linspace(0, np.pi / 2, voices)
        self._pan = (np.stack([np.cos(angle), np.sin(angle)]) / voices).astype(np.float32)

    def measure(self, blocks: int) -> float:
        """Render `blocks` blocks; return seconds per block."""
        start = time.perf_counter()
        for _ in range(blocks):
            self.process_block()
        return (time.perf_counter() - start) / blocks

    def process_block(self) -> NDArray[np.float32]:
        """Return the next block: float32, shape (2, block_frames)."""
        mono = self._filter(self._read())
        stereo: NDArray[np.float32] = self._pan @ mono
        return stereo

    def _read(self) -> NDArray[np.float32]:
        position = (self._position + self._travel) % self._frames  # (voices, block_frames + 1)
        self._position = position[:, -1:]
        whole = position[:, :-1].astype(np.int64)
        x = (position[:, :-1] - whole).astype(np.float32)
        start = self._table_start + whole
        a, b, c, d = (
            np.float32(0.4) * self._soft.take(start + tap)
            + np.float32(0.6) * self._loud.take(start + tap)
            for tap in range(4)
        )
        slope = 0.5 * (c - a)
        bow = a - 2.5 * b + 2 * c - 0.5 * d
        turn = 0.5 * (d - a) + 1.5 * (b - c)
        mono: NDArray[np.float32] = ((turn * x + bow) * x + slope) * x + b
        return mono * self._level

    def _filter(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.empty_like(mono)
        low_1, low_2 = self._low_1, self._low_2
        for frame in range(mono.shape[1]):
            high = mono[:, frame] - low_2
            band = self._a1 * low_1 + self._a2 * high
            low = low_2 + self._a2 * low_1 + self._a3 * high
            low_1 = 2 * band - low_1
            low_2 = 2 * low - low_2
            out[:, frame] = low
        self._low_1, self._low_2 = low_1, low_2
        return out
