"""What a bundle's graphs are called on a server, and in a folder for one."""

from __future__ import annotations

from instrument.bundle.bundle import Bundle

_LETTERS = 12
"""Of the card's sha256: a server that has another version of a model has none of that name."""


def served_name(bundle: Bundle, graph: str) -> str:
    """Return a graph's name on a server: ``frame_voice-239e3a12f902-note``."""
    return f"{bundle.card.name}-{bundle.sha256[:_LETTERS]}-{graph}"
