"""Tuning: what the keys of a keyboard sound, in the player's own scale.

In: a concert pitch, a transposition, a scale to stay in, Scala's files (``.scl``, ``.kbm``;
huygens-fokker.org/scala, "Scala scale file format" and "keyboard mapping"). Out: 128 numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError, SettingError
from instrument.music.constraints import Key
from instrument.music.pitch import A4_HZ, PITCHES, hz_to_pitch
from instrument.realtime.memory.constants import SILENT_KEY
from instrument.schema import read_limited

LIMIT_BYTES = 256 * 1024
_MOST_DEGREES = 10_000
_MIDDLE_C, _A4 = 60, 69
_FARTHEST_CENTS = 120_000.0
_SCALE, _MAP = "Scala scale", "Scala keyboard map"


@dataclass(frozen=True, slots=True)
class Scale:
    """Steps above the first degree in semitones, the last one where the scale begins again."""

    semitones: tuple[float, ...]

    def degree(self, number: int) -> float:
        """Return how far a degree lies above degree 0, in semitones; any whole number."""
        period, step = divmod(number, len(self.semitones))
        above = self.semitones[step - 1] if step else 0.0
        return period * self.semitones[-1] + above


@dataclass(frozen=True, slots=True)
class KeyboardMap:
    """Which key plays which degree of a scale, and one key's frequency.

    Attributes
    ----------
    degrees
        For each key from `middle` on, again and again; None is a key that plays nothing. Empty:
        one key, one degree.
    octave
        The degree that the next round of `degrees` begins with.
    first, last
        Keys outside play nothing.
    middle
        The key of ``degrees[0]``.
    reference, reference_hz
        A key, and what it sounds.
    """

    degrees: tuple[int | None, ...] = ()
    octave: int = 0
    first: int = 0
    last: int = PITCHES - 1
    middle: int = _MIDDLE_C
    reference: int = _MIDDLE_C
    reference_hz: float = A4_HZ * 2.0 ** ((_MIDDLE_C - _A4) / 12.0)

    def degree(self, key: int) -> int | None:
        """Return the degree that a key plays, or None; any whole number."""
        if not self.first <= key <= self.last:
            return None
        if not self.degrees:
            return key - self.middle
        around, place = divmod(key - self.middle, len(self.degrees))
        degree = self.degrees[place]
        return None if degree is None else around * self.octave + degree


@dataclass(frozen=True, slots=True)
class KeyTuning:
    """How a player wants the keys.

    Attributes
    ----------
    a4_hz
        Concert pitch; 440 when not given.
    transpose
        Play as if so many keys further up.
    stay_in
        A key's name: keys outside it play their nearest neighbour, the lower of two.
    scale, keyboard_map
        Scala's files. Without a map, middle C is the scale's first degree and sounds as usual.
    """

    a4_hz: float | None = None
    transpose: int = 0
    stay_in: str | None = None
    scale: Path | None = None
    keyboard_map: Path | None = None

    def key_semitones(self) -> NDArray[np.float64]:
        """Return what every key sounds, 69 = 440 Hz: float64, shape (128,).

        Raises
        ------
        FileError
            A file is missing, or not what it should be.
        SettingError
            Options that exclude each other, or no key's name.
        """
        if self.keyboard_map and not self.scale:
            raise SettingError(
                "--keyboard-map belongs to --tuning", "Name the scale, too: --tuning FILE.scl"
            )
        if self.keyboard_map and self.a4_hz:
            raise SettingError("--keyboard-map has its own concert pitch", "Leave --a4 out.")
        played = np.array(_kept_in(self.stay_in)) + self.transpose
        sounds = played.astype(np.float64)
        if self.scale:
            steps = read_scale(self.scale)
            keys = KeyboardMap()
            if self.keyboard_map:
                keys = read_keyboard_map(self.keyboard_map, steps)
            sounds = np.array([_sound_of(int(key), steps, keys) for key in played])
        if self.a4_hz:
            sounds[sounds > SILENT_KEY] += float(hz_to_pitch(self.a4_hz)) - _A4
        return sounds


def read_scale(path: Path) -> Scale:
    """Read a Scala scale, ``.scl``.

    Raises
    ------
    FileError
        It is missing, or not one.
    """
    lines = _lines(path, _SCALE)
    if len(lines) < 2:
        raise _no_scale(path, "it ends before its number of notes", _SCALE)
    count = _whole(path, lines[1], "number of notes", 1, _MOST_DEGREES, _SCALE)
    if len(lines) < 2 + count:
        found = f"it announces {count} notes and has {len(lines) - 2}"
        raise _no_scale(path, found, _SCALE)
    scale = Scale(tuple(_interval(path, line) for line in lines[2 : 2 + count]))
    if scale.semitones[-1] <= 0.0:
        raise _no_scale(path, "its last note must be above its first", _SCALE)
    return scale


def read_keyboard_map(path: Path, scale: Scale) -> KeyboardMap:
    """Read a Scala keyboard map, ``.kbm``, for a scale.

    Raises
    ------
    FileError
        It is missing, or not one, or names a degree that is no number.
    """
    lines = _lines(path, _MAP)
    if len(lines) < 7:
        raise _no_scale(path, f"it needs 7 numbers and has {len(lines)}", _MAP)
    names = ("size", "first key", "last key", "middle key", "reference key")
    most = (_MOST_DEGREES, 127, 127, 127, 127)
    size, first, last, middle, reference = (
        _whole(path, line, name, 0, highest, _MAP)
        for line, name, highest in zip(lines, names, most, strict=False)
    )
    hz = _number(path, lines[5], "reference frequency", _MAP)
    if not 1.0 <= hz <= 40_000.0:
        raise _no_scale(path, f"its reference frequency must be in 1..40000 Hz, got {hz:g}", _MAP)
    octave = _whole(path, lines[6], "octave", 0, _MOST_DEGREES, _MAP)
    entries = [line.split()[0] for line in lines[7 : 7 + size]]
    entries += ["x"] * (size - len(entries))  # what is left out at the end plays nothing
    degrees = tuple(
        None
        if entry.lower() == "x"
        else _whole(path, entry, "degree", -_MOST_DEGREES, _MOST_DEGREES, _MAP)
        for entry in entries
    )
    octave = octave or len(scale.semitones)
    keys = KeyboardMap(degrees, octave, first, last, middle, reference, hz)
    if KeyboardMap(degrees, octave, 0, 127, middle).degree(reference) is None:
        raise _no_scale(path, f"its reference key {reference} plays nothing", _MAP)
    return keys


def _sound_of(key: int, scale: Scale, keys: KeyboardMap) -> float:
    everywhere = KeyboardMap(keys.degrees, keys.octave, -(10**6), 10**6, keys.middle)
    anchor, degree = everywhere.degree(keys.reference), keys.degree(key)
    assert anchor is not None
    if degree is None:
        return SILENT_KEY
    away = scale.degree(degree) - scale.degree(anchor)
    return float(hz_to_pitch(keys.reference_hz)) + away


def _kept_in(name: str | None) -> list[int]:
    """Return which key each key plays when it has to stay in a key."""
    if name is None:
        return list(range(PITCHES))
    allowed = Key.named(name).pitch_classes
    near = (0, -1, 1, -2, 2)
    return [
        next(key + away for away in near if allowed[(key + away) % 12]) for key in range(PITCHES)
    ]


def _lines(path: Path, what: str) -> list[str]:
    """Return the lines that count: ``!`` begins a comment, and a description may be empty."""
    content = read_limited(path, LIMIT_BYTES, f'{what} "{path.name}"', FileError)
    lines = [line.strip() for line in content.decode("latin-1").splitlines()]
    kept = [line for line in lines if not line.startswith("!")]
    return kept if what == _SCALE else [line for line in kept if line]


def _interval(path: Path, line: str) -> float:
    """Read cents (with a point), or a ratio, or a whole number that is one; in semitones."""
    word = line.split()[0] if line else ""
    if "." in word:
        cents = _number(path, word, "interval", _SCALE)
        if abs(cents) > _FARTHEST_CENTS:
            raise _no_scale(path, f"an interval of {cents:g} cents is too wide", _SCALE)
        return cents / 100.0
    upper, _, lower = word.partition("/")
    numbers = [_whole(path, part, "interval", 1, 2**53, _SCALE) for part in (upper, lower or "1")]
    return 12.0 * math.log2(numbers[0] / numbers[1])


def _number(path: Path, line: str, name: str, what: str) -> float:
    word = line.split()[0] if line.split() else ""
    try:
        number = float(word[:40])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _no_scale(path, f"its {name} must be a number, got {word[:40]!r}", what)
    return number


def _whole(path: Path, line: str, name: str, low: int, high: int, what: str) -> int:
    word = line.split()[0] if line.split() else ""
    number = int(word) if word.lstrip("-").isdecimal() and len(word) <= 20 else None
    if number is None or not low <= number <= high:
        raise _no_scale(
            path, f"its {name} must be a whole number in {low}..{high}, got {word[:40]!r}", what
        )
    return number


def _no_scale(path: Path, found: str, what: str) -> FileError:
    remedy = "Scala's site describes the format: huygens-fokker.org/scala."
    return FileError(f'{what} "{path.name}": {found}', remedy)
