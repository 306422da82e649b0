"""How a record of the shared memory is made: fields where C would put them.

This module imports neither numba nor llvmlite, as `memory.state`, which is built from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def record(*fields: tuple[Any, ...]) -> np.dtype[np.void]:
    """Return a record of these fields: name, type and, of an array, its shape."""
    return np.dtype(list(fields), align=True)


def ring(entry: np.dtype[np.void], count: int) -> np.dtype[np.void]:
    """Return an `event_ring.EventRing` of `count` entries, a power of two."""
    return record(("head", "i8"), ("tail", "i8"), ("dropped", "i8"), ("events", entry, (count,)))
