"""The oracle's tiny checkpoint, imported once per test session."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from export.magenta.import_model import import_magenta
from tests.helpers.places import GOLDEN

CHECKPOINT = GOLDEN / "tiny"


@functools.cache
def tiny_gansynth() -> Path:
    """Return the bundle's folder, with graphs of one note; copy it before changing anything."""
    scratch = Path(tempfile.mkdtemp(prefix="latentkeys-tests-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return import_magenta(
        CHECKPOINT, scratch / "tiny", graph_names=("note_1", "attack_1"), workers=0
    ).path
