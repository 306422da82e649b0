"""Read what a sound file's name says of the note in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

VELOCITY = 100
"""Where a file's name does not say it."""

_NSYNTH_NAME = re.compile(r"^(?P<label>.+)-(?P<pitch>\d{3})-(?P<velocity>\d{3})$")
# What may follow: v and a velocity layer, as in A0v12.
_NOTE_NAME = re.compile(r"(?<![A-Za-z0-9#])([A-Ga-g])([#♯s♭b]|is|es)?(-1|\d)(?=v\d|[^A-Za-z0-9]|$)")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])(\d{3})(?![A-Za-z0-9])")
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SHARPS, _FLATS = ("#", "♯", "s", "is"), ("b", "♭", "es")
_DYNAMICS = {"ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 127}
_LAYER = re.compile(r"(?<![a-z])(?:v|vel|velocity)[ _-]?(\d{1,3})(?!\d)", re.IGNORECASE)
_DYNAMIC = re.compile(r"(?<![a-z])(ppp|pp|p|mp|mf|f|ff|fff)(?![a-z#\d])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedTone:
    """What a file name says.

    Attributes
    ----------
    pitch
        MIDI number; C4 is 60.
    velocity
        MIDI number.
    label
        The rest of the name: what plays. Empty if there is none.
    """

    pitch: int
    velocity: int
    label: str


def parse_note_name(stem: str) -> NamedTone | None:
    """Read pitch and instrument from a file name without its suffix.

    NSynth's ``instrument-pitch-velocity``; or the last note name in it, like A#3, Bb2, Fs4, Fis4 or
    C-1;
    or a name that is all number; or its only number of three digits. None if there is none of
    these, or it is beyond MIDI's 0 to 127.
    """
    if match := _NSYNTH_NAME.match(stem):
        return _named(int(match["pitch"]), int(match["velocity"]), match["label"])
    if names := list(_NOTE_NAME.finditer(stem)):
        letter, accidental, octave = names[-1].groups(default="")
        if (letter.lower(), accidental) == ("e", "s"):  # Es: nobody writes E sharp
            accidental = "es"
        shift = (accidental in _SHARPS) - (accidental in _FLATS)
        pitch = 12 * (int(octave) + 1) + _SEMITONES[letter.lower()] + shift
        return _named(pitch, VELOCITY, _without(stem, names[-1]))
    if stem.isascii() and stem.isdigit() and len(stem) <= 3:
        return _named(int(stem), VELOCITY, "")
    numbers = list(_NUMBER.finditer(stem))
    if len(numbers) == 1:
        return _named(int(numbers[0][0]), VELOCITY, _without(stem, numbers[0]))
    return None


def named_velocity(file: str) -> float:
    """Return the velocity that a file's path says ("v12", "pp", NSynth's "127"), 0 to 1.

    0 if it says none.
    """
    path = PurePath(file)
    if (named := parse_note_name(path.stem)) and named.velocity != VELOCITY:
        return named.velocity / 127.0
    if match := _LAYER.search(path.stem):
        return max(min(int(match[1]), 127), 1) / 127.0
    words = [path.parent.name, path.stem]
    if found := [match for word in words for match in _DYNAMIC.finditer(word)]:
        return _DYNAMICS[found[-1][1].lower()] / 127.0
    return 0.0


def _named(pitch: int, velocity: int, label: str) -> NamedTone | None:
    is_midi = 0 <= pitch <= 127 and 0 <= velocity <= 127
    return NamedTone(pitch, velocity, label) if is_midi else None


def _without(stem: str, match: re.Match[str]) -> str:
    rest = stem[: match.start()] + stem[match.end() :]
    return rest.strip(" _-.,()[]")
