"""The sound on the desk: what plays as it is now, every change of it, and the way back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from instrument.errors import PresetError
from instrument.panel.desk.knobs import Value, turned
from instrument.preset.preset import Preset, load_preset, save_preset

MOST_STEPS = 100
_KEPT_FILES = 64
_ONE_GESTURE_SECONDS = 0.8


class Workbench:
    """Hold one sound, with a hundred steps back and forth.

    Parameters
    ----------
    folder
        Where sounds that have no file yet are written for the other processes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._number = 0
        self.path: Path | None = None  #: the stored sound
        self.stored: Preset | None = None
        self.now: Preset | None = None
        self.shows_stored = False
        self._done: list[Preset] = []
        self._undone: list[Preset] = []
        self._turned: dict[str, Value] = {}  # knobs that a hand has put somewhere
        self._gesture, self._gesture_at = "", 0.0
        self._is_due = self._carries = False

    def open(self, path: Path) -> None:
        """Put a stored preset on the desk.

        Raises
        ------
        PresetError
            Its file is wrong.
        """
        self.stored = self.now = load_preset(path)
        self.path = path
        self.shows_stored = False
        self._done.clear()
        self._undone.clear()
        self._turned.clear()
        self._gesture = ""
        self._is_due = False

    def owns(self, path: Path) -> bool:
        """Tell whether a file is one that `file_if_due` has written."""
        return path.parent == self._folder

    @property
    def is_changed(self) -> bool:
        """The sound is not as it was stored."""
        return self.now != self.stored

    def needed(self) -> Preset:
        """Return the sound as it is now.

        Raises
        ------
        PresetError
            Nothing is on the desk yet.
        """
        if self.now is None:
            raise PresetError("no preset plays yet", "Wait a moment.")
        return self.now

    @property
    def steps(self) -> tuple[int, int]:
        """How many steps lead back, and how many forth again."""
        return len(self._done), len(self._undone)

    def turn(self, field: str, value: Value) -> None:
        """Turn one knob.

        Raises
        ------
        PresetError
            There is no such knob, it does not go so far, or nothing is on the desk.
        """
        self.change(turned(self.needed(), field, value), field)
        self._turned[field] = value

    def with_turned(self, preset: Preset) -> Preset:
        """Return another sound with the knobs as a hand has put them."""
        for field, value in self._turned.items():
            preset = turned(preset, field, value)
        return preset

    def change(
        self, preset: Preset, gesture: str, *, carries: bool = False, by_itself: bool = False
    ) -> None:
        """Have another sound; changes of one gesture are one step back.

        Parameters
        ----------
        gesture
            What changes: the same knob again, within a moment, goes on with the same step.
        carries
            Notes that sound go over to it.
        by_itself
            No hand does it: it belongs to the step before.
        """
        now = time.monotonic()
        is_same = gesture == self._gesture and now - self._gesture_at < _ONE_GESTURE_SECONDS
        goes_on = is_same or by_itself
        self._gesture, self._gesture_at = gesture, now
        if preset == self.now:
            return
        if not goes_on:
            self._done = [*self._done[-MOST_STEPS + 1 :], self.needed()]
        self._undone.clear()
        self._become(preset, carries=carries)

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        self._step(self._done, self._undone)

    def redo(self) -> None:
        """Make the step again that was taken back last."""
        self._step(self._undone, self._done)

    def compare(self) -> None:
        """Change between the sound as it is now and as it was stored."""
        self.needed()
        self.shows_stored = not self.shows_stored
        self._is_due, self._carries = True, False

    def file_if_due(self) -> tuple[Path, bool] | None:
        """Return the file of what shall play and whether notes go over to it, if it has changed."""
        if not self._is_due or self.now is None or self.path is None:
            return None
        self._is_due = False
        if self.shows_stored or not self.is_changed:
            return self.path, self._carries
        self._number += 1
        path = self._folder / f"{self.path.stem}-{self._number}.toml"
        save_preset(replace(self.now, pad_path=None), path)
        for old in self._folder.glob(f"*-{self._number - _KEPT_FILES}.toml"):
            old.unlink(missing_ok=True)
        return path, self._carries

    def _step(self, source: list[Preset], target: list[Preset]) -> None:
        if source:
            target.append(self.needed())
            self._gesture = ""
            self._turned.clear()
            self._become(source.pop())

    def _become(self, preset: Preset, *, carries: bool = False) -> None:
        self.now = preset
        self.shows_stored = False
        self._is_due, self._carries = True, carries

    def renamed(self, name: str) -> Preset:
        """Return the sound under another name, as a preset of the player's own."""
        return replace(self.needed(), name=name, program=None)
