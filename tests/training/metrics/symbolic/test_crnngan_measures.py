"""Metrics of note sequences, against values counted by hand."""

import numpy as np
import pytest

from instrument.music.note import Note, Phrase, Track
from training.metrics.symbolic import crnngan_measures as symbolic


def line(*pitches: int, length: float = 1.0) -> Phrase:
    return Phrase.of(Note(index * length, pitch, length) for index, pitch in enumerate(pitches))


def test_polyphony_counts_starts_shared_by_notes() -> None:
    # Three starts; at 0 two notes begin together; the note at 0.5 only overlaps.
    notes = [Note(0, 60, 4), Note(0, 64, 1), Note(0.5, 67, 1), Note(2, 62, 1)]
    assert symbolic.polyphony(Phrase.of(notes)) == pytest.approx(1 / 3)
    assert symbolic.polyphony(line(60, 62)) == 0.0


def test_scale_consistency_finds_the_best_scale() -> None:
    assert symbolic.scale_consistency(line(60, 62, 64, 65, 67, 69, 71)) == 1.0
    assert symbolic.scale_consistency(line(57, 59, 60, 62, 64, 65, 68)) == 1.0  # A harmonic minor
    # All twelve pitch classes once: seven fit any scale.
    assert symbolic.scale_consistency(line(*range(60, 72))) == pytest.approx(7 / 12)


def test_repetitions_count_sequences_heard_before_whatever_their_rhythm() -> None:
    # Windows: abc bca cab abc bca: the last two came before.
    assert symbolic.repetitions(line(60, 62, 64, 60, 62, 64, 60)) == pytest.approx(2 / 5)
    assert symbolic.repetitions(line(60, 61, 62, 63)) == 0.0


def test_spans_are_differences_of_extremes() -> None:
    phrase = Phrase.of([Note(0, 50, 1, 20), Note(1, 74, 1, 100)])
    assert symbolic.tone_span(phrase) == 24 and symbolic.intensity_span(phrase) == 80


@pytest.mark.parametrize(
    ("pitches", "expected"),
    [
        ((60, 60, 60, 60), 1.0),  # one note four times
        ((60, 60, 60), 0.0),
        ((60, 62) * 4, 1.0),
        ((65, 60, 62, 60, 62, 60, 62, 60), 0.0),  # 3.5 times
        ((60, 62, 64, 65) * 4, 1.0),
        ((60, 62, 64, 65) * 3 + (60, 62, 64, 66), 0.0),
        ((60, 62, 64, 65, 67) * 4, 0.0),  # the cycle is too long
        ((72, 71) + (60, 62, 64) * 4 + (50,), 1.0),
    ],
)
def test_loops_are_short_cycles_repeated_four_times(
    pitches: tuple[int, ...], expected: float
) -> None:
    assert symbolic.loops(line(*pitches)) == expected


def test_a_loop_repeats_its_rhythm_too() -> None:
    starts = [0, 1, 2, 3.5, 4, 6, 7, 8.25]
    notes = [Note(start, 60 + 2 * (i % 2), 0.5) for i, start in enumerate(starts)]
    assert symbolic.loops(Phrase.of(notes)) == 0.0
    rest_before = [Note(0, 55, 1), *(Note(9 + i, 60, 0.5) for i in range(4))]
    assert symbolic.loops(Phrase.of(rest_before)) == 1.0


def test_every_track_is_looked_at_for_loops_alone() -> None:
    steady = Track(tuple(Note(i, 40, 1) for i in range(4)))
    moving = Track(tuple(Note(i, 60 + i, 1) for i in range(4)))
    assert symbolic.loops(Phrase((moving, steady), 4.0)) == 1.0
    assert symbolic.loops(Phrase((moving, Track(steady.notes, is_drum=True)), 4.0)) == 0.0


def test_seam_compares_pitch_classes_by_time_and_starts_per_beat() -> None:
    prompt = Phrase.of([Note(0, 60, 3), Note(3, 64, 1)], 4.0)  # C 3/4, E 1/4
    answer = Phrase.of([Note(0, 72, 1), Note(0, 67, 1), Note(1, 67, 1), Note(2, 76, 1)], 4.0)
    # C 1/4, G 2/4, E 1/4: they share 1/4 of C and 1/4 of E; 3 starts against 2.
    found = symbolic.seam(prompt, answer)
    assert found.overlap == pytest.approx(0.5) and found.density_ratio == pytest.approx(1.5)


def test_silence_has_no_figures() -> None:
    silence = Phrase((Track(()),), 4.0)
    for metric in (
        symbolic.polyphony, symbolic.scale_consistency, symbolic.repetitions,
        symbolic.tone_span, symbolic.intensity_span, symbolic.loops,
    ):  # fmt: skip
        assert np.isnan(metric(silence))
    assert np.isnan(symbolic.seam(silence, line(60)).overlap)
    assert symbolic.seam(line(60), silence).density_ratio == 0.0
