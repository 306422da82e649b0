"""Fourteen phrases to play to a partner.

In: ``phrases.abc`` beside this file. Out: phrases at 120 beats per minute, chords included.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from instrument.music.note import Note, Phrase
from instrument.music.pitch import key_fits

FILE = Path(__file__).with_name("phrases.abc")


def read_phrases(path: Path = FILE) -> dict[str, Phrase]:
    """Return the tunes of an ABC file by their titles; files of ours alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter

        opus: Any = converter.parse(path, format="abc", forceSource=True)
        return {score.metadata.title: _phrase_of(score) for score in opus.scores}


def key_of(phrase: Phrase) -> tuple[int, ...]:
    """Return the pitch classes of the scale that a phrase fits best; both sevenths of a minor."""
    heard = [0.0] * 12
    for note in phrase.notes:
        heard[note.pitch % 12] += note.length_beats
    best = int(key_fits(heard).argmax())
    steps = (0, 2, 4, 5, 7, 9, 11) if best < 12 else (0, 2, 3, 5, 7, 8, 9, 10, 11)
    return tuple((best + step) % 12 for step in steps)


def _phrase_of(score: Any) -> Phrase:
    part = score.parts[0]
    notes = [
        Note(float(sound.offset), int(pitch.midi), float(sound.quarterLength))
        for sound in part.flatten().notes
        for pitch in sound.pitches
    ]
    meter = part.flatten().getElementsByClass("TimeSignature")[0]
    bars = list(part.getElementsByClass("Measure"))
    length = float(bars[0].duration.quarterLength)
    pickup = length if length < meter.barDuration.quarterLength else 0.0
    return Phrase.of(
        notes,
        float(part.duration.quarterLength),
        meter=(meter.numerator, meter.denominator),
        pickup_beats=pickup,
    )
