"""A preset's ``[playing]``: how many notes sound at once, and how one goes over to the next.

In: a preset's table. Out: a frozen dataclass, and the fields of `layout.SOUND` that the
kernel reads. Without the section every key is a note of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from instrument.realtime.memory.constants import (
    ALWAYS,
    HIGHEST_KEY,
    LAST_KEY,
    LEGATO,
    LOWEST_KEY,
    MONO,
    MOST_UNISON,
    NEVER,
    OVERLAPPING,
    POLY,
)
from instrument.schema import ranged

_MODES = {"poly": POLY, "mono": MONO, "legato": LEGATO}
_PRIORITIES = {"last": LAST_KEY, "highest": HIGHEST_KEY, "lowest": LOWEST_KEY}
_GLIDES = {"never": NEVER, "overlapping": OVERLAPPING, "always": ALWAYS}


@dataclass(frozen=True, slots=True)
class Playing:
    """Poly, mono or legato; glide; unison; transposition."""

    #: mono strikes anew with every key; legato moves the note that sounds while keys overlap.
    mode: Literal["poly", "mono", "legato"] = "poly"
    #: Which of several held keys sounds, in mono and legato.
    priority: Literal["last", "highest", "lowest"] = "last"
    #: Which notes come from the pitch before: those whose keys overlap, or all. CC 65 decides when
    #: it moves, and CC 84 names the key to come from.
    glide: Literal["never", "overlapping", "always"] = "never"
    glide_seconds: Annotated[float, ranged(0, 10, "s")] = 0.08  #: CC 5 sets it
    #: The seconds are for the whole way ("time"), or for each octave of it ("rate").
    glide_timing: Literal["time", "rate"] = "time"
    unison: Annotated[int, ranged(1, MOST_UNISON)] = 1  #: voices per note
    unison_detune_cents: Annotated[float, ranged(0, 100, "cents")] = 12.0  #: of the outermost
    unison_spread: Annotated[float, ranged(0, 1)] = 0.5  #: from the middle to either side
    transpose_semitones: Annotated[int, ranged(-48, 48, "semitones")] = 0


def playing_fields(playing: Playing) -> dict[str, float]:
    """Say it in the kernel's words: values for the fields of `layout.SOUND`."""
    return {
        "playing_mode": _MODES[playing.mode],
        "key_priority": _PRIORITIES[playing.priority],
        "glide_when": _GLIDES[playing.glide],
        "glide_seconds": playing.glide_seconds,
        "glide_is_rate": float(playing.glide_timing == "rate"),
        "unison": playing.unison,
        "unison_gain": playing.unison**-0.5,  # together as loud as one
        "unison_detune_cents": playing.unison_detune_cents,
        "unison_spread": playing.unison_spread,
        "transpose_semitones": playing.transpose_semitones,
    }
