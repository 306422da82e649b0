"""The real-time host: plays models through MIDI and audio ports; imports no torch."""

from __future__ import annotations

from importlib import import_module

#: The mark of `instrument.import_names`: these files are ours.
DISTRIBUTION = "latentkeys"
__version__: str


def __getattr__(name: str) -> object:
    """Look a name up when it is used first, so that ``import instrument`` costs nothing."""
    if name == "__version__":
        return import_module("importlib.metadata").version(DISTRIBUTION)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
