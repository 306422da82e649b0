"""A path over the panel's morph pad that belongs to a sound: between which sounds, and which way.

In: a preset's ``[pad_path]``. Out: a `PadPath`; the panel goes it
(`instrument.panel.explore.morph_pad`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from msgspec import Meta

from instrument.errors import PresetError
from instrument.schema import Text, ranged

LONGEST_SECONDS = 60.0
MOST_POINTS = 1500
"""One in 40 ms; so a preset's file stays below its 64 KiB."""


@dataclass(frozen=True, slots=True)
class PadPath:
    """Where the pad goes, point by point; it stays at each until the next is due."""

    corners: Annotated[tuple[Text, ...], Meta(min_length=2, max_length=4)]  #: presets of its model
    length_seconds: Annotated[float, ranged(0.1, LONGEST_SECONDS, "s")]  #: of one round
    #: When it comes to each point, from 0 on.
    at_seconds: Annotated[
        tuple[Annotated[float, ranged(0, LONGEST_SECONDS, "s")], ...],
        Meta(min_length=2, max_length=MOST_POINTS),
    ]
    x: Annotated[tuple[Annotated[float, ranged(0, 1)], ...], Meta(max_length=MOST_POINTS)]
    y: Annotated[tuple[Annotated[float, ranged(0, 1)], ...], Meta(max_length=MOST_POINTS)]
    loops: bool = False  #: it is gone round and round as soon as the sound is chosen


def check_pad_path(path: PadPath | None, what: str) -> None:
    """Refuse a path whose lists do not belong together.

    Parameters
    ----------
    what
        The preset, for the message.

    Raises
    ------
    PresetError
        The lists differ in length, or the times go back.
    """
    if path is None:
        return
    lengths = {len(path.at_seconds), len(path.x), len(path.y)}
    if len(lengths) > 1:
        found = ", ".join(str(length) for length in sorted(lengths))
        raise PresetError(
            f"{what}: [pad_path] at_seconds, x and y must be equally long, got {found}"
        )
    if path.at_seconds[0] != 0 or any(b < a for a, b in pairwise(path.at_seconds)):
        raise PresetError(f"{what}: [pad_path] at_seconds must begin at 0 and never go back")
