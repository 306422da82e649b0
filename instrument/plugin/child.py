"""What a process of the service does first, before it loads anything."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

BEAT, BEAT_SECONDS = "BEAT", 0.5
"""What it says again and again, so that the service knows that it runs."""
PR_SET_PDEATHSIG = 1  # of Linux's prctl


def begin_child(niceness: int) -> None:
    """End with the service, even while stopped and blind to a stdin that ends; give way to music.

    On Linux it ends with the thread that has started it.
    """
    with suppress(OSError, AttributeError):
        os.nice(niceness)  # Windows has none
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
