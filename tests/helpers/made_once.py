"""What many tests need and takes long to make is made once a run, by whichever worker is first.

In: how it is made. Out: the folder it lies in, which all workers of ``pytest -n`` share.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.helpers.turns import alone_in

_PLACE = "LATENTKEYS_TEST_SCRATCH"


@functools.cache
def scratch() -> Path:
    """Return the folder of the whole run; the process that has made it takes it away."""
    if place := os.environ.get(_PLACE):
        return Path(place)
    folder = Path(tempfile.mkdtemp(prefix="latentkeys-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_PLACE] = str(folder)  # for the workers, which this process starts
    return folder


def made_once(target: Path, make: Callable[[], object]) -> Path:
    """Return a place in `scratch` after something has been made there; copy before you change it.

    Parameters
    ----------
    target
        What `make` leaves behind: below `scratch`.
    make
        Called unless somebody was here before; who comes while it works waits.
    """
    guard = scratch() / "made" / "-".join(target.relative_to(scratch()).parts)
    guard.mkdir(parents=True, exist_ok=True)
    with alone_in(guard):
        if not target.exists():
            make()
    return target
