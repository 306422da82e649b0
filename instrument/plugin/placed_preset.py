"""Where on its model's map an instance's preset sounds, and where its parameters stand."""

from __future__ import annotations

from pathlib import Path

from instrument.errors import LatentkeysError
from instrument.plugin.morphing import Morphing, Place
from instrument.plugin.parameters import PLACES


class PlacedPreset:
    """The place of one instance's preset; used in the instance's turn alone.

    Parameters
    ----------
    folder
        Where the sounds of other places are written.

    Attributes
    ----------
    place
        Where the host has put it, in steps of `PLACES`; None where the preset lies itself.
    playing
        The file of the sound of that place; None before the first.
    """

    def __init__(self, folder: Path) -> None:
        self._morphing = Morphing(folder)
        self.place: Place | None = None
        self.playing: Path | None = None
        self._stands: Place | None = None  #: where the parameters stay, though it is the preset

    def shape(self, *, has_new_tones: bool) -> None:
        """What sounds becomes the preset; the parameters stay where they are if its tones do."""
        self._stands, self.place = (None if has_new_tones else self.place), None

    def take(self, *, is_shaped: bool) -> None:
        """Forget where the parameters stand, unless the preset is what was shaped."""
        if not is_shaped:
            self._stands = None

    def put(self, path: Path) -> Path:
        """Return a file of the sound that the host has put the preset to.

        Raises
        ------
        OSError
            There is no room for it.
        """
        self.playing = path
        if self.place:
            try:
                self.playing = self._morphing.at(path, self.place)
            except LatentkeysError:
                self.place = None  # it has no map, or is wrong: that is said
        return self.playing

    def told(self, path: Path) -> str:
        """Return the line that says where the preset lies on its map: ``AT x y``, or ``AT -``."""
        try:
            x, y = self._morphing.where(path)
        except LatentkeysError:
            return "AT -"
        if self._stands:
            x, y = (step / PLACES for step in self._stands)
        return f"AT {x:.4f} {y:.4f}"
