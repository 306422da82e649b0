"""What the panel does with requests about sounds, and what it tells about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import msgspec

from instrument.errors import LatentkeysError, PresetError
from instrument.files import shipped_presets_folder
from instrument.panel.desk.knobs import groups, value_at, values
from instrument.panel.desk.learning import Learning
from instrument.panel.desk.library import Shelf
from instrument.panel.desk.rack_knobs import OWN, OwnRackKnobs
from instrument.panel.desk.workbench import Workbench
from instrument.panel.engine.watcher import Watcher
from instrument.panel.explore.explorer import NEAR, Explorer
from instrument.panel.messages import news as says
from instrument.panel.messages import requests as asks
from instrument.panel.messages.link import NowPlaying, PlayFile
from instrument.panel.pictures import find_picture, keep_picture
from instrument.partner.commands import Learn
from instrument.preset.learned_controllers import PARTNER
from instrument.preset.partner_options import KnobName
from instrument.preset.preset import Preset, file_stem, load_preset, user_presets_folder
from instrument.processes.json_lines import Notice
from instrument.rack.knob import Knob
from instrument.realtime.memory.state import EngineState

TICK_SECONDS = 0.025
"""A drag makes no more sounds than one in this time."""
AXES = ("morph.x", "morph.y", "map.x", "map.y")
_PARTNER_KNOBS: tuple[KnobName, ...] = get_args(KnobName)


class Studio:
    """The library, the sound on the workbench and its model's map.

    Parameters
    ----------
    folder
        Of the session.
    state
        The engine block.
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
        state: EngineState,
        watcher: Watcher,
        tell: Callable[[says.Told], None],
        ask: Callable[[PlayFile | Learn], None],
    ) -> None:
        self._folder = folder
        self._watcher, self._tell, self._ask = watcher, tell, ask
        self.shelf = Shelf()
        self.bench = Workbench(folder / "panel")
        self._ticked_at = 0.0
        self._played = ""  # as control said last
        self.explorer = Explorer(folder / "search", self.bench, self.shelf, tell, self._tell_desk)
        self.own_rack = OwnRackKnobs(state)
        knobs = (knob.field for table in groups().values() for knob in table)
        partner = (f"{PARTNER}{knob}" for knob in _PARTNER_KNOBS)
        self.learning = Learning(state, frozenset((*knobs, *AXES, *partner)))

    def follow(self, situation: NowPlaying) -> None:
        """Hear what plays: a preset that came another way goes on the workbench, too."""
        if situation.preset == self._played or not situation.preset:
            return
        self._played = situation.preset
        path = Path(situation.preset)
        if not self.bench.owns(path) and path != self.bench.path:
            self._open(path)

    def take_own_rack(self, knobs: tuple[Knob, ...]) -> bool:
        """Hear what the player's own rack has to be turned; tell whether that is new."""
        if knobs == self.own_rack.knobs:
            return False
        self.own_rack.knobs = knobs
        self.learning.may_learn(knob.field for knob in self.own_rack.groups().get(OWN, ()))
        return True

    def hear(self, request: asks.Request) -> says.Said | None:
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
        with self._told():
            self._follow_controllers()
            self.explorer.follow()
        with self._told():
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
        place = self.explorer.where(shown)
        return says.Desk(
            preset=bench.path.stem,
            name=shown.name,
            values={**values(shown), **self.own_rack.values()},
            is_changed=bench.is_changed,
            undo=bench.steps[0],
            redo=bench.steps[1],
            side="B" if bench.shows_stored else "A",
            x=place[0] if place else None,
            y=place[1] if place else None,
        )

    def _open(self, path: Path) -> None:
        model = self.bench.now.model if self.bench.now else None
        self.bench.open(path)
        assert self.bench.now
        self._tell_desk()
        if self.bench.now.model != model:
            self.explorer.model_changed()
        self.explorer.opened(self.bench.now)

    def _tell_desk(self) -> None:
        if desk := self.desk():
            self._tell(desk)

    def _play(self, request: asks.Play) -> None:
        path = self.shelf.find(request.preset)
        self._open(path)
        self._ask(PlayFile(str(path)))
        self.shelf.played(request.preset)
        self._tell(self.shelf.show())

    def _set(self, request: asks.Set) -> None:
        if request.field.startswith(OWN):
            self.own_rack.turn(request.field, request.value)
        else:
            self.bench.turn(request.field, request.value)
        self._tell_desk()

    def _undo(self, _: asks.Undo) -> None:
        self.bench.undo()
        self.explorer.stepped()
        self._tell_desk()

    def _redo(self, _: asks.Redo) -> None:
        self.bench.redo()
        self.explorer.stepped()
        self._tell_desk()

    def _compare(self, _: asks.Compare) -> None:
        if self.explorer.pad.is_busy:
            self.explorer.follow_path("stop")
        self.bench.compare()
        self._tell_desk()

    def _save(self, request: asks.Save) -> says.Said:
        preset, path = self.bench.needed(), self.bench.path
        assert path
        name = request.name or self._own_name(preset, path)
        saved = self.shelf.save(self.bench.renamed(name) if name else preset, name)
        self._open(saved)
        self._ask(PlayFile(str(saved)))
        self._library_changed()
        return says.Said(f"Saved: {saved.stem}")

    def _own_name(self, preset: Preset, path: Path) -> str:
        """Return the name under which a sound comes into the library; none if it is there.

        Raises
        ------
        PresetError
            Another sound has it.
        """
        if path.parent == shipped_presets_folder():
            raise PresetError(
                f'"{preset.name}" came with latentkeys, so it stays as it is',
                "Save it under a new name.",
            )
        if path.parent == user_presets_folder():
            return ""
        if any(entry.name == file_stem(preset.name) for entry in self.shelf.entries):
            raise PresetError(
                f'"{preset.name}" belongs to the song, and the library has another sound of '
                "that name",
                "Save it under a new name.",
            )
        return preset.name

    def _rename(self, request: asks.Rename) -> None:
        path = self.shelf.rename(request.preset, request.name)
        if self.bench.path and self.bench.path.stem == request.preset:
            self._open(path)
            self._ask(PlayFile(str(path)))
        self._library_changed()

    def _delete(self, request: asks.Delete) -> says.Said:
        if self.bench.path and self.bench.path.stem == request.preset:
            raise PresetError(f'"{request.preset}" plays at present', "Choose another sound first.")
        self.shelf.delete(request.preset)
        self._library_changed()
        return says.Said(f"In the bin: {request.preset}")

    def _restore(self, request: asks.Restore) -> None:
        self.shelf.restore(request.preset)
        self._library_changed()

    def _import(self, request: asks.Import) -> says.Said:
        path = self.shelf.take_in(request.text, self._folder)
        self._library_changed()
        return says.Said(f"Imported: {load_preset(path).name}")

    def _favourite(self, request: asks.Favourite) -> None:
        self.shelf.mark(request.preset, is_favourite=request.on)
        self._tell(self.shelf.show())

    def _place(self, request: asks.Place) -> None:
        self.explorer.place(request.x, request.y)

    def _morphto(self, request: asks.MorphTo) -> None:
        self.explorer.morph_to(request)

    def _morphpath(self, request: asks.MorphPath) -> None:
        self.explorer.follow_path(request.do)

    def _surprise(self, _: asks.Surprise) -> None:
        self.explorer.draw()

    def _alike(self, _: asks.Alike) -> None:
        self.explorer.draw(NEAR)

    def _stopsearch(self, _: asks.StopSearch) -> None:
        self.explorer.stop_searching()

    def _learnknob(self, request: asks.LearnKnob) -> None:
        self.learning.learn(request.field)
        if request.field.startswith(PARTNER):
            knob = request.field.removeprefix(PARTNER)
            self._ask(msgspec.convert({"type": "Learn", "knob": knob}, Learn))
        self._tell(self.learning.show())

    def _forget(self, request: asks.Forget) -> None:
        self.learning.forget(request.field)
        self._tell(self.learning.show())

    def _library_changed(self) -> None:
        self._tell(self.shelf.show())
        self.explorer.library_changed()

    @property
    def moves(self) -> bool:
        """Something goes on by itself, so that `tick` is needed often."""
        return self.explorer.pad.is_busy or self.learning.turns_sounds

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell every page what goes wrong: nobody has asked for it just now."""
        try:
            yield
        except LatentkeysError as problem:
            self.explorer.rest()
            self._tell(Notice(problem.message, problem.remedy))
        except OSError as problem:
            self._tell(Notice(f"this cannot be: {problem}"))

    def _follow_controllers(self) -> None:
        """Turn what controllers have turned."""
        before = self.learning.show()
        moved = self.learning.moved()
        if self.learning.show() != before:
            self._tell(self.learning.show())
        for target, share in moved.items():
            if target.startswith(OWN):
                self.own_rack.turn_to_share(target, share)
            elif target not in AXES:
                self.bench.turn(target, value_at(target, share))
        pad = self.explorer.pad
        if moved.keys() & {"morph.x", "morph.y"}:
            pad.go(moved.get("morph.x", pad.x), moved.get("morph.y", pad.y))
            self.explorer.morph()
        elif moved.keys() & {"map.x", "map.y"}:
            x, y = self.explorer.where(self.bench.needed()) or (0.5, 0.5)
            self.explorer.place(moved.get("map.x", x), moved.get("map.y", y))
        elif moved:
            self._tell_desk()
