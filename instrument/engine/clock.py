"""From the system's clock to stream frames, for messages that carry a time.

The audio callback ties the two together and smooths the tie (`realtime.callback`); here Python
reads the system's clock with the very function the callback uses, and asks which frame a moment is.
"""

from __future__ import annotations

import ctypes
import sys
import time
from dataclasses import dataclass

from instrument.realtime.memory.state import EngineState

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
    tie = read_tie(state)
    if tie is None:
        return None
    wanted = tie.frame + tie.block_frames + round((time_ns - tie.ns) * tie.frames_per_ns)
    # What has happened belongs into the next block or the one after it, however much the device
    # stutters and the smoothed clock believes otherwise.
    return min(wanted, int(state.fields["clock"]) + tie.block_frames)


def time_at(state: EngineState, frame: int) -> int | None:
    """Return when a stream frame begins to sound on the device's side of the block it is in.

    Returns
    -------
    int or None
        Nanoseconds on `now_ns`; None as in `frame_at`.
    """
    tie = read_tie(state)
    return None if tie is None else round(tie.ns + (frame - tie.frame) / tie.frames_per_ns)


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """Stream frame `frame` began at `ns`; blocks have `block_frames`."""

    frame: int
    ns: float
    frames_per_ns: float
    block_frames: int


def read_tie(state: EngineState) -> ClockAnchor | None:
    """Return the callback's tie between frames and time; None before the first block.

    Parameters
    ----------
    state
        The engine block; any thread of any process may call this.
    """
    fields = state.fields
    for _ in range(8):
        before = int(fields["clock_sequence"])
        frame, ns = int(fields["clock_frame"]), float(fields["clock_ns"])
        block_frames = int(fields["clock_block_frames"])
        block_ns = float(fields["clock_block_ns"])
        if before % 2 == 0 and before == int(fields["clock_sequence"]):
            if before == 0 or block_ns <= 0.0:
                return None
            return ClockAnchor(frame, ns, block_frames / block_ns, block_frames)
    return None
