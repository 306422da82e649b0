import numpy as np
import pytest
import torch

from instrument.errors import FileError
from instrument.music.chord_events import events_of
from instrument.music.note import Note, Phrase
from instrument.music.vocabulary import START, Vocabulary
from tests.helpers.music.corpora import scale_piece, scales
from training.symbol_lstm.batches import (
    KEYS,
    Lexicon,
    SavedVocabulary,
    bar_length,
    bar_phase,
    draw_pieces,
    draw_windows,
    line_of,
    spread,
    stream_of,
    whole_pieces,
)

LEXICON = Lexicon.of([scale_piece("one", "train", 60)], rare=1)


def test_the_lexicon_has_every_chord_in_all_keys() -> None:
    scale = (0, 2, 4, 5, 7, 9, 11, 12)
    expected = {str(60 + step + key) for step in scale for key in range(-5, 7)}
    assert set(LEXICON.chords.symbols) == expected | {START, "rest"}
    assert LEXICON.durations.symbols == (START, "24")


def test_transposition_moves_the_notes() -> None:
    line = line_of(scale_piece("one", "train", 60).phrase(), LEXICON)
    for key, row in zip(KEYS, LEXICON.transposition, strict=True):
        moved = line_of(scale_piece("one", "train", 60 + key).phrase(), LEXICON)
        np.testing.assert_array_equal(row[line.chords], moved.chords)


def test_what_was_heard_comes_back_as_events() -> None:
    phrase = scale_piece("one", "train", 60).phrase()
    line = line_of(phrase, LEXICON)
    events = [
        LEXICON.event(int(c), int(d)) for c, d in zip(line.chords, line.durations, strict=True)
    ]
    assert tuple(events) == events_of(phrase.notes)
    assert (line.notes, line.unknown) == (16, 0)


def test_the_place_in_the_bar_counts_from_the_bar_line_after_the_pickup() -> None:
    starts = np.array([0, 24, 48, 120])
    assert bar_phase(starts, bar_ticks=72, pickup_ticks=24).tolist() == [48, 0, 24, 24]
    assert [bar_length(ticks) for ticks in (96, 72, 10_000)] == [8, 6, 17]


def test_each_position_sees_the_event_before_and_is_asked_for_the_next() -> None:
    lines = [line_of(scale_piece("one", "train", tonic).phrase(), LEXICON) for tonic in (60, 62)]
    batch = whole_pieces(lines)
    assert (batch.chords[:, 0] == 0).all()
    torch.testing.assert_close(batch.chords[:, 1:], batch.next_chords[:, :-1])
    torch.testing.assert_close(batch.durations[:, 1:], batch.next_durations[:, :-1])
    assert batch.phases[0, :5].tolist() == [0, 24, 48, 72, 0]


def test_shorter_pieces_are_padded_with_no_target() -> None:
    long = line_of(scale_piece("one", "train", 60).phrase(), LEXICON)
    short = line_of(Phrase.of([Note(0.0, 60, 1.0), Note(1.0, 62, 1.0)]), LEXICON)
    batch = whole_pieces([long, short])
    assert batch.mask.sum(dim=1).tolist() == [16, 2]


def test_a_stretch_of_a_long_piece_begins_with_the_event_before_it() -> None:
    lines = [line_of(piece.phrase(), LEXICON) for piece in scales().split("train")[:1]]
    for seed in range(20):
        batch = draw_pieces(lines, LEXICON, 1, 6, np.random.default_rng(seed))
        assert batch.mask.sum() == 6
        pitches = [int(LEXICON.chords.symbols[i]) for i in batch.next_chords[0]]
        if first := int(batch.chords[0, 0]):
            assert abs(int(LEXICON.chords.symbols[first]) - pitches[0]) in (0, 1, 2)
        else:
            assert batch.phases[0].tolist() == [0, 24, 48, 72, 0, 24]


def test_windows_of_the_stream_have_one_target_each() -> None:
    lines = [line_of(piece.phrase(), LEXICON) for piece in scales().split("train")]
    stream = stream_of(lines)
    assert stream.chords.shape == (1, 64)
    windows = draw_windows(stream, 8, 10, np.random.default_rng(0))
    assert windows.mask.sum(dim=1).tolist() == [1] * 8
    assert windows.mask[:, -1].all()
    assert stream.mask.all(), "drawing windows must not change the stream"


def test_a_prompts_silence_is_heard() -> None:
    phrase = Phrase.of([Note(1.0, 60, 1.0)], 3.0)
    lexicon = Lexicon(
        Vocabulary((START, "60", "rest")), Vocabulary((START, "24")), LEXICON.transposition
    )
    assert line_of(phrase, lexicon).chords.tolist() == [2, 1]
    assert line_of(phrase, lexicon, to_the_end=True).chords.tolist() == [2, 1, 2]


def test_validation_takes_pieces_from_all_books() -> None:
    pieces = scales(per_split=10).split("train")
    assert spread(pieces, 4) == (pieces[0], pieces[3], pieces[6], pieces[9])
    assert spread(pieces, 100) == pieces


def test_a_checkpoint_with_another_vocabulary_is_refused() -> None:
    saved = SavedVocabulary(Vocabulary((START, "60"))).state_dict()
    SavedVocabulary(Vocabulary((START, "60"))).load_state_dict(saved)
    with pytest.raises(FileError, match="2 symbols"):
        SavedVocabulary(Vocabulary((START, "60", "62"))).load_state_dict(saved)
