"""What a player may ask of a composer: how free, how dense, in which key and register.

In: numbers and names from the command line or from controllers. Out: a frozen `Constraints`,
neutral by default, and the masks that follow from it. A composer applies what its card lists as
conditions; pitch masks, temperature and top-p work with every composer that draws from
probabilities.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from instrument.errors import SettingError, check_range, check_whole
from instrument.music.pitch import ANY_MINOR_SCALE, MAJOR_SCALE, PITCHES

Mode = Literal["major", "minor"]
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_SHIFTS = {"": 0, "#": 1, "b": -1}
_KEY = re.compile(r"([a-gA-G])(#|b?)\s*(m|min|minor|maj|major)?")
_SCALES: dict[Mode, tuple[int, ...]] = {"major": MAJOR_SCALE, "minor": ANY_MINOR_SCALE}


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic and a mode.

    Attributes
    ----------
    tonic
        Pitch class, 0 = C.
    mode
        "major" or "minor".
    """

    tonic: int
    mode: Mode

    @classmethod
    def named(cls, name: str) -> Key:
        """Read ``C``, ``F#``, ``Bb minor``, ``Am``.

        Raises
        ------
        SettingError
            It is no key's name.
        """
        found = _KEY.fullmatch(name.strip())
        if not found:
            raise SettingError(
                f"--key must be a key, got {name!r}", "For example: C, F#, Bb, Am, 'D minor'."
            )
        letter, shift, mode = found.groups()
        tonic = (_STEPS[letter.lower()] + _SHIFTS[shift]) % 12
        return cls(tonic, "minor" if (mode or "").startswith("min") or mode == "m" else "major")

    @property
    def name(self) -> str:
        """As `named` reads it: "F# minor"."""
        return f"{_NAMES[self.tonic]} {self.mode}"

    def is_near(self, other: Key) -> bool:
        """Tell whether all but one pitch class of a scale are in both; relative keys are near."""
        return int((self.pitch_classes & other.pitch_classes).sum()) >= 6

    @property
    def pitch_classes(self) -> NDArray[np.bool_]:
        """Which pitch classes belong to the key, bool, shape (12,)."""
        allowed = np.zeros(12, np.bool_)
        allowed[[(self.tonic + step) % 12 for step in _SCALES[self.mode]]] = True
        return allowed

    @property
    def tonic_chord(self) -> tuple[int, int, int]:
        """Pitch classes of the tonic, its third and its fifth."""
        third = 3 if self.mode == "minor" else 4
        return self.tonic, (self.tonic + third) % 12, (self.tonic + 7) % 12


DENSITIES = 0.01, 32.0
"""Least and most notes per beat that can be asked for."""
CARE, MOST_CARE = 2.0, 20.0
MOST_BARS = 512
"""A composer makes so many at once."""
CANDIDATES = 8
"""So many draws a command chooses from."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """What is asked of a composer; every default leaves it free.

    Attributes
    ----------
    temperature
        Above 1 bolder, below 1 safer, 0 always the likeliest.
    top_p
        Draw only from the likeliest choices that together have this probability, 0 to 1.
    density
        Notes per beat.
    key
        Notes outside it are not drawn.
    register
        Lowest and highest pitch, MIDI numbers.
    max_length_beats
        Longest note.
    velocity
        Of every note, 1-127, instead of the composer's own.
    loudness
        About how loud, 1-127, where a composer can be asked for it.
    voices
        Notes at once, where a composer can be asked for it.
    candidates
        Phrases to make where a critic can choose the best of them.
    care
        Nats by which a note that would rub against what sounds is less likely than the network
        says: a semitone in some octave; in chorales, and beside a melody that is known ahead,
        parallel fifths and octaves, too.
    earliest_beats
        The next note starts no earlier than this, counted from the phrase's beginning.
    """

    temperature: float = 1.0
    top_p: float = 0.95
    density: float | None = None
    key: Key | None = None
    register: tuple[int, int] | None = None
    max_length_beats: float | None = None
    velocity: int | None = None
    loudness: int | None = None
    voices: int | None = None
    candidates: int = 1
    care: float = 0.0
    earliest_beats: float = 0.0

    def __post_init__(self) -> None:
        if self.key is not None and not isinstance(self.key, Key):
            raise SettingError(
                f"key must be a Key, got {self.key!r}", 'For example: Key.named("C").'
            )
        check_range("temperature", self.temperature, 0.0, 10.0)
        check_range("top-p", self.top_p, 0.0, 1.0)
        check_range("care", self.care, 0.0, MOST_CARE)
        if self.density is not None:
            check_range("density", self.density, *DENSITIES)
        if self.voices is not None:
            check_whole("voices", self.voices, 1, 16 * PITCHES)
        if self.register is not None and not 0 <= self.register[0] <= self.register[1] <= 127:
            raise SettingError(
                "register must be the lowest and the highest pitch, in 0..127, "
                f"got {self.register[0]}..{self.register[1]}"
            )

    def allowed_pitches(self) -> NDArray[np.bool_]:
        """Which pitches may be drawn, bool, shape (128,).

        Raises
        ------
        SettingError
            The register holds no note of the key.
        """
        allowed = np.ones(PITCHES, np.bool_)
        if self.key is not None:
            allowed &= self.key.pitch_classes[np.arange(PITCHES) % 12]
        if self.register is not None:
            allowed[: self.register[0]] = False
            allowed[self.register[1] + 1 :] = False
        if not allowed.any():
            raise SettingError("no pitch of the key lies in the register", "Widen the register.")
        return allowed
