"""From one preset to the next while people play: ask, wait for the first notes, take over.

Held notes keep their old sound. The new preset takes over when every key has its attack (at once,
if it lies in a bank already), or after half a second with stand-ins: hands do not wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from instrument.errors import PresetError
from instrument.midi.messages import SYSTEM_RESET
from instrument.preset.banks import LoadedPreset, PresetBanks, program_table
from instrument.preset.controllers import ControlFollower
from instrument.preset.preset import Preset, list_presets
from instrument.processes.json_lines import Notice
from instrument.realtime.memory.constants import CARRY_BANK, LOUD, PITCH_COUNT
from instrument.realtime.memory.state import EngineState
from instrument.rendering.messages import AttacksReady, Opened, Report, TableFailed, TableReady
from instrument.session.children.models_process import ModelsProcess
from instrument.session.terminal.status_line import StatusLine

if TYPE_CHECKING:
    from instrument.session.renderer_thread import RendererThread

TAKE_OVER_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class OtherPreset:
    """A preset that plays besides the player's.

    Attributes
    ----------
    channels
        0-15, that play it.
    path
        Its file.
    when_ready
        Called, again and again, as soon as every key has its attack.
    """

    channels: tuple[int, ...]
    path: Path
    when_ready: Callable[[], None] = lambda: None


class PresetChanges:
    """Serve the first preset and every program change; control's loop calls `follow`.

    Parameters
    ----------
    state
        The engine block; the engine does not play yet.
    first
        The preset to begin with.
    models
        Renders the notes.
    status
        Shows what plays, and says what goes wrong.
    own_channels
        Those that other presets than the player's play on, or none: the partner's.
    others
        What is brought into banks besides, once the player's own is complete.
    """

    def __init__(
        self,
        state: EngineState,
        first: Path,
        models: ModelsProcess | RendererThread,
        status: StatusLine,
        own_channels: tuple[int, ...] = (),
        others: tuple[OtherPreset, ...] = (),
    ) -> None:
        self._state = state
        self._models = models
        self._status = status
        self._banks = PresetBanks(state, own_channels)
        self._others = others
        self._first = self._banks.prepare(first)
        self._asked_bank = -1  # which one the models process was last asked to fill
        self._fill(self._first, is_fresh=False)
        self._complete: set[int] = set()  # banks whose tables are complete
        self._asked: Path | None = None  # asked for, has no bank yet
        self._coming: LoadedPreset | None = None  # has a bank, does not play yet
        self._takes_over_at = 0.0
        self._carries = False
        self._has_rendered = False
        self._programs = program_table(list_presets())
        self._controls = ControlFollower(state)

    def start(self) -> None:
        """Play the first preset from now on, even though its notes are still to come."""
        self._use(self._first)

    def play_drums(self, channels: frozenset[int]) -> None:
        """Let channels play the built-in kit from now on, and give back those that did before."""
        if channels:
            from instrument.rendering.drum_kit import fill_drum_kit  # for songs alone

            fill_drum_kit(self._state)
        self._banks.use_kit(channels)

    @property
    def plays(self) -> Path | None:
        """The preset that new notes play; None before `start`."""
        return self._banks.current.path if self._banks.current else None

    @property
    def preset(self) -> Preset | None:
        """The same, read."""
        return self._banks.current.preset if self._banks.current else None

    @property
    def table_is_complete(self) -> bool:
        """Every note of what plays is there to its end."""
        return self._banks.current is not None and self._banks.current.bank in self._complete

    @property
    def is_settled(self) -> bool:
        """Every note of what was asked for last is there, and plays."""
        return self.table_is_complete and not self.is_changing

    @property
    def is_changing(self) -> bool:
        """What was asked for last does not play yet."""
        return bool(self._asked or self._coming)

    def ask_for(self, path: Path, *, carries: bool = False) -> None:
        """Change to a preset as soon as it can be played.

        Parameters
        ----------
        carries
            Notes that sound go over to it, each at its own time, as soon as its tone is there.
        """
        plays = self._banks.current is not None and self._banks.current.path == path
        self._asked, self._coming, self._carries = None if plays else path, None, carries

    def shape(self, path: Path, *, carries: bool = False) -> None:
        """Change to a preset; if it differs only in its knobs, coming notes have them at once.

        Raises
        ------
        PresetError
            Its file is wrong.
        """
        if self._asked or self._coming or not self._banks.reshape(path):
            self.ask_for(path, carries=carries)

    def follow(self) -> None:
        """Do what has become possible since the last call; never waits.

        Raises
        ------
        PresetError
            The first preset cannot be rendered: there is nothing to play with.
        """
        while (request := self._state.request_ring.pop()) is not None:
            if request["status"] == SYSTEM_RESET:
                self.ask_for(self._first.path)
            else:
                self._ask_for_program(int(request["data1"]))
        self._controls.follow(self._banks.loaded)
        for report in self._models.follow():
            self._hear(report)
        if self._asked:
            self._place(self._asked)
        if self._coming and (self._can_take_over() or time.monotonic() > self._takes_over_at):
            self._take_over(self._coming)
            self._coming = None
        if self.is_settled:
            for other in self._others:
                if not self._serve(other):
                    break
        self._show_progress()

    def _can_take_over(self) -> bool:
        """Tell whether what comes can be played; what notes go over to begins with one tone."""
        assert self._coming
        return self._has_notes(self._coming.bank, any_key=self._carries)

    def _take_over(self, loaded: LoadedPreset) -> None:
        before = self._banks.current
        self._use(loaded)
        if self._carries and before and before.bank != loaded.bank:
            self._state.command(CARRY_BANK, before.bank, loaded.bank)

    def _ask_for_program(self, program: int) -> None:
        if entry := self._programs.get(program):
            self.ask_for(entry.path)
            return
        known = ", ".join(str(number) for number in self._programs) or "none"
        self._status.say(f"program {program} is no preset", f"There are: {known}.")

    def _place(self, path: Path) -> None:
        is_fresh = self._banks.find(path) is None
        try:
            loaded = self._banks.place(path)
        except PresetError as problem:
            self._asked = None
            self._status.say(problem.message, problem.remedy)
            return
        if loaded is None:
            if not self._banks.has_room:
                self._asked = None
                self._status.say("there is no room for another preset", "Play fewer parts.")
            return  # every bank sounds; the oldest one fades now
        self._asked, self._coming = None, loaded
        self._takes_over_at = time.monotonic() + TAKE_OVER_SECONDS
        if not self._has_notes(loaded.bank):
            self._complete.discard(loaded.bank)
        if loaded.bank not in self._complete:
            current = self._banks.current
            carries_from = current.bank if self._carries and current else None
            self._fill(loaded, is_fresh=is_fresh, carries_from=carries_from)

    def _serve(self, other: OtherPreset) -> bool:
        """Bring another preset into a bank and to its channels; True once it is complete."""
        plays = self._banks.played_on(other.channels[0])
        if plays is None or plays.path != other.path:
            is_fresh = self._banks.find(other.path) is None
            plays = self._banks.place(other.path)
            if plays is None:
                return False  # every bank sounds; the oldest one fades now
            self._banks.use_on(other.channels, plays)
            if is_fresh:
                self._fill(plays, is_fresh=True)
        elif plays.bank not in self._complete and self._asked_bank != plays.bank:
            self._fill(plays, is_fresh=False)  # it was interrupted
        if self._has_notes(plays.bank):
            other.when_ready()
        return plays.bank in self._complete

    def _fill(
        self, loaded: LoadedPreset, *, is_fresh: bool, carries_from: int | None = None
    ) -> None:
        self._asked_bank = loaded.bank
        self._models.fill(loaded, is_fresh=is_fresh, carries_from=carries_from)

    def _use(self, loaded: LoadedPreset) -> None:
        self._banks.use(loaded)
        self._status.update(preset=loaded.path.stem)
        if not self._carries:
            self._status.say(f"Playing {loaded.preset.name}")

    def _hear(self, report: Report) -> None:
        if isinstance(report, TableFailed):
            if not self._has_rendered:
                raise PresetError(report.message, report.remedy)
            self._status.say(report.message, report.remedy)
        elif isinstance(report, Notice):
            self._status.say(report.message, report.remedy)
        elif isinstance(report, Opened):
            self._status.update(provider=report.provider)
            if report.notice:
                self._status.say(report.notice)
        elif isinstance(report, TableReady):
            self._complete.add(report.bank)
            self._has_rendered = True
            if report.source == "cache":
                self._status.update(provider="cache")
        else:
            assert isinstance(report, AttacksReady)  # seen in the slots themselves
            self._has_rendered = True

    def _has_notes(self, bank: int, *, any_key: bool = False) -> bool:
        begun = self._state.slots[bank, LOUD]["frames_ready"] > 0
        return bool(begun.any() if any_key else begun.all())

    def _show_progress(self) -> None:
        current = self._banks.current
        if current is None or current.bank in self._complete:
            self._status.update(notes="")
            return
        slots = self._state.slots[current.bank, LOUD]  # the last layer of a key to be written
        whole = int(
            ((slots["frames_ready"] > 0) & (slots["frames_ready"] == slots["frames_whole"])).sum()
        )
        self._status.update(notes=f"notes {whole}/{PITCH_COUNT}")
