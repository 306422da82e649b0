"""The search process: ``python -m instrument.latents.search_process FOLDER``.

It renders sounds that nobody has asked to play yet: draws that are heard before they are offered,
the way to a recorded note, and how the ways across the morph pad
are heard. It is niced, holds no device, and ends when the panel does.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np

from instrument.bundle.bundle import Bundle, load_sound
from instrument.errors import LatentkeysError, SettingError
from instrument.latents.audition import Audition
from instrument.latents.even_way import heard_way
from instrument.latents.fit_to_recording import find_nearest, read_example, steps_of
from instrument.latents.latent import Latent, between, draw
from instrument.latents.search_messages import (
    WISHES,
    ComeNear,
    Draw,
    EvenOut,
    Finding,
    HeardWays,
    Nearby,
    NothingFound,
    Playable,
    Progress,
    Wish,
)
from instrument.processes.json_lines import listen, mention, say
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.renderer import ToneRenderer

MOST_DRAWS = 24
TRUNCATION = 0.9
_NICE = 10
_PITCH_REMEDY = "Type its pitch as a number (middle C is 60) and drop it again."


class SearchService:
    """One model's renderer, and what is looked for with it."""

    def __init__(self) -> None:
        self._opened: tuple[str, Bundle, ToneRenderer] | None = None

    def find(self, wish: Wish) -> Finding:
        """Do what the panel asks for; what goes wrong is an answer, too."""
        try:
            bundle, renderer = self._open(wish.model)
            if isinstance(wish, Draw):
                return playable_draw(wish, bundle, renderer)
            if isinstance(wish, EvenOut):
                return _heard(wish, bundle, renderer)
            return _nearest(wish, bundle, renderer)
        except LatentkeysError as problem:
            return NothingFound(problem.message, problem.remedy)

    def _open(self, model: str) -> tuple[Bundle, ToneRenderer]:
        if self._opened is None or self._opened[0] != model:
            bundle = load_sound(Path(model))
            threads = max(1, (os.cpu_count() or 2) - 1)
            self._opened = (model, bundle, open_renderer(bundle, threads=threads))
        return self._opened[1:]


def playable_draw(wish: Draw, bundle: Bundle, renderer: ToneRenderer) -> Finding:
    """Draw sounds until one is in tune, not silent, and not like what plays, unless it shall be."""
    audition = Audition(renderer)
    now = np.asarray(wish.now, np.float64)
    if not wish.near:
        audition.fault(now)  # it is the last one that was heard
    left_out: list[str] = []
    for number in range(MOST_DRAWS):
        latent = _draw(wish, number, bundle, now)
        if (fault := audition.fault(latent)) is None:
            return Playable(tuple(latent.tolist()), tuple(left_out))
        left_out.append(fault)
    remedy = "Try once more, or begin from another place on the map."
    return NothingFound(f"of {MOST_DRAWS} draws none can be played ({left_out[-1]})", remedy)


def _draw(wish: Draw, number: int, bundle: Bundle, now: Latent) -> Latent:
    seed = (wish.seed + number) % 2**31
    if wish.near:
        return between(bundle.sound, now, draw(bundle.sound, seed), wish.near)
    return draw(bundle.sound, seed, TRUNCATION)


def _nearest(wish: ComeNear, bundle: Bundle, renderer: ToneRenderer) -> Finding:
    try:
        example = read_example(Path(wish.recording), wish.pitch, renderer)
    except SettingError as problem:
        return NothingFound(problem.message, _PITCH_REMEDY)
    steps, done = steps_of(bundle.sound), 0

    def go_on() -> None:
        nonlocal done
        done += 1
        mention(Progress(done / steps))

    found = find_nearest(example, bundle.sound, renderer, go_on)
    latent = tuple(found.latent.tolist())
    return Nearby(latent, example.pitch, example.dies_away, found.distance_db)


def _heard(wish: EvenOut, bundle: Bundle, renderer: ToneRenderer) -> Finding:
    def along(*edges: tuple[int, int]) -> tuple[float, ...]:
        ways = [
            heard_way(renderer, bundle.sound, wish.corners[start], wish.corners[end])
            for start, end in edges
        ]
        return tuple(np.mean(ways, axis=0).tolist())

    return HeardWays(x=along((0, 1), (2, 3)), y=along((0, 2), (1, 3)))


def main() -> None:
    """Answer wishes one after the other, until whoever asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    wishes, search = listen(WISHES), SearchService()
    while (wish := wishes.get()) is not None:
        say(search.find(wish))


if __name__ == "__main__":
    main()
