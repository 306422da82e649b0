"""``python -m instrument.rack.cost``: what each shipped rack costs, in microseconds per block.

Blocks of 128 frames at 48 kHz of noise in bursts, each rack in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from instrument.rack.find import SHIPPED, shipped_rack
from instrument.rack.impulse import write_impulse
from instrument.rack.knob import knob_values
from instrument.rack.runner import BLOCK_FRAMES, RackRunner

RATE_HZ = 48_000.0
BLOCKS = 4_000
FRAMES = 128
_MODULE = "instrument.rack.cost"


def measure(name: str) -> tuple[float, float]:
    """Return the median and the 99th percentile of microseconds per block of a rack."""
    rack = shipped_rack(name)
    noise = np.random.default_rng(0).standard_normal((BLOCK_FRAMES, 2)).astype(np.float32) * 0.1
    with TemporaryDirectory() as folder:
        impulse = Path(folder) / "impulse.wav"
        write_impulse("", RATE_HZ, impulse)
        runner = RackRunner(rack, knob_values(rack.knobs, {}, name), RATE_HZ, lambda: impulse)
    taken = []
    for block in range(BLOCKS):
        sound = noise if block % 400 < 200 else noise * 0
        began = time.perf_counter()
        for _ in range(FRAMES // BLOCK_FRAMES):
            runner.process(sound)
        taken.append(time.perf_counter() - began)
    low, high = np.percentile(taken, (50, 99)) * 1e6
    return float(low), float(high)


def main() -> None:
    """Print one row per rack, or measure the one that is named."""
    if len(sys.argv) > 1:
        print("{:.0f} {:.0f}".format(*measure(sys.argv[1])), flush=True)  # noqa: T201
        os._exit(0)  # pyo's own end may crash
    print(f"{'rack':14} {'median':>8} {'99 %':>8}   µs per {FRAMES} frames")  # noqa: T201
    for name in SHIPPED:
        run = subprocess.run([sys.executable, "-m", _MODULE, name], capture_output=True, text=True)
        median, high = run.stdout.split()[-2:]
        print(f"{name:14} {median:>8} {high:>8}")  # noqa: T201


if __name__ == "__main__":
    main()
