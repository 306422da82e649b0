"""The oracle's tiny checkpoint, imported once a run."""

import functools
from pathlib import Path

from export.magenta.import_model import import_magenta
from tests.helpers.made_once import made_once, scratch
from tests.helpers.places import GOLDEN

CHECKPOINT = GOLDEN / "tiny"


@functools.cache
def tiny_gansynth() -> Path:
    """Return the bundle's folder, with graphs of one note; copy it before changing anything."""
    target, graphs = scratch() / "magenta" / "tiny", ("note_1", "attack_1")
    return made_once(
        target, lambda: import_magenta(CHECKPOINT, target, graph_names=graphs, workers=0)
    )
