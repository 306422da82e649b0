"""pyo as a peer: N voices of table read, envelope, filter and pan in a manual server.

Run as a process (``python -m instrument.bench.peers.pyo_engine VOICES FRAMES RATE``), because pyo
prints a banner, keeps one server per process, and takes the interpreter lock in its block function.
Per voice: `TableRead` with 4-point interpolation (interp=4) over a 1-s table at a rate off unity,
`Adsr`, a 2-pole low-pass `Biquad`, `Pan`; summed by pyo's own output. `Biquad` is pyo's cheapest
2-pole low-pass: its ``SVF`` has four poles and makes the block 8 % dearer, ``SVF2`` 75 %. Objects:
https://belangeo.github.io/pyo/
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from instrument.bench.peers.child import serve, serve_missing

_CUBIC = 4


def build(
    voices: int, block_frames: int, rate_hz: int
) -> tuple[Callable[[int], float], dict[str, object]]:
    """Start a manual server with `voices` sounding voices; return its measure and facts."""
    os.environ["PYO_GUI_WX"] = "0"
    import pyo

    server = pyo.Server(sr=rate_hz, nchnls=2, buffersize=block_frames, duplex=0, audio="manual")
    server.setVerbosity(1)
    server.boot()
    server.start()
    graph = [_voice(pyo, index, voices, rate_hz) for index in range(voices)]
    _KEEP_ALIVE.extend([server, graph])
    process = server.process

    def measure(blocks: int) -> float:
        start = time.perf_counter()
        for _ in range(blocks):
            process()
        return (time.perf_counter() - start) / blocks

    measure(50)
    silent = sum(all(value == 0.0 for value in pan.get(all=True)) for *_, pan in graph)
    facts: dict[str, object] = {
        "version": ".".join(str(part) for part in pyo.getVersion()),
        "sounding_voices": len(graph) - silent,
    }
    return measure, facts


_KEEP_ALIVE: list[object] = []  # pyo stops what Python forgets


def _voice(pyo: ModuleType, index: int, voices: int, rate_hz: int) -> tuple[Any, ...]:
    table = pyo.DataTable(rate_hz)
    cycles = 110 + index
    wave = np.sin(2 * np.pi * cycles * np.arange(rate_hz) / rate_hz)
    np.asarray(table.getBuffer())[:] = wave.astype(np.float32)
    envelope = pyo.Adsr(0.01, 0.1, 0.8, 0.3, dur=0, mul=1 / voices)
    envelope.play()
    reader = pyo.TableRead(table, freq=1.003, loop=True, interp=_CUBIC, mul=envelope)
    reader.play()
    filtered = pyo.Biquad(reader, freq=3000 + 10 * index, q=0.8, type=0)
    pan = pyo.Pan(filtered, outs=2, pan=index / voices).out()
    return table, envelope, reader, filtered, pan


def main() -> None:
    """Answer measurements on standard input until it ends."""
    voices, block_frames, rate_hz = (int(argument) for argument in sys.argv[1:4])
    try:
        measure, facts = build(voices, block_frames, rate_hz)
    except ImportError:
        serve_missing("no pyo: pip install pyo")
    else:
        serve(facts, lambda blocks: {"seconds": measure(int(blocks))})


if __name__ == "__main__":
    main()
