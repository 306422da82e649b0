"""Ways to sounds that nobody has stored: the map, the morph pad, chance, a recording."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import find_bundle
from instrument.errors import LatentkeysError, PresetError
from instrument.latents.create_preset import check_latent, plain_preset
from instrument.latents.even_way import EvenWay
from instrument.latents.latent import Latent
from instrument.latents.search_messages import (
    Draw,
    EvenOut,
    Finding,
    HeardWays,
    Nearby,
    NothingFound,
    Playable,
)
from instrument.panel.desk.library import Shelf
from instrument.panel.desk.workbench import Workbench
from instrument.panel.explore.morph_pad import MorphPad
from instrument.panel.explore.searching import Searching
from instrument.panel.explore.sound_map import SoundMap, at_point, morph, square
from instrument.panel.messages import news as says
from instrument.panel.messages import requests as asks
from instrument.preset.preset import Preset, load_preset
from instrument.processes.json_lines import Notice

NEAR = 0.35
"""Of the prior's spread: how far "more like this" goes."""
CHOOSING_SECONDS = 0.5
"""Corners that have stayed so long are no longer being chosen."""


class Explorer:
    """Put sounds on the workbench that lie elsewhere in the model that plays.

    Parameters
    ----------
    folder
        Where a recording that is dropped is kept.
    bench, shelf
        The sound that plays, and the library.
    tell
        Tells every page something.
    tell_desk
        Tells every page what plays.
    """

    def __init__(
        self,
        folder: Path,
        bench: Workbench,
        shelf: Shelf,
        tell: Callable[[says.Told], None],
        tell_desk: Callable[[], None],
    ) -> None:
        self._bench, self._shelf = bench, shelf
        self._tell, self._tell_desk = tell, tell_desk
        self._map: tuple[str, SoundMap, Bundle] | None = None
        self.pad = MorphPad()
        self.searching = Searching(folder)
        self._evening = Searching(folder.with_name("ways"))
        self._ways_of: tuple[tuple[float, ...], ...] = ()
        self._ways = EvenWay(), EvenWay()
        self._unheard: EvenOut | None = None
        self._hear_at = 0.0

    def map(self) -> says.Map | None:
        """Return the map of the model that plays, if it can be drawn."""
        with suppress(LatentkeysError):
            return self._here()[0].show()
        return None

    def where(self, preset: Preset) -> tuple[float, float] | None:
        """Return the place of a sound of the model that plays, if it has one."""
        with suppress(LatentkeysError):
            return self._here()[0].where(preset.sound.latent)
        return None

    def follow(self) -> None:
        """Go on with what moves by itself, and hear what was looked for."""
        if self.pad.moved():
            self.morph(by_itself=True)
        if self.searching.follow():
            self._tell(self.searching.shown)
        if self._unheard and time.monotonic() > self._hear_at:
            self._evening.stop()  # of what it hears the corners have changed
            self._evening.ask(self._unheard, self._evened)
            self._unheard = None
        self._evening.follow()

    def opened(self, preset: Preset) -> None:
        """Another sound is on the workbench: its path is gone if it has one, else the pad rests."""
        if preset.pad_path:
            self.pad.take(preset.pad_path)
        else:
            self.pad.stop()
        self._tell(self.pad.show())

    def stepped(self) -> None:
        """The sound has gone a step back or forth, and the pad with it."""
        self.pad.take(self._bench.needed().pad_path)
        self._tell(self.pad.show())

    def follow_path(self, do: Literal["record", "loop", "stop"]) -> None:
        """Record a path over the pad, go it, or stay; the path is the sound's from then on.

        Raises
        ------
        PresetError
            There is no path to go.
        """
        pad = self.pad
        {"record": pad.record, "loop": pad.loop, "stop": pad.stop}[do]()
        now = self._bench.needed()
        if not pad.is_recording and pad.path != now.pad_path:
            changed = dataclasses.replace(now, pad_path=pad.path)
            self._bench.change(changed, f"path {do}", carries=True)
            self._tell_desk()
        self._tell(pad.show())

    def rest(self) -> None:
        """Let the pad stay where it is: something else moves the sound."""
        if self.pad.is_busy:
            self.pad.stop()
            self._tell(self.pad.show())

    def model_changed(self) -> None:
        """Another model plays now."""
        self.pad.stop()
        self.pad.corners = ()
        self.tell_map()

    def library_changed(self) -> None:
        """Show the presets that have come, and no longer those that have gone."""
        now = self._bench.now
        if self._map and now and now.model.sha256 == self._map[0]:
            sha256, before, bundle = self._map
            known = self._of_model(now, bundle.sound.latent_size)
            self._map = (sha256, SoundMap(bundle.sound, known, before), bundle)
        self.tell_map()

    def tell_map(self) -> None:
        """Show the map, if it can be drawn."""
        if shown := self.map():
            self._tell(shown)

    def place(self, x: float, y: float) -> None:
        """Go to a place of the map.

        Raises
        ------
        LatentkeysError
            There is no map.
        """
        latent = self._here()[0].latent_at(x, y)
        self._bench.change(self._at_rest(latent), "place", carries=True)
        self._tell_desk()

    def morph_to(self, request: asks.MorphTo) -> None:
        """Be between the corners that a page has chosen.

        Raises
        ------
        LatentkeysError
            Nothing lies between them.
        """
        before = self.pad.corners
        self.pad.choose(request.corners)
        self.pad.go(request.x, request.y)
        try:
            self.morph()
        except LatentkeysError:
            self.pad.choose(before)
            raise

    def morph(self, *, by_itself: bool = False) -> None:
        """Let the sound be where the pad is; knobs that were turned stay as they were put.

        Parameters
        ----------
        by_itself
            A path goes on: that is no step that one can take back.

        Raises
        ------
        LatentkeysError
            Nothing lies between its corners.
        """
        bundle, pad, now = self._here()[1], self.pad, self._bench.needed()
        if not pad.corners:
            known = list(self._of_model(now, bundle.sound.latent_size))
            pad.choose(tuple(known[number * len(known) // 4] for number in range(4)))
        corners = self._corners(bundle)
        self._even_out(bundle, corners)
        x, y = self._ways[0].amount(pad.x), self._ways[1].amount(pad.y)
        mixed = morph(bundle.sound, corners, x, y)
        path = now.pad_path if pad.is_recording else pad.path
        mixed = dataclasses.replace(
            mixed, name=now.name, program=None, tags=now.tags, pad_path=path
        )
        mixed = self._bench.with_turned(mixed)
        self._bench.change(mixed, "morph", carries=True, by_itself=by_itself)
        self._tell(pad.show())
        self._tell_desk()

    def draw(self, near: float = 0.0) -> None:
        """Look for a sound that can be played, anywhere or near to what plays.

        Raises
        ------
        LatentkeysError
            There is no model to draw from, or something else is looked for.
        """
        bundle, now = self._here()[1], self._bench.needed()
        wish = Draw(str(bundle.path), secrets.randbits(30), now.sound.latent, near)
        self.searching.draw(wish, lambda found: self._drawn(found, now))
        self._tell(self.searching.shown)

    def come_near(self, name: str, pitch: int | None) -> None:
        """Look for the sound that is nearest to the recording that has arrived.

        Raises
        ------
        LatentkeysError
            There is no model to look in, or something else is looked for.
        """
        bundle = self._here()[1]
        self.searching.come_near(bundle, name, pitch, lambda found: self._near(found, bundle))
        self._tell(self.searching.shown)

    def stop_searching(self) -> None:
        """Look no longer."""
        self.searching.stop()
        self._tell(self.searching.shown)

    def _at_rest(self, latent: Latent) -> Preset:
        """Return the sound elsewhere in its model; it is not its path that moves it now."""
        self.rest()
        preset = at_point(self._bench.needed(), latent)
        path = preset.pad_path and dataclasses.replace(preset.pad_path, loops=False)
        return dataclasses.replace(preset, pad_path=path)

    def _even_out(self, bundle: Bundle, corners: list[Preset]) -> None:
        """Have the ways between new corners heard; until then the pad goes at the latents' pace."""
        latents = tuple(corner.sound.latent for corner in square(corners))
        if latents == self._ways_of:
            return
        self._ways_of, self._ways = latents, (EvenWay(), EvenWay())
        self._unheard = EvenOut(str(bundle.path), latents)
        self._hear_at = time.monotonic() + CHOOSING_SECONDS

    def _evened(self, found: Finding) -> None:
        if isinstance(found, HeardWays):  # else it goes on as it is: nothing is broken
            self._ways = EvenWay(found.x), EvenWay(found.y)

    def _drawn(self, found: Finding, before: Preset) -> None:
        self.searching.shown = says.Search("nothing")
        now = self._bench.needed()
        if isinstance(found, NothingFound):
            self._tell(Notice(found.message, found.remedy))
        elif isinstance(found, Playable) and now.model == before.model:
            drawn = self._at_rest(np.asarray(found.latent))
            self._bench.change(drawn, f"draw {secrets.randbits(31)}")
            self._tell_desk()

    def _near(self, found: Finding, bundle: Bundle) -> None:
        searching = self.searching
        name = searching.shown.name
        if isinstance(found, NothingFound):
            searching.shown = says.Search(
                "failed", name, message=found.message, remedy=found.remedy
            )
        elif isinstance(found, Nearby):
            self.rest()
            preset = plain_preset(name, bundle, np.asarray(found.latent), dies_away=found.dies_away)
            self._bench.change(preset, f"recording {secrets.randbits(31)}")
            searching.shown = says.Search(
                "found", name, 1.0, found.pitch, round(found.distance_db, 1)
            )
            self._tell_desk()

    def _here(self) -> tuple[SoundMap, Bundle]:
        """Return the map of what plays, and its model.

        Raises
        ------
        LatentkeysError
            The model is not there, nothing plays, or what plays is none of its sounds.
        """
        preset, path = self._bench.needed(), self._bench.path
        assert path
        if self._map is None or self._map[0] != preset.model.sha256:
            bundle = find_bundle(preset.model, path)
            known = self._of_model(preset, bundle.sound.latent_size)
            self._map = (preset.model.sha256, SoundMap(bundle.sound, known), bundle)
        check_latent(preset, path, self._map[2])
        return self._map[1], self._map[2]

    def _of_model(self, preset: Preset, size: int) -> dict[str, Preset]:
        """Return the presets of a model, but for those whose latent is damaged."""
        presets = {entry.name: entry.preset for entry in self._shelf.entries if entry.preset}
        return {
            name: other
            for name, other in presets.items()
            if other.model == preset.model and len(other.sound.latent) == size
        }

    def _corners(self, bundle: Bundle) -> list[Preset]:
        paths = [self._shelf.find(name) for name in self.pad.corners]
        corners = [load_preset(path) for path in paths]
        if other := next((c for c in corners if c.model.sha256 != bundle.weights_sha256), None):
            raise PresetError(
                f'"{other.name}" belongs to another model than what plays: nothing lies between',
                f"Choose corners of {bundle.card.name}.",
            )
        for corner, path in zip(corners, paths, strict=True):
            check_latent(corner, path, bundle)
        return corners
