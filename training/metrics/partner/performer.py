"""A player with human hands.

In: a phrase as written. Out: the same as somebody plays it: never quite on time, keys let go before
the value is over, no two strikes alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from instrument.music.note import Note, Phrase


@dataclass(frozen=True, slots=True)
class Performer:
    """How somebody plays.

    Attributes
    ----------
    jitter_seconds
        Strikes come up to so much too soon or too late, every moment as likely.
    held
        Keys are held for this share of a note's value.
    velocity_spread
        Standard deviation of velocities around the phrase's own.
    swing
        Where in the beat its second eighth falls; 0.5 is straight.
    """

    jitter_seconds: float = 0.012
    held: float = 0.88
    velocity_spread: float = 8.0
    swing: float = 0.5

    def play(self, phrase: Phrase, seed: int) -> Phrase:
        """Return the phrase as it was played; the same seed plays it the same way."""
        random = np.random.default_rng(seed)
        jitter = self.jitter_seconds * phrase.tempos[0].bpm / 60.0
        notes = [self._played(note, jitter, random) for note in phrase.notes]
        (track,) = phrase.tracks
        return replace(phrase, tracks=(replace(track, notes=tuple(notes)),))

    def _played(self, note: Note, jitter: float, random: np.random.Generator) -> Note:
        late = float(random.uniform(-jitter, jitter)) if jitter else 0.0
        velocity = round(note.velocity + random.normal(0.0, self.velocity_spread or 1e-9))
        start = note.start_beats
        if abs(start % 1.0 - 0.5) < 1e-6:
            start += self.swing - 0.5
        return Note(
            max(0.0, start + late),
            note.pitch,
            note.length_beats * self.held,
            min(max(velocity, 1), 127),
        )


MACHINE = Performer(0.0, 1.0, 0.0)
"""Plays what is written."""
