"""A preset's ``[effects]``: what its voices go through together, before the master.

In: a preset's tables. Out: frozen dataclasses, and the fields of `layout.SOUND` that the
kernel reads. Without the section nothing is added to the voices.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from instrument.realtime.memory.effect_memory import CHORUSES, ROOMS
from instrument.schema import ranged

Level = Annotated[float, ranged(0, 1)]
Decibels = Annotated[float, ranged(-18, 18, "dB")]


@dataclass(frozen=True, slots=True)
class ToneBands:
    """Three bands: a low shelf, a bell and a high shelf."""

    low_db: Decibels = 0.0
    low_hz: Annotated[float, ranged(40, 1000, "Hz")] = 200.0
    mid_db: Decibels = 0.0
    mid_hz: Annotated[float, ranged(200, 8000, "Hz")] = 1000.0
    high_db: Decibels = 0.0
    high_hz: Annotated[float, ranged(1000, 16_000, "Hz")] = 5000.0


@dataclass(frozen=True, slots=True)
class Orbit:
    """The whole sound goes from side to side."""

    depth: Level = 0.0  #: 1 = all the way
    rate_hz: Annotated[float, ranged(0.02, 10, "Hz")] = 0.1


@dataclass(frozen=True, slots=True)
class Chorus:
    """Copies that drift against the sound; CC 93 sets the level."""

    level: Level = 0.0
    kind: Literal["chorus", "ensemble"] = "chorus"  #: one copy per side, or three that flutter
    rate_hz: Annotated[float, ranged(0.05, 6, "Hz")] = 0.6
    depth_milliseconds: Annotated[float, ranged(0, 6, "ms")] = 2.0


@dataclass(frozen=True, slots=True)
class Delay:
    """Echoes; those of a length in beats follow the tempo."""

    level: Level = 0.0
    seconds: Annotated[float, ranged(0.001, 2, "s")] = 0.375
    beats: Annotated[float, ranged(0, 4, "beats")] = 0.0  #: 0 = `seconds` count
    feedback: Annotated[float, ranged(0, 0.95)] = 0.35
    damping_hz: Annotated[float, ranged(200, 20_000, "Hz")] = 5000.0  #: treble lost per echo
    crosses: bool = True  #: from side to side


@dataclass(frozen=True, slots=True)
class Reverb:
    """The room around; CC 91 sets the level."""

    level: Level = 0.0
    room: Literal["room", "chamber", "hall", "plate"] = "room"
    seconds: Annotated[float, ranged(0.1, 20, "s")] = 1.5  #: to fall by 60 dB
    pre_delay_seconds: Annotated[float, ranged(0, 0.15, "s")] = 0.01
    size: Annotated[float, ranged(0.5, 1.5)] = 1.0  #: of the room's walls, 1 = as built
    damping_hz: Annotated[float, ranged(500, 20_000, "Hz")] = 6000.0  #: treble is lost above
    #: The walls sway so far, about once a second, and no key rings because of a resonance.
    modulation_milliseconds: Annotated[float, ranged(0, 4, "ms")] = 0.0


@dataclass(frozen=True, slots=True)
class Effects:
    """A chain: tone, drive, width, orbit, chorus, delay, reverb, glue, in this order."""

    #: Side over middle of what is played in the middle; adding both sides up undoes it.
    width: Level = 0.0
    drive: Level = 0.0  #: saturation; 1 = 24 dB into a soft curve
    glue: Level = 0.0  #: a 2 : 1 compressor; 1 = above -24 dB
    tone: ToneBands = ToneBands()
    orbit: Orbit = Orbit()
    chorus: Chorus = Chorus()
    delay: Delay = Delay()
    reverb: Reverb = Reverb()


def effect_fields(effects: Effects) -> dict[str, float]:
    """Say effects in the kernel's words: ``reverb_level`` is the level of ``[effects.reverb]``."""
    fields = {"width": effects.width, "drive": effects.drive, "glue": effects.glue}
    for name in ("tone", "orbit", "chorus", "delay", "reverb"):
        for key, value in dataclasses.asdict(getattr(effects, name)).items():
            fields[f"{name}_{key}"] = _NUMBERS.get((name, key), {}).get(value, value)
    return {name: float(value) for name, value in fields.items()}


_NUMBERS: dict[tuple[str, str], dict[str, int]] = {
    ("reverb", "room"): {name: number for number, name in enumerate(ROOMS)},
    ("chorus", "kind"): {name: number for number, name in enumerate(CHORUSES)},
}
