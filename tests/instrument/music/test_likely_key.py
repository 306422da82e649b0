"""The key of a few notes: it holds them, and none is found where none does."""

from __future__ import annotations

import pytest

from instrument.music.constraints import Key
from instrument.music.likely_key import likely_key
from instrument.music.note import Note
from training.metrics.partner.phrases import read_phrases

#: Tunes that fit a key best that lacks some of their notes, and where a musician hears them.
MODAL = {
    "Ode to Joy (Beethoven, 1824)": Key(0, "major"),
    "Scarborough Fair (English, traditional)": Key(9, "minor"),
    "Drowsy Maggie (Irish, traditional)": Key(4, "minor"),
}


def line(*pitches: int) -> list[Note]:
    return [Note(float(n), pitch, 1.0) for n, pitch in enumerate(pitches)]


def test_the_key_of_a_tune_is_found_and_of_noise_is_not() -> None:
    tune = line(67, 67, 74, 74, 76, 76, 74, 72, 71, 69, 67)
    assert likely_key(tune) == Key(7, "major")
    assert likely_key(tune[:4]) is None  # too few to tell
    assert likely_key(line(*range(60, 72))) is None


@pytest.mark.parametrize("title", MODAL)
def test_a_key_that_holds_the_notes_goes_before_one_that_fits_better(title: str) -> None:
    notes = read_phrases()[title].notes
    assert likely_key(notes) == MODAL[title]
    assert likely_key(notes, best_alone=True) is None  # as old takes heard it


def test_where_the_key_that_fits_best_holds_the_notes_nothing_is_different() -> None:
    kept = 0
    for notes in (phrase.notes for phrase in read_phrases().values()):
        if (best := likely_key(notes, best_alone=True)) is not None:
            assert likely_key(notes) == best
            kept += 1
    assert kept == 11
