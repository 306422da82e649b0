"""Which key notes are in.

In: a few notes, as they were meant. Out: a key, or none where no key holds them.
"""

from __future__ import annotations

from collections.abc import Collection

from instrument.music.constraints import Key
from instrument.music.note import Note
from instrument.music.pitch import key_fits

_FEWEST = 6
_LONGEST_BEATS = 4.0
_LEAST_INSIDE = 0.9
_LEAST_FIT, _LEAST_FIT_OF_THE_BEST = 0.5, 0.55


def likely_key(notes: Collection[Note], *, best_alone: bool = False) -> Key | None:
    """Return the key that notes are in; None if they are few or fit none well.

    Of the keys that hold nearly all of the time it is the one that fits best. A tune in a mode, or
    one that dwells on its third, can fit another key still better that does not hold its notes:
    the Ode to Joy is nearer to E minor, but for its fourths.

    Parameters
    ----------
    best_alone
        Only the key that fits best is asked, as by the rules of old takes.
    """
    if len(notes) < _FEWEST:
        return None
    heard = [0.0] * 12
    for note in notes:
        heard[note.pitch % 12] += min(note.length_beats, _LONGEST_BEATS)
    fits = key_fits(heard)
    asked = (-fits).argsort(kind="stable")[: 1 if best_alone else None]
    for number in asked.tolist():
        if fits[number] < (_LEAST_FIT_OF_THE_BEST if best_alone else _LEAST_FIT):
            return None
        key = Key(number % 12, "minor" if number >= 12 else "major")
        inside = sum(time for time, is_in in zip(heard, key.pitch_classes, strict=True) if is_in)
        if inside >= _LEAST_INSIDE * sum(heard):
            return key
    return None
