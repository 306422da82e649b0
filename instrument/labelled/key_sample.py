"""A sample that a sampler's map speaks of.

In: what was written to the disk. Out: what `sampler_map` and `dspreset` say of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from instrument.rendering.tone_cache import Tone

TAKES = ((0.0, 0.0), (1.3, -0.25), (-1.6, 0.3))
"""Cents and dB of a strike and the next ones, at full variation."""


@dataclass(frozen=True, slots=True)
class KeySample:
    """A sample on the disk and the keys that play it.

    Attributes
    ----------
    file
        From the map's folder.
    tone
        What it holds.
    volume_db
        To be added to it.
    keys
        The lowest and the highest.
    loop
        First frame of what goes round, and the first that does not; None where it rings out.
    """

    file: str
    tone: Tone
    volume_db: float
    keys: tuple[int, int]
    loop: tuple[int, int] | None
