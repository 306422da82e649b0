"""The presets as the panel shows them, and what the player does with their files.

Favourites and what was played lately lie in the user's data folder, so that every page and every
session agree. What is deleted goes to a bin beside the presets.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import platformdirs

from instrument.errors import FileError, PresetError
from instrument.files import replacing_file
from instrument.panel.messages.news import Library, PresetCard
from instrument.panel.pictures import find_picture
from instrument.preset.banks import program_table, with_program
from instrument.preset.preset import (
    Preset,
    PresetEntry,
    file_stem,
    list_presets,
    load_preset,
    save_preset,
    user_presets_folder,
)
from instrument.schema import NO_JSON

_MOST_RECENT = 12


class _Kept(msgspec.Struct):
    favourites: list[str] = []
    recent: list[str] = []


class Shelf:
    """The library, as this session's panel knows it."""

    def __init__(self) -> None:
        self._file = platformdirs.user_data_path("latentkeys") / "panel.json"
        self._kept = _Kept()
        with suppress(OSError, *NO_JSON):
            self._kept = msgspec.json.decode(self._file.read_bytes()[: 1 << 16], type=_Kept)
        self.look()

    def look(self) -> None:
        """Read the folders again."""
        self.entries = list_presets()

    def show(self) -> Library:
        """Return what the pages see."""
        numbers = {entry.name: number for number, entry in program_table(self.entries).items()}
        return Library(
            presets=tuple(self._card(entry, numbers.get(entry.name)) for entry in self.entries),
            recent=tuple(self._kept.recent),
            bin=tuple(sorted(path.stem for path in self._bin.glob("*.toml"))),
        )

    def find(self, name: str) -> Path:
        """Return the file of a preset.

        Raises
        ------
        PresetError
            There is none of that name.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry.path
        raise PresetError(f"there is no preset {name!r}")

    def played(self, name: str) -> None:
        """Remember that a preset was chosen."""
        others = [other for other in self._kept.recent if other != name]
        self._kept.recent = [name, *others][:_MOST_RECENT]
        self._keep()

    def mark(self, name: str, *, is_favourite: bool) -> None:
        """Make a preset a favourite, or no longer."""
        others = [other for other in self._kept.favourites if other != name]
        self._kept.favourites = [*others, self.find(name).stem] if is_favourite else others
        self._keep()

    def save(self, preset: Preset, name: str = "", replaces: Path | None = None) -> Path:
        """Write a preset into the player's folder.

        Parameters
        ----------
        name
            A new one, which must be free; else the preset's own file is replaced.
        replaces
            Whose program number a preset with a new name takes over.

        Raises
        ------
        PresetError, FileError
            There is one of that name, or it cannot be written.
        """
        stem = file_stem(name or preset.name)
        path = user_presets_folder() / f"{stem}.toml"
        if name and any(entry.name == stem for entry in self.entries):
            raise PresetError(f'there is a preset "{stem}" already', "Take another name.")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name:
            preset = with_program(replace(preset, name=name), replaces or path)
        save_preset(preset, path)
        self.look()
        return path

    def rename(self, name: str, new_name: str) -> Path:
        """Give one of the player's presets another name, and its file too."""
        old = self._own(name)
        path = self.save(load_preset(old), new_name, replaces=old)
        if path != old:
            old.unlink()
        self.look()
        return path

    def delete(self, name: str) -> None:
        """Put one of the player's presets into the bin."""
        path = self._own(name)
        self._bin.mkdir(exist_ok=True)
        os.replace(path, self._bin / path.name)  # noqa: PTH105 - over an older one of that name
        self.look()

    def restore(self, name: str) -> None:
        """Take a preset out of the bin."""
        binned = next((path for path in self._bin.glob("*.toml") if path.stem == name), None)
        if binned is None:
            raise PresetError(f'there is no "{name}" in the bin')
        if (user_presets_folder() / binned.name).exists():
            raise PresetError(f'there is a preset "{name}" already', "Rename that one first.")
        binned.rename(user_presets_folder() / binned.name)
        self.look()

    def take_in(self, text: str, folder: Path) -> Path:
        """Take a preset's file from elsewhere under a name that is free.

        Parameters
        ----------
        folder
            Where it is read for the first time, in private.

        Raises
        ------
        PresetError
            It is no preset.
        """
        arrived = folder / "imported.toml"
        arrived.write_text(text, encoding="utf-8")
        try:
            preset = load_preset(arrived)
        finally:
            arrived.unlink()
        taken = {entry.name for entry in self.entries}
        names = [preset.name, *(f"{preset.name[:76]} {number}" for number in range(2, 100))]
        free = next((name for name in names if file_stem(name) not in taken), None)
        if free is None:
            raise PresetError(f'there are 99 presets called "{preset.name}"', "Delete some.")
        return self.save(replace(preset, program=None), free)

    @property
    def _bin(self) -> Path:
        return user_presets_folder() / ".bin"

    def _own(self, name: str) -> Path:
        path = self.find(name)
        if path.parent != user_presets_folder():
            raise PresetError(
                f'"{name}" came with latentkeys, so it stays as it is', "Save it under a new name."
            )
        return path

    def _keep(self) -> None:
        with suppress(OSError, FileError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with replacing_file(self._file) as temporary:
                temporary.write_bytes(msgspec.json.encode(self._kept))

    def _card(self, entry: PresetEntry, program: int | None) -> PresetCard:
        preset = entry.preset
        if preset is None:
            return PresetCard(entry.name, entry.name, problem=str(entry.problem))
        return PresetCard(
            preset=entry.name,
            name=preset.name,
            model=preset.model.name,
            description=preset.description,
            tags=preset.tags,
            program=program,
            is_own=entry.origin == "user",
            is_favourite=entry.name in self._kept.favourites,
            picture=find_picture(preset),
        )
