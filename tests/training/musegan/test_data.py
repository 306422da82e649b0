"""Windows of bars: what they begin with, and the keys they are in."""

import dataclasses

import numpy as np
import pytest

from instrument.music.piano_rolls import FIRST_PITCH, HOLD, rolls_of
from tests.helpers.music.corpora import scales
from training.data.symbolic.corpus import Corpus, Piece, make_corpus
from training.musegan.config import RECIPES
from training.musegan.data import bar_windows

SMALL = RECIPES["tiny"].size


@pytest.fixture(scope="module")
def chorales() -> Corpus:
    return scales(voices=4, per_split=3)


@pytest.fixture(scope="module")
def band() -> Corpus:
    """Five tracks, the first of them drums, the last silent: the shape of LPD-5."""
    pieces = []
    for piece in scales(voices=4, per_split=2).pieces:
        pieces.append(dataclasses.replace(piece, programs=(0,) * 5, is_drum=(True, *[False] * 4)))
    return make_corpus("band", "formulas", "Public domain.", pieces)


def test_windows_begin_with_what_sounds_and_keep_their_intervals(chorales: Corpus) -> None:
    windows = bar_windows(chorales.split("train"), SMALL)
    assert windows.bars.shape == (3, 4, 4, 16)
    plain = windows.bars[0]
    drawn = windows.draw(64, np.random.default_rng(0), reach=6)
    starts = plain >= 2
    for window in drawn:
        shifts = {int(shift) for shift in (window - plain)[starts]}
        if len(shifts) == 1:  # the same piece in another key
            assert np.array_equal(window[~starts], plain[~starts])
    assert len({int(w[0, 0, 0]) for w in drawn}) > 6


def held_over() -> Piece:
    piece = scales(voices=4, per_split=1).split("train")[0]
    first = piece.start_beats < 4.0
    return dataclasses.replace(
        piece,
        start_beats=piece.start_beats[~first] - 2.0,
        length_beats=piece.length_beats[~first],
        pitch=piece.pitch[~first],
        velocity=piece.velocity[~first],
        voice=piece.voice[~first],
        bar_beats=4.0,
        length=16.0,
    )


def test_a_note_held_into_a_window_starts_there() -> None:
    piece = held_over()
    long = np.where(piece.start_beats == 3.0, 1.0, piece.length_beats)
    long[piece.start_beats == 3.0] = 2.0  # over the bar line; the note at 4 is left out
    keep = piece.start_beats != 4.0
    piece = dataclasses.replace(
        piece,
        start_beats=piece.start_beats[keep],
        length_beats=long[keep],
        pitch=piece.pitch[keep],
        velocity=piece.velocity[keep],
        voice=piece.voice[keep],
    )
    windows = bar_windows([piece], dataclasses.replace(SMALL, bars=2))
    rolls = rolls_of(piece.phrase(), 4, lowest_pitch=36, pitches=48)
    assert (rolls[1, :, 0] == HOLD).all()
    assert (windows.bars[1][:, 0, 0] == rolls[0, :, 12]).all()


def test_drums_are_never_transposed(band: Corpus) -> None:
    config = RECIPES["band"]
    windows = bar_windows(band.split("train"), config.size)
    drawn = windows.draw(32, np.random.default_rng(0), reach=6)
    assert len({tuple(np.flatnonzero(w[0].any(axis=(0, 1)))) for w in drawn}) <= 2
    assert len({tuple(np.flatnonzero(w[1].any(axis=(0, 1)))) for w in drawn}) > 4


def test_pieces_in_one_scale_forget_the_key_they_were_in(chorales: Corpus) -> None:
    size = dataclasses.replace(SMALL, in_one_scale=True)
    pieces = chorales.split("train")
    higher = [dataclasses.replace(piece, pitch=piece.pitch + 3) for piece in pieces]
    here, there = (bar_windows(some, size).bars for some in (pieces, higher))
    starts = here >= FIRST_PITCH
    assert np.array_equal(here[~starts], there[~starts])
    assert set(((here - there)[starts] % 12).tolist()) == {0}
    plain = bar_windows(pieces, SMALL).bars
    for moved, before in zip(here, plain, strict=True):
        assert len(set((moved - before)[before >= FIRST_PITCH])) == 1
