"""From the system's clock to stream frames, for messages that carry a time.

The audio callback ties the two together and smooths the tie (`realtime.callback`); here Python
reads the system's clock with the very function the callback uses, and asks which frame a moment is.
"""

from __future__ import annotations

import ctypes
import sys
import time

from instrument.realtime.state import EngineState

_POSIX_CLOCK_ID = 8 if sys.platform == "darwin" else 1  # CLOCK_UPTIME_RAW, CLOCK_MONOTONIC


def install_clock(state: EngineState) -> None:
    """Give the kernel this process's function for reading the system's clock."""
    fields = state.fields
    if sys.platform == "win32":
        library = ctypes.WinDLL("kernel32")
        ticks = ctypes.c_int64()
        library.QueryPerformanceFrequency(ctypes.byref(ticks))
        fields["clock_id"], fields["clock_ticks_per_second"] = -1, ticks.value
        function = library.QueryPerformanceCounter
    else:
        fields["clock_id"] = _POSIX_CLOCK_ID
        function = ctypes.CDLL(None).clock_gettime
    fields["clock_function"] = ctypes.cast(function, ctypes.c_void_p).value


def now_ns() -> int:
    """Return the time in nanoseconds on the clock that the callback reads too."""
    if sys.platform == "win32":
        return time.perf_counter_ns()
    return time.clock_gettime_ns(_POSIX_CLOCK_ID)


def frame_at(state: EngineState, time_ns: int) -> int | None:
    """Return the stream frame at which something that happened at `time_ns` shall sound.

    One block after the frame that was beginning to sound then: the block that contains its own
    moment has already been rendered, so this is the earliest that is the same for all.

    Returns
    -------
    int or None
        None before the first block, or while the callback is writing (as good as never).
    """
    fields = state.fields
    for _ in range(8):
        before = int(fields["clock_sequence"])
        frame = int(fields["clock_frame"])
        block_ns = float(fields["clock_block_ns"])
        block_frames = int(fields["clock_block_frames"])
        since_ns = time_ns - float(fields["clock_ns"])
        if before % 2 == 0 and before == int(fields["clock_sequence"]):
            if before == 0 or block_ns <= 0.0:
                return None
            wanted = frame + block_frames + round(since_ns / block_ns * block_frames)
            # What has happened belongs into the next block or the one after it, however much
            # the device stutters and the smoothed clock believes otherwise.
            return min(wanted, int(fields["clock"]) + block_frames)
    return None
