"""What the panel does with requests about sounds, and what it tells about them."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from instrument.bundle.bundle import Bundle, find_bundle
from instrument.errors import LatentkeysError, PresetError
from instrument.latents.create_preset import check_latent
from instrument.latents.latent import between, draw
from instrument.panel import messages as says
from instrument.panel.knobs import values
from instrument.panel.library import Shelf
from instrument.panel.link_messages import NowPlaying, PlayFile
from instrument.panel.pictures import find_picture, keep_picture
from instrument.panel.sound_map import SoundMap, at_point, morph
from instrument.panel.watcher import Watcher
from instrument.panel.workbench import Workbench
from instrument.preset.preset import Preset, load_preset

TICK_SECONDS = 0.025
"""A drag makes no more sounds than one in this time."""
NEAR = 0.35
"""Of the prior's spread: how far "more like this" goes."""


class Studio:
    """The library, the sound on the workbench and its model's map.

    Parameters
    ----------
    folder
        Of the session.
    watcher
        Sees the tones of which pictures are made.
    tell
        Tells every page something.
    ask
        Asks control for something.
    """

    def __init__(
        self,
        folder: Path,
        watcher: Watcher,
        tell: Callable[[says.Told], None],
        ask: Callable[[PlayFile], None],
    ) -> None:
        self._folder = folder
        self._watcher, self._tell, self._ask = watcher, tell, ask
        self.shelf = Shelf()
        self.bench = Workbench(folder / "panel")
        self._ticked_at = 0.0
        self._played = ""  # as control said last
        self._map: tuple[str, SoundMap, Bundle] | None = None

    def follow(self, situation: NowPlaying) -> None:
        """Hear what plays: a preset that came another way goes on the workbench, too."""
        if situation.preset == self._played or not situation.preset:
            return
        self._played = situation.preset
        path = Path(situation.preset)
        if not self.bench.owns(path) and path != self.bench.path:
            self._open(path)

    def hear(self, request: says.Request) -> says.Said | None:
        """Do what a page asks for.

        Raises
        ------
        LatentkeysError
            It cannot be.
        """
        doing = getattr(self, f"_{type(request).__name__.lower()}")
        said: says.Said | None = doing(request)
        self.tick()
        return said

    def tick(self) -> None:
        """Let play what has changed on the workbench: at once, but not too often."""
        now = time.monotonic()
        if now - self._ticked_at < TICK_SECONDS:
            return
        self._ticked_at = now
        if due := self.bench.file_if_due():
            path, carries = due
            self._ask(PlayFile(str(path), carries))

    def draw_picture(self) -> None:
        """Keep the picture of what plays, once its tones are there."""
        preset = self.bench.now
        if preset is None or self.bench.is_changed or find_picture(preset):
            return
        if picture := self._watcher.picture():
            keep_picture(preset, picture)
            self._tell(self.shelf.show())

    def desk(self) -> says.Desk | None:
        """Return the sound as it is now."""
        bench = self.bench
        shown = bench.stored if bench.shows_stored else bench.now
        if shown is None or bench.path is None:
            return None
        place = None
        with suppress(LatentkeysError):
            place = self._here()[0].where(shown.sound.latent)
        return says.Desk(
            preset=bench.path.stem,
            name=shown.name,
            values=values(shown),
            is_changed=bench.is_changed,
            undo=bench.steps[0],
            redo=bench.steps[1],
            side="B" if bench.shows_stored else "A",
            x=place[0] if place else None,
            y=place[1] if place else None,
        )

    def map(self) -> says.Map | None:
        """Return the map of the model that plays, if it can be drawn."""
        with suppress(LatentkeysError):
            return self._here()[0].show()
        return None

    def _open(self, path: Path) -> None:
        model = self.bench.now.model if self.bench.now else None
        self.bench.open(path)
        assert self.bench.now
        self._tell_desk()
        if self.bench.now.model != model and (shown := self.map()):
            self._tell(shown)

    def _tell_desk(self) -> None:
        if desk := self.desk():
            self._tell(desk)

    def _here(self) -> tuple[SoundMap, Bundle]:
        """Return the map of what plays, and its model.

        Raises
        ------
        LatentkeysError
            The model is not there, nothing plays, or what plays is none of its sounds.
        """
        preset, path = self._now(), self.bench.path
        assert path
        if self._map is None or self._map[0] != preset.model.sha256:
            bundle = find_bundle(preset.model, path)
            known = self._of_model(preset, bundle.sound.latent_size)
            self._map = (preset.model.sha256, SoundMap(bundle.sound, known), bundle)
        check_latent(preset, path, self._map[2])
        return self._map[1], self._map[2]

    def _of_model(self, preset: Preset, size: int) -> dict[str, Preset]:
        """Return the presets of a model, but for those whose latent is damaged."""
        presets = {entry.name: entry.preset for entry in self.shelf.entries if entry.preset}
        return {
            name: other
            for name, other in presets.items()
            if other.model == preset.model and len(other.sound.latent) == size
        }

    def _now(self) -> Preset:
        if self.bench.now is None:
            raise PresetError("no preset plays yet", "Wait a moment.")
        return self.bench.now

    def _play(self, request: says.Play) -> None:
        path = self.shelf.find(request.preset)
        self._open(path)
        self._ask(PlayFile(str(path)))
        self.shelf.played(request.preset)
        self._tell(self.shelf.show())

    def _set(self, request: says.Set) -> None:
        self.bench.turn(request.field, request.value)
        self._tell_desk()

    def _undo(self, _: says.Undo) -> None:
        self.bench.undo()
        self._tell_desk()

    def _redo(self, _: says.Redo) -> None:
        self.bench.redo()
        self._tell_desk()

    def _compare(self, _: says.Compare) -> None:
        self.bench.compare()
        self._tell_desk()

    def _save(self, request: says.Save) -> says.Said:
        preset, path = self._now(), self.bench.path
        assert path
        own = {entry.name for entry in self.shelf.entries if entry.origin == "user"}
        if not request.name and path.stem not in own:
            raise PresetError(
                f'"{preset.name}" came with latentkeys, so it stays as it is',
                "Save it under a new name.",
            )
        saved = self.shelf.save(
            self.bench.renamed(request.name) if request.name else preset, request.name
        )
        self._open(saved)
        self._ask(PlayFile(str(saved)))
        self._library_changed()
        return says.Said(f"Saved: {saved.stem}")

    def _rename(self, request: says.Rename) -> None:
        path = self.shelf.rename(request.preset, request.name)
        if self.bench.path and self.bench.path.stem == request.preset:
            self._open(path)
            self._ask(PlayFile(str(path)))
        self._library_changed()

    def _delete(self, request: says.Delete) -> says.Said:
        if self.bench.path and self.bench.path.stem == request.preset:
            raise PresetError(f'"{request.preset}" plays at present', "Choose another sound first.")
        self.shelf.delete(request.preset)
        self._library_changed()
        return says.Said(f"In the bin: {request.preset}")

    def _restore(self, request: says.Restore) -> None:
        self.shelf.restore(request.preset)
        self._library_changed()

    def _import(self, request: says.Import) -> says.Said:
        path = self.shelf.take_in(request.text, self._folder)
        self._library_changed()
        return says.Said(f"Imported: {load_preset(path).name}")

    def _favourite(self, request: says.Favourite) -> None:
        self.shelf.mark(request.preset, is_favourite=request.on)
        self._tell(self.shelf.show())

    def _place(self, request: says.Place) -> None:
        latent = self._here()[0].latent_at(request.x, request.y)
        self.bench.change(at_point(self._now(), latent), "place", carries=True)
        self._tell_desk()

    def _morphto(self, request: says.MorphTo) -> None:
        bundle = self._here()[1]
        paths = [self.shelf.find(name) for name in request.corners]
        corners = [load_preset(path) for path in paths]
        if other := next((c for c in corners if c.model.sha256 != bundle.weights_sha256), None):
            raise PresetError(
                f'"{other.name}" belongs to another model than what plays: nothing lies between',
                f"Choose corners of {bundle.card.name}.",
            )
        for corner, path in zip(corners, paths, strict=True):
            check_latent(corner, path, bundle)
        mixed = morph(bundle.sound, corners, request.x, request.y)
        now = self._now()
        mixed = dataclasses.replace(mixed, name=now.name, program=None, tags=now.tags)
        self.bench.change(mixed, "morph", carries=True)
        self._tell_desk()

    def _surprise(self, _request: says.Surprise) -> None:
        bundle = self._here()[1]
        latent = draw(bundle.sound, secrets.randbits(31), 0.9)
        self.bench.change(at_point(self._now(), latent), f"surprise {secrets.randbits(31)}")
        self._tell_desk()

    def _alike(self, _request: says.Alike) -> None:
        bundle = self._here()[1]
        now, other = self._now(), draw(bundle.sound, secrets.randbits(31))
        latent = between(bundle.sound, now.sound.latent, other, NEAR)
        self.bench.change(at_point(now, latent), f"alike {secrets.randbits(31)}")
        self._tell_desk()

    def _library_changed(self) -> None:
        now = self.bench.now
        if self._map and now and now.model.sha256 == self._map[0]:
            sha256, before, bundle = self._map
            known = self._of_model(now, bundle.sound.latent_size)
            self._map = (sha256, SoundMap(bundle.sound, known, before), bundle)
        self._tell(self.shelf.show())
        if shown := self.map():
            self._tell(shown)
