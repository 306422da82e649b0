"""Composers that have learned one scale, played in every key.

In: a composer that knows C major and its modes. Out: the same in the key that is asked for, or that
most of what it hears belongs to.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from instrument.composers.continuer import pitched_notes
from instrument.composers.protocols import Composer
from instrument.errors import check_whole
from instrument.music.constraints import MOST_BARS, Constraints, Key
from instrument.music.note import Note, Phrase
from instrument.music.pitch import MAJOR_SCALE


class TransposedComposer:
    """A composer that has learned C major alone, moved to the key that is asked for or heard.

    Parameters
    ----------
    inner
        Makes phrases in C major.
    """

    def __init__(self, inner: Composer) -> None:
        self._inner = inner

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        """Go on in the prompt's scale; see `Continuer.continue_phrase`."""
        up = _tonic(controls)
        up = scale_of(pitched_notes(phrase)) if up is None else up
        moved = phrase.transposed(-up)
        made = self._inner.continue_phrase(moved, length_beats, _moved(controls, -up), seed)
        return made.transposed(up)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Make bars in the key that is asked for; see `BarGenerator.generate`."""
        check_whole("bars", bars, 1, MOST_BARS)
        if previous is not None and condition is None:
            length = bars * previous.meter_at(previous.length_beats).bar_beats
            return self.continue_phrase(previous, length, controls, seed)
        up = _tonic(controls)
        if condition is not None:
            up = scale_of(pitched_notes(condition)) if up is None else up
            condition = condition.transposed(-up)
        up = up or 0
        return self._inner.generate(bars, seed, _moved(controls, -up), condition).transposed(up)


def scale_of(notes: tuple[Note, ...]) -> int:
    """Return by how many semitones, -5..6, C major must be moved to hold most of the notes."""
    time = np.zeros(12)
    for note in notes:
        time[note.pitch % 12] += note.length_beats
    shifts = sorted(range(-5, 7), key=abs)
    return max(shifts, key=lambda up: float(np.roll(time, -up)[list(MAJOR_SCALE)].sum()))


def _tonic(controls: Constraints) -> int | None:
    """Return where the key's major scale (a minor key's parallel one) lies, -5..6."""
    if controls.key is None:
        return None
    tonic = controls.key.tonic + (3 if controls.key.mode == "minor" else 0)
    return (tonic + 5) % 12 - 5


def _moved(controls: Constraints, semitones: int) -> Constraints:
    register = controls.register
    if register is not None:
        low, high = (min(max(pitch + semitones, 0), 127) for pitch in register)
        register = low, high
    key = None if controls.key is None else Key(0, "major")
    return replace(controls, key=key, register=register)
