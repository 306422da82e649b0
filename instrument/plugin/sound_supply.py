"""What an instance plays: its preset, put to a place of its map, with its table and held notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from instrument.errors import LatentkeysError
from instrument.plugin.morphing import Place
from instrument.plugin.placed_preset import PlacedPreset
from instrument.plugin.streaming.supply import StreamSupply
from instrument.plugin.tables.table_file import recipe_of
from instrument.plugin.tables.table_supply import TableSupply
from instrument.preset.preset import Preset, load_preset
from instrument.preset.voice_parameters import sound_fields


class Answers(Protocol):
    """What is told to the plug-in; on any thread."""

    def say(self, line: str) -> None:
        """Say a line."""

    def send(self, verb: str, text: str, more: str = "") -> None:
        """Say a verb with its text."""

    def fail(self, why: str, whose: str = "") -> None:
        """Say what the player reads as the plug-in's status."""


class SoundSupply:
    """Tell one instance of its sound, and of its partner's; used in the instance's turn alone.

    Parameters
    ----------
    answers
        Told what sounds and where its table lies.
    tables, held_notes
        The instance's own.
    rate_hz
        Asked for the host's rate.
    folder
        Where the sounds of other places are written.

    Attributes
    ----------
    preset
        What plays, as the song has it; None before the first.
    on_map
        Where it is put.
    """

    def __init__(
        self,
        answers: Answers,
        tables: TableSupply,
        held_notes: StreamSupply,
        rate_hz: Callable[[], int],
        folder: Path,
    ) -> None:
        self._answers, self._tables, self._held_notes = answers, tables, held_notes
        self._rate_hz = rate_hz
        self.preset: Path | None = None
        self.on_map = PlacedPreset(folder)
        self._tones: object = None  #: what the tones of the table depend on that was found last
        self._recipe = ""

    def needs_tones(self, preset: Preset) -> bool:
        """Tell whether a preset has other tones than what plays."""
        return (preset.model, preset.sound, preset.soft) != self._tones

    def forget_tones(self) -> None:
        """Have them looked for anew with the next sound: these cannot be had."""
        self._tones = None

    def begin(self, path: Path, place: Place | None = None) -> None:
        """Let another preset play, at a place of its map; held notes end with what they were."""
        self.on_map.place = place
        self._held_notes.begin()
        self.supply(path)

    def go_over(self, path: Path, *, is_shaped: bool = False) -> None:
        """Let a preset play to which held notes go over."""
        before = self._recipe
        self.supply(path, is_shaped=is_shaped)
        self._held_notes.go_over(before, self._recipe)

    def supply(self, path: Path, *, is_shaped: bool = False) -> None:
        """Say what the player's sound is and where its table lies; have it rendered if need be."""
        self.preset = path
        self.on_map.take(is_shaped=is_shaped)
        try:
            sounding = self.on_map.put(path)
        except OSError as problem:
            self._answers.fail(f"the sound cannot be kept: {problem.strerror}. Free some space")
            return
        self._supply(sounding, is_shaped=is_shaped)
        self._answers.say(self.on_map.told(path))

    def supply_partner(self, path: Path, channels: int) -> None:
        """Say the same of the partner's sound; bit c of `channels` says that it has channel c."""
        self._supply(path, "PARTNER_", f"{channels}\n")

    def _supply(
        self, path: Path, whose: str = "", first: str = "", *, is_shaped: bool = False
    ) -> None:
        try:
            preset = load_preset(path)
            is_alike = is_shaped and not self.needs_tones(preset)
            recipe = self._recipe if is_alike else recipe_of(path)
        except LatentkeysError as problem:
            self._tables.leave(whose)
            self._answers.fail(f"{problem.message}. {problem.remedy}", whose)
            return
        if not is_alike:
            self._tables.leave(whose)
        if not whose:
            self._recipe, self._tones = recipe, (preset.model, preset.sound, preset.soft)
        lines = "".join(f"{name} {value!r}\n" for name, value in sound_fields(preset).items())
        if self.on_map.place and not whose:
            lines += "place {} {}\n".format(*self.on_map.place)
        self._held_notes.know(recipe, path, preset)
        self._answers.send(f"{whose}SOUND", f"{first}{lines}recipe {recipe}\n")
        if not is_alike:  # else the tones come by themselves
            self._tables.begin(whose, path, self._rate_hz(), recipe)
