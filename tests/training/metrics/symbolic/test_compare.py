"""Comparisons of phrases that differ in known ways."""

from io import StringIO

import msgspec
import numpy as np
import pytest
from rich.console import Console

from instrument.music.note import Note, Phrase
from tests.helpers.music.corpora import scales
from training.metrics.symbolic.compare import (
    Comparison,
    Music,
    compare,
    print_comparison,
    split_at_bar,
    stretches,
)
from training.metrics.symbolic.memorisation import TrainingMusic


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    corpus = scales(voices=2)
    training = TrainingMusic(piece.phrase() for piece in corpus.split("train"))
    data = [piece.phrase() for piece in corpus.split("test")]
    random = np.random.default_rng(0)
    noise = [
        Phrase.of((Note(float(i), int(p), 1.0) for i, p in enumerate(random.integers(40, 90, 16))))
        for _ in range(8)
    ]
    pairs = tuple(split_at_bar(phrase, 2, 8.0) for phrase in data)
    wrong = tuple((prompt, noise[0]) for prompt, _ in pairs)
    return compare(
        Music(tuple(noise), wrong), Music(tuple(data), pairs), training, Music(tuple(data), pairs)
    )


def row(comparison: Comparison, name: str) -> tuple[float, float]:
    found = next(row for row in comparison.rows if row.name == name)
    return found.generated.value, found.data.value


def test_scales_are_consistent_and_noise_is_not(comparison: Comparison) -> None:
    noise, data = row(comparison, "scale consistency %")
    assert data == 93.75 and noise < 90.0  # 2 of 32 notes are the lower scale's fourth, B flat


def test_parallel_fifths_start_together(comparison: Comparison) -> None:
    assert row(comparison, "polyphony %") == (0.0, 100.0)
    assert row(comparison, "QN %, tracks' mean") == (100.0, 100.0)


def test_a_piece_of_the_training_music_in_another_key_is_a_copy(comparison: Comparison) -> None:
    assert comparison.copies["data"].median == 16 and comparison.copies["generated"].longest <= 3


def test_real_seams_lie_inside_their_own_quartiles(comparison: Comparison) -> None:
    assert comparison.seams["data"].overlap_inside >= 0.5
    assert comparison.seams["generated"].overlap.value < comparison.seams["data"].overlap.value


def test_rows_that_nobody_could_have_are_left_out(comparison: Comparison) -> None:
    assert not any(row.name.startswith("DP") for row in comparison.rows)


def test_the_table_and_the_json_hold_every_row(comparison: Comparison) -> None:
    console = Console(width=120, record=True, file=StringIO())
    print_comparison(console, comparison)
    text = console.export_text()
    found = msgspec.to_builtins(comparison)["rows"]
    assert [entry["name"] for entry in found] == [row.name for row in comparison.rows]
    assert all(entry["name"] in text for entry in found)
    assert "copied notes, median" in text and "seam overlap" in text


def test_stretches_begin_at_the_first_bar_line() -> None:
    notes = [Note(float(i), 60 + i, 1.0) for i in range(9)]
    phrase = Phrase.of(notes, pickup_beats=1.0)
    (cut,) = stretches([phrase, Phrase.of(notes[:4])], 8.0)
    assert cut.length_beats == 8.0 and [note.pitch for note in cut.notes] == list(range(61, 69))
    prompt, rest = split_at_bar(phrase, 1, 100.0)
    assert (prompt.length_beats, rest.length_beats) == (5.0, 4.0)
