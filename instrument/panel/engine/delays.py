"""How long a key of a page takes to the kernel: measured at every stroke, for the meters."""

from __future__ import annotations

import asyncio
import time
from collections import deque

import numpy as np

from instrument.realtime.memory.constants import PANEL_SOURCE
from instrument.realtime.memory.state import EngineState

LOOK_SECONDS = 0.001
PATIENCE_NS = 1_000_000_000
_EDGES_MS = np.geomspace(0.1, 1000.0, 161)
"""Each bin is 6 % wide."""


class Delays:
    """Watch strokes on their way, each looked for every millisecond until the kernel has it.

    Parameters
    ----------
    state
        The engine block.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._counts = np.zeros(len(_EDGES_MS) + 1, np.int64)
        self._struck: deque[int] = deque(maxlen=64)
        self._log = state.read_log()
        self._has_strokes = asyncio.Event()

    def strike(self) -> None:
        """Begin to watch a stroke that is about to be pushed."""
        if not self._struck:
            self._log = self._state.read_log()
        self._struck.append(time.monotonic_ns())
        self._has_strokes.set()

    def p99_ms(self) -> float:
        """Return what 99 of 100 strokes since the start have not exceeded; 0 without any."""
        total = int(self._counts.sum())
        if not total:
            return 0.0
        bin_ = int(np.searchsorted(np.cumsum(self._counts), 0.99 * total))
        return float(_EDGES_MS[min(bin_, len(_EDGES_MS) - 1)])

    async def watch(self) -> None:
        """Measure, for ever; it sleeps while nobody strikes a key."""
        while True:
            await self._has_strokes.wait()
            self._has_strokes.clear()
            await self._watch()

    async def _watch(self) -> None:
        while self._struck and time.monotonic_ns() - self._struck[0] < PATIENCE_NS:
            await asyncio.sleep(LOOK_SECONDS)
            events = self._log.read()
            is_ours = (events["source"] == PANEL_SOURCE) & (events["command"] == 0)
            struck = is_ours & (events["status"] & 0xF0 == 0x90) & (events["data2"] > 0)
            for _ in range(min(int(struck.sum()), len(self._struck))):
                taken_ms = (time.monotonic_ns() - self._struck.popleft()) / 1e6
                self._counts[np.searchsorted(_EDGES_MS, taken_ms)] += 1
        self._struck.clear()
