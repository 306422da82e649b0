"""Let a composer play: for the sample beside its card, and to prove that it can.

In: a bundle. Out: a phrase made by the host that plays it for users. Composers that need to hear
something hear eight bars made up for this.
"""

from __future__ import annotations

from dataclasses import replace

from instrument.bundle.bundle import Bundle
from instrument.composers.continuer import at_bar_line
from instrument.composers.protocols import Composer
from instrument.composers.registry import composer_of
from instrument.music.constraints import Constraints
from instrument.music.note import Note, Phrase

SAMPLE_BARS = 8
_LINES = (
    ((67, 1), (69, 1), (71, 1), (67, 1), (72, 1.5), (71, 0.5), (69, 2)),
    ((71, 1), (72, 1), (74, 1), (71, 1), (72, 1), (71, 1), (69, 2)),
    ((67, 1), (71, 1), (74, 1), (71, 1), (72, 1), (69, 1), (71, 2)),
    ((69, 1), (71, 1), (72, 1), (71, 1), (69, 1), (69, 1), (67, 2)),
)


def melody() -> Phrase:
    """Return the eight bars."""
    notes, now = [], 0.0
    for pitch, length in (note for line in _LINES for note in line):
        notes.append(Note(now, pitch, length))
        now += length
    return at_bar_line(Phrase.of(notes))


def answer(bundle: Bundle, composer: Composer, bars: int, controls: Constraints) -> Phrase:
    """Return what a composer makes beside, after or without the melody, by what its card says."""
    asks, heard = bundle.music.conditions, melody().between(0.0, 4.0 * SAMPLE_BARS)
    if "track" in asks:
        return composer.generate(bars, 1, controls, condition=heard)
    if "previous" in asks or not bundle.music.bars:
        return composer.generate(bars, 1, controls, previous=heard)
    return composer.generate(bars, 1, controls)


def sample_phrase(bundle: Bundle) -> Phrase:
    """Make a phrase that shows what a composer does: from nothing, if it can."""
    composer, controls = composer_of(bundle), Constraints(candidates=8)
    if "track" not in bundle.music.conditions:
        return composer.generate(SAMPLE_BARS, 1, controls)
    heard = melody()
    made = composer.generate(SAMPLE_BARS, 1, controls, condition=heard)
    return replace(heard, tracks=(*heard.tracks, *made.tracks))
