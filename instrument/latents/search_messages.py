"""What the panel and its search process say to each other: one JSON object per line."""

from __future__ import annotations

from typing import Annotated

import msgspec

from instrument.schema import ranged


class Draw(msgspec.Struct, frozen=True, tag=True):
    """Panel: draw a sound that can be played."""

    model: str  #: folder of the bundle
    seed: int
    now: tuple[float, ...]  #: what plays; the draw is not like it
    near: float = 0.0  #: above 0: the draw lies so near to it, as a share of the way


class ComeNear(msgspec.Struct, frozen=True, tag=True):
    """Panel: find the sound that is nearest to a recorded note."""

    model: str
    recording: str  #: a sound file
    pitch: Annotated[int, ranged(0, 127)] | None = None  #: estimated when not given


class EvenOut(msgspec.Struct, frozen=True, tag=True):
    """Panel: say how the ways across a square are heard; see `instrument.latents.even_way`."""

    model: str
    corners: tuple[tuple[float, ...], ...]  #: four latents: below left and right, above left, right


class Progress(msgspec.Struct, frozen=True, tag=True):
    """Search: so far it has come."""

    share: float


class Playable(msgspec.Struct, frozen=True, tag=True):
    """Search: this one can be played."""

    latent: tuple[float, ...]
    left_out: tuple[str, ...]  #: why those before it were not taken


class Nearby(msgspec.Struct, frozen=True, tag=True):
    """Search: nearer it does not come."""

    latent: tuple[float, ...]
    pitch: int
    dies_away: bool
    distance_db: float


class HeardWays(msgspec.Struct, frozen=True, tag=True):
    """Search: what changes from point to point, to the right and upwards, dB."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class NothingFound(msgspec.Struct, frozen=True, tag=True):
    """Search: there is none, and why."""

    message: str
    remedy: str = ""


Wish = Draw | ComeNear | EvenOut
WISHES: msgspec.json.Decoder[Wish] = msgspec.json.Decoder(Wish)
Finding = Progress | Playable | Nearby | HeardWays | NothingFound
FINDINGS: msgspec.json.Decoder[Finding] = msgspec.json.Decoder(Finding)
