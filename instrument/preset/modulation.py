"""A preset's ``[modulation]``: two LFOs, and the routes by which things move its notes.

In: a preset's tables. Out: frozen dataclasses, and the fields of `layout.SOUND` that the
kernel reads. Without the section nothing is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from instrument.errors import PresetError
from instrument.realtime.memory.constants import (
    FIRST_CONTROLLER,
    FROM_ENVELOPE,
    FROM_FIRST_LFO,
    FROM_KEY,
    FROM_PRESSURE,
    FROM_RANDOM,
    FROM_SECOND_LFO,
    FROM_SLIDE,
    FROM_STRIKE,
    FROM_VELOCITY,
    FROM_WHEEL,
    LAST_CONTROLLER,
    MOST_ROUTES,
    NOTHING,
    SAW,
    SINE,
    SQUARE,
    STEPS,
    TO_CUTOFF,
    TO_FIRST_LFO,
    TO_LEVEL,
    TO_PAN,
    TO_PITCH,
    TO_SECOND_LFO,
    TRIANGLE,
    WANDER,
)
from instrument.schema import nearest, ranged

_SHAPES = {
    "sine": SINE,
    "triangle": TRIANGLE,
    "saw": SAW,
    "square": SQUARE,
    "steps": STEPS,
    "wander": WANDER,
}
_SOURCES = {
    "lfo_1": FROM_FIRST_LFO,
    "lfo_2": FROM_SECOND_LFO,
    "velocity": FROM_VELOCITY,
    "key": FROM_KEY,
    "wheel": FROM_WHEEL,
    "pressure": FROM_PRESSURE,
    "slide": FROM_SLIDE,
    "random": FROM_RANDOM,
    "envelope": FROM_ENVELOPE,
    "strike": FROM_STRIKE,
}
_TARGETS = {
    "level": (TO_LEVEL, 24.0, "dB"),
    "pan": (TO_PAN, 1.0, ""),
    "cutoff": (TO_CUTOFF, 6.0, "octaves"),
    "pitch": (TO_PITCH, 1200.0, "cents"),
    "lfo_1": (TO_FIRST_LFO, 1.0, ""),
    "lfo_2": (TO_SECOND_LFO, 1.0, ""),
}
_CENTS_PER_SEMITONE = 100.0


@dataclass(frozen=True, slots=True)
class Lfo:
    """A wave too slow to hear, from -1 to 1."""

    #: steps: another height with every turn; wander: on its way to another with every turn
    shape: Literal["sine", "triangle", "saw", "square", "steps", "wander"] = "sine"
    rate_hz: Annotated[float, ranged(0.01, 20, "Hz")] = 1.0
    beats: Annotated[float, ranged(0, 64, "beats")] = 0.0  #: of one turn; 0 = `rate_hz` counts
    delay_seconds: Annotated[float, ranged(0, 10, "s")] = 0.0  #: then it swells for as long again
    #: voice: each note's own, from its strike on; all: one for all notes
    of: Literal["voice", "all"] = "voice"


@dataclass(frozen=True, slots=True)
class Route:
    """One thing moves another."""

    #: lfo_1, lfo_2, velocity, key, wheel, pressure, slide, random (another with every strike),
    #: envelope (the level's), strike (1, falling as the filter's envelope does), cc2 … cc119
    source: Annotated[str, Meta(min_length=1, max_length=16)]
    target: Literal["level", "pan", "cutoff", "pitch", "lfo_1", "lfo_2"]
    #: With the source at 1, or an octave above middle C: dB, -1 to 1, octaves, cents; of an LFO
    #: the share that the source adds, which without such a route is all of it.
    amount: float


@dataclass(frozen=True, slots=True)
class Modulation:
    """What moves the notes."""

    lfo_1: Lfo = field(default_factory=Lfo)
    lfo_2: Lfo = field(default_factory=Lfo)
    routes: Annotated[tuple[Route, ...], Meta(max_length=MOST_ROUTES)] = ()


def check_modulation(modulation: Modulation, what: str) -> None:
    """Refuse a source that does not exist, and an amount that the target cannot take.

    Parameters
    ----------
    what
        The preset, for the message.

    Raises
    ------
    PresetError
        With the route's number, what was found and what is allowed.
    """
    for number, route in enumerate(modulation.routes, start=1):
        where = f"{what}: [modulation] routes, item {number},"
        if _source_number(route.source) == NOTHING:
            names = [*_SOURCES, "cc2"]
            remedy = nearest(route.source, names) or f"There are {', '.join(names)} to cc119."
            raise PresetError(f"{where} source {route.source!r} does not exist", remedy)
        _, most, unit = _TARGETS[route.target]
        if not -most <= route.amount <= most:
            allowed = f"{-most:g}..{most:g} {unit}".rstrip()
            raise PresetError(
                f"{where} amount must be in {allowed} for {route.target}, got {route.amount:g}"
            )


def modulation_fields(modulation: Modulation) -> dict[str, float]:
    """Say it in the kernel's words: values for the fields of `layout.SOUND`.

    Those that are arrays there have one value for each place, as ``route_amount.3``.
    """
    values = {"route_count": float(len(modulation.routes))}
    values.update(_lfo_fields(modulation))
    for place in range(MOST_ROUTES):
        source = target = amount = 0.0
        if place < len(modulation.routes):
            route = modulation.routes[place]
            source, target = _source_number(route.source), _TARGETS[route.target][0]
            amount = route.amount / (_CENTS_PER_SEMITONE if target == TO_PITCH else 1.0)
        values[f"route_source.{place}"] = source
        values[f"route_target.{place}"] = target
        values[f"route_amount.{place}"] = amount
    return values


def _lfo_fields(modulation: Modulation) -> Iterator[tuple[str, float]]:
    moved = {route.target for route in modulation.routes}
    for place, lfo in enumerate((modulation.lfo_1, modulation.lfo_2)):
        yield f"lfo_shape.{place}", _SHAPES[lfo.shape]
        yield f"lfo_is_common.{place}", float(lfo.of == "all")
        yield f"lfo_rate_hz.{place}", lfo.rate_hz
        yield f"lfo_beats.{place}", lfo.beats
        yield f"lfo_delay_seconds.{place}", lfo.delay_seconds
        yield f"lfo_depth.{place}", float(f"lfo_{place + 1}" not in moved)


def _source_number(source: str) -> int:
    """Return the kernel's number of a source, or `NOTHING`."""
    number = source.removeprefix("cc")
    if source.startswith("cc") and number.isascii() and number.isdigit() and len(number) <= 3:
        control = FIRST_CONTROLLER + int(number)
        return control if FIRST_CONTROLLER + 2 <= control <= LAST_CONTROLLER else NOTHING
    return _SOURCES.get(source, NOTHING)
