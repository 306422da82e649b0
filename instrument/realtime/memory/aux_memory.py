"""What the kernel and the rack share: an aux send with its return, and a rack's knobs.

Who writes what: the kernel the send, the fields from ``plays`` on, and nothing else; the rack's
process the return, ``is_on`` and ``latency_frames``; control, or the panel, levels and knobs.
Control switches ``is_on`` off when the rack's process has gone. Frames lie in both rings at their
number modulo `RACK_FRAMES`.

This module imports neither numba nor llvmlite, as `memory.state`, which is built from it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RACK_FRAMES: Final = 1 << 14  # of a ring: a power of two
FADE_OUT_FRAMES: Final = 64  # of what is there, for a return that ends
MOST_KNOBS: Final = 12

_FIELDS: Final[list[tuple[Any, ...]]] = [
    ("is_on", "i8"),
    ("latency_frames", "i8"),  # the return of a frame is due so much later
    ("dry_frames", "i8"),  # so much later the dry sound is; 0 but in renders, which are aligned
    ("returned_from", "i8"),  # frames of the send from here on,
    ("returned", "i8"),  # up to here, are back; published last
    ("send_level", "f4"),  # amplitude factor, applied by the rack
    ("return_level", "f4"),
    ("dry_level", "f4"),  # of the direct sound while the return is there
    ("knobs", "f4", (MOST_KNOBS,)),  # in the order in which the rack declares them
    ("sent", "i8"),  # frames of the send up to here are there
    ("plays", "i8"),  # 1: the return is heard, or fades in
    ("latency_in_use", "i8"),
    ("back_at", "i8"),  # not before this frame a late return is heard again
    ("fade", "f4"),  # 0 = the return is silent .. 1
    ("return_gain", "f4"),  # the levels, smoothed
    ("dry_gain", "f4"),
    ("send", "f4", (RACK_FRAMES, 2)),
    ("wet", "f4", (RACK_FRAMES, 2)),  # the return
]
RACK: Final = np.dtype(_FIELDS, align=True)


def at_rest(rack: NDArray[np.void]) -> None:
    """Give the fields of `RACK` the values that they have before there is a rack.

    Parameters
    ----------
    rack
        One record, all of it 0.
    """
    for name in ("send_level", "return_level", "dry_level", "return_gain", "dry_gain"):
        rack[name] = 1.0
