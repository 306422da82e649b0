"""How small a block this machine can keep up with: the real kernel, under load, on a clock.

A thread asks the kernel for blocks at their due times, as a sound card would, with 64 voices
sounding and every other core busy, and notes how late each block was finished. No sound card is
needed; its driver's own delays are not in the figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrument.engine.audio_sinks import raise_priority
from instrument.midi.messages import control_change, note_on
from instrument.realtime.memory.constants import BUILT_IN_BANK
from instrument.realtime.offline_engine import OfflineEngine

RATE_HZ = 48_000
STRESS_BLOCK_FRAMES = 64
VOICES = 64
BLOCK_SIZES = (32, 64, 128, 256, 512, 1024, 2048)
PROGRESS_SECONDS = 0.25
NICENESS = 5  # as the models process has
_BUSY = """
import os, time
getattr(os, "nice", int)({niceness})
end = time.monotonic() + {seconds}  # even if nobody ends it
while time.monotonic() < end:
    pass
"""


@dataclass(frozen=True, slots=True)
class Stress:
    """What a stress measured.

    Attributes
    ----------
    lateness_seconds
        float64, shape (blocks,): from a block's due time until it was rendered.
    is_realtime
        The thread had real-time priority.
    render_seconds
        Median time that the kernel itself took for one block of `STRESS_BLOCK_FRAMES`.
    """

    lateness_seconds: npt.NDArray[np.float64]
    is_realtime: bool
    render_seconds: float

    def late_blocks(self, block_frames: int) -> int:
        """Count blocks that a device with this block size would have missed.

        A longer block leaves more time for the same delay, and takes proportionally longer.
        """
        work = self.render_seconds * (block_frames / STRESS_BLOCK_FRAMES - 1)
        return int(np.sum(self.lateness_seconds + max(0.0, work) > block_frames / RATE_HZ))

    @property
    def safe_block_frames(self) -> int | None:
        """The smallest block that was never late; None if all were."""
        safe = (size for size in BLOCK_SIZES if self.late_blocks(size) == 0)
        return next(safe, None)


def measure_stress(seconds: float, on_progress: Callable[[], None] = lambda: None) -> Stress:
    """Play 64 voices for some seconds while the other cores are kept busy.

    Parameters
    ----------
    on_progress
        Called every `PROGRESS_SECONDS`.
    """
    engine = OfflineEngine(RATE_HZ, STRESS_BLOCK_FRAMES)
    engine.state.channels["bank"] = BUILT_IN_BANK
    engine.send(0, control_change(64, 127))
    for index in range(VOICES):
        engine.send(0, note_on(24 + index, 80))
    engine.render(STRESS_BLOCK_FRAMES)
    listener = _BlockTimer(engine, round(seconds * RATE_HZ / STRESS_BLOCK_FRAMES))
    with _busy_cores(seconds + 5):
        listener.start()
        while listener.is_alive():
            listener.join(PROGRESS_SECONDS)
            on_progress()
    took = np.asarray(listener.took_seconds)
    return Stress(
        np.asarray(listener.lateness_seconds), listener.is_realtime, float(np.median(took))
    )


class _BlockTimer(threading.Thread):
    """Ask for blocks at their due times."""

    def __init__(self, engine: OfflineEngine, blocks: int) -> None:
        super().__init__(name="stress", daemon=True)
        self._engine = engine
        self._blocks = blocks
        self.is_realtime = False
        self.lateness_seconds: list[float] = []
        self.took_seconds: list[float] = []

    def run(self) -> None:
        self.is_realtime = raise_priority({threading.get_native_id()})
        period = STRESS_BLOCK_FRAMES / RATE_HZ
        due = time.perf_counter() + period
        for _ in range(self._blocks):
            time.sleep(max(0.0, due - time.perf_counter()))
            begin = time.perf_counter()
            self._engine.render(STRESS_BLOCK_FRAMES)
            end = time.perf_counter()
            self.lateness_seconds.append(end - due)
            self.took_seconds.append(end - begin)
            due += period
            if end > due:
                due = end + period  # a device that was missed goes on from where it is


@contextmanager
def _busy_cores(seconds: float) -> Iterator[None]:
    code = _BUSY.format(niceness=NICENESS, seconds=seconds)
    others = max(1, (os.cpu_count() or 2) - 1)
    hogs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(others)]
    try:
        yield
    finally:
        for hog in hogs:
            with suppress(OSError):
                hog.kill()
            hog.wait()
