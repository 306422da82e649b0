"""Lines and batches of note tuples."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from instrument.composers.note_lstm.features import NO_CONDITIONS
from instrument.music.note import Note
from tests.helpers.music.corpora import scale_piece
from training.note_lstm.batches import NoteBatch, draw_batch, whole_lines
from training.note_lstm.features import cut_line, key_of, line_of, piece_line

TUNE = [Note(0.5 * i, pitch, 0.5) for i, pitch in enumerate((67, 60, 64, 67, 72, 71, 67, 60, 64))]


def test_symbols_are_the_notes() -> None:
    line = line_of(
        [Note(0.0, 60, 1.0, 33), Note(1.5, 62, 0.25, 64), Note(21.5, 62, 30.0, 127)], 4, 0
    )
    assert line.symbols.tolist() == [[0, 60, 23, 2], [36, 62, 5, 4], [192, 62, 191, 7]]


@pytest.mark.parametrize(
    ("pitches", "key"), [((60, 64, 67, 72, 65, 71, 62, 60), 0), ((69, 72, 76, 69, 68, 69), 12 + 9)]
)
def test_keys_are_found(pitches: tuple[int, ...], key: int) -> None:
    assert key_of([Note(float(i), pitch, 1.0) for i, pitch in enumerate(pitches)]) == key


def test_batches_are_padded_and_masked() -> None:
    lines = [line_of(TUNE[:count], 4.0, 0.0) for count in (3, 9)]
    batch = whole_lines(lines)
    assert batch.mask.sum(dim=1).tolist() == [3, 9]
    assert batch.symbols.shape == (2, 9, 4)
    assert batch.symbols.dtype == torch.int64
    assert (batch.conditions[batch.mask] == torch.tensor(NO_CONDITIONS)).all()


def test_moving_a_batch_is_moving_its_notes() -> None:
    line = line_of(TUNE, 4.0, 0.0)
    random = np.random.default_rng(3)
    seen = set()
    for _ in range(20):
        batch = draw_batch([line], 1, 64, random, untransposed=0.0, unconditioned=1.0)
        key = int(batch.symbols[0, 0, 1]) - 67
        moved = [Note(n.start_beats, n.pitch + key, n.length_beats) for n in TUNE]
        expected = whole_lines([line_of(moved, 4.0, 0.0)])
        for field in fields(NoteBatch):
            got, wanted = getattr(batch, field.name), getattr(expected, field.name)
            assert torch.allclose(got, wanted), field.name
        seen.add(key)
    assert len(seen) > 5
    assert seen <= set(range(-5, 7))


def test_conditions_say_what_the_piece_is() -> None:
    line = line_of(TUNE, 4.0, 0.0)
    batch = draw_batch([line] * 64, 64, 64, np.random.default_rng(0), 1.0, unconditioned=0.0)
    keys, lows = batch.conditions[:, 1:, 1], batch.conditions[:, 1:, 2]
    last = torch.tensor([note.pitch for note in TUNE[:-1]])
    given = keys[:, 0] != NO_CONDITIONS[1]
    assert 0.3 < given.float().mean() < 0.7
    assert ((keys[given] + last) % 12 == 0).all()
    low = lows[lows[:, 0] != NO_CONDITIONS[2]] - 24 + last
    assert (low <= 60).all()
    assert (low > 55).all()


def test_long_pieces_give_a_stretch() -> None:
    lines = [piece_line(scale_piece(str(i), "train", 60 + i)) for i in range(6)]
    batch = draw_batch(lines, 4, 5, np.random.default_rng(1), 1.0, 1.0)
    assert batch.symbols.shape == (4, 5, 4)
    assert batch.mask.all()


def test_a_cut_begins_at_a_bar_line() -> None:
    piece = scale_piece("long", "train", 60, voices=4)
    cut = cut_line(piece, np.random.default_rng(0), shortest=8)
    assert cut is not None
    assert len(cut) % 16 == 0
    assert cut.symbols[0, 0] == 0
    whole = piece_line(piece)
    assert np.array_equal(cut.symbols[1:], whole.symbols[-len(cut) + 1 :])
    assert cut_line(piece, np.random.default_rng(0), shortest=100) is None
