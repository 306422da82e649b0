"""A native JACK client that makes no sound and counts what the server did to it.

Run as a process (``python -m instrument.bench.peers.silent_client SERVER``) on a server of its own
it tells how often this machine stalls by itself; on a server that it shares with one other client
it is the referee that counts that client's under-runs, by the same measure whoever it is. With
``--keyboard`` a MIDI keyboard stands before it in the graph: the server then has two clients to
wake one after the other, as it has when somebody plays the instrument.

Both callbacks are machine code (numba), so no interpreter takes part in what is counted.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from typing import Any

import jack
import numpy as np
import rtmidi
from numba import cfunc, types
from numba.np.numpy_support import carray
from numpy.typing import NDArray

from instrument.bench.peers.child import serve, serve_missing
from instrument.bench.peers.jack_client import open_client

CLIENT, CYCLES, MISSED, EXPECTED, LATEST, XRUNS = range(6)
"""Places in the int64 array that both callbacks write: the client's address, cycles run, cycles
that passed without us, the frame that the next cycle should start at, the latest start within a
cycle (frames), xruns notified by the server."""

_U32 = 1 << 32


def main() -> None:
    """Count until standard input ends; every question answers with the counts so far."""
    try:
        client = open_client(sys.argv[1], "silent")
    except jack.JackError:
        serve_missing(f"no JACK server {sys.argv[1]!r}")
        return
    wants_keyboard = "--keyboard" in sys.argv
    port = client.midi_inports.register("midi_in")
    counts = np.zeros(8, np.int64)
    pointer = jack._ffi.cast("void *", counts.ctypes.data)
    process, on_xrun = _compile()
    counts[CLIENT] = int(jack._ffi.cast("uintptr_t", client._ptr))
    counts[EXPECTED] = -1
    jack._lib.jack_set_process_callback(
        client._ptr, jack._ffi.cast("JackProcessCallback", process.address), pointer
    )
    jack._lib.jack_set_xrun_callback(
        client._ptr, jack._ffi.cast("JackXRunCallback", on_xrun.address), pointer
    )
    keyboard = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="keyboard") if wants_keyboard else None
    with client:  # activates
        if keyboard:
            keyboard.open_virtual_port("keys")
            client.connect("keyboard:keys", port)
        serve({"rate_hz": client.samplerate}, lambda _amount: _answer(counts))
    client.close()


def _answer(counts: NDArray[np.int64]) -> dict[str, float]:
    return {
        "cycles": int(counts[CYCLES]),
        "missed_cycles": int(counts[MISSED]),
        "latest_start_frames": int(counts[LATEST]),
        "xruns": int(counts[XRUNS]),
    }


def _compile() -> tuple[Any, Any]:
    library = ctypes.CDLL(ctypes.util.find_library("jack"))
    cycle_start, since_start = library.jack_last_frame_time, library.jack_frames_since_cycle_start
    for function in (cycle_start, since_start):
        function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_uint32

    @cfunc(types.int32(types.uint32, types.voidptr))
    def process(frames: int, argument: Any) -> int:
        counts = carray(argument, 8, np.int64)
        now = np.int64(cycle_start(counts[CLIENT]))
        if counts[EXPECTED] >= 0 and now != counts[EXPECTED]:
            counts[MISSED] += ((now - counts[EXPECTED]) % _U32) // frames
        counts[EXPECTED] = (now + frames) % _U32
        counts[LATEST] = max(counts[LATEST], np.int64(since_start(counts[CLIENT])))
        counts[CYCLES] += 1
        return 0

    @cfunc(types.int32(types.voidptr))
    def on_xrun(argument: Any) -> int:
        carray(argument, 8, np.int64)[XRUNS] += 1
        return 0

    return process, on_xrun


if __name__ == "__main__":
    main()
