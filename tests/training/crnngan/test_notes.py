import numpy as np
import pytest

from instrument.music.note import Note, Phrase
from tests.helpers.music.corpora import scale_piece, scales
from training.crnngan.notes import (
    Stretches,
    grid_values,
    notes_of,
    phrase_of_tones,
    texture_distance,
    to_one_scale,
)

NOTES = (Note(0.0, 60, 1.0, 70), Note(0.0, 64, 1.0, 80), Note(1.5, 62, 0.25, 90))


def test_tones_are_length_pitch_velocity_and_time_since_the_one_before() -> None:
    expected = [[1.0, 64, 80, 0.0], [1.0, 60, 70, 0.0], [0.25, 62, 90, 1.5]]
    np.testing.assert_array_equal(notes_of(NOTES), np.array(expected, np.float32))


def test_tones_become_the_notes_they_were() -> None:
    assert phrase_of_tones(notes_of(NOTES), 2.0, is_monophonic=False).notes == NOTES


def test_one_tone_at_a_time_cuts_each_note_at_the_next() -> None:
    notes = np.array([[2, 60, 80, 0], [1, 62, 80, 0.5], [1, 64, 80, 0]], np.float32)
    phrase = phrase_of_tones(notes, 4.0, is_monophonic=True)
    assert phrase.notes == (Note(0.0, 60, 0.5), Note(0.5, 64, 1.0))


def test_a_phrase_ends_on_time() -> None:
    notes = np.array([[1.0, 60, 80, 1.0]] * 10, np.float32)
    phrase = phrase_of_tones(notes, 4.0, is_monophonic=True)
    assert [note.start_beats for note in phrase.notes] == [1.0, 2.0, 3.0]
    assert phrase.length_beats == 4.0


@pytest.mark.parametrize("tonic", range(54, 66))
def test_any_major_scale_becomes_c_major(tonic: int) -> None:
    notes = notes_of(scale_piece("scale", "train", tonic).phrase().notes)
    moved = to_one_scale(notes)
    assert {int(pitch) % 12 for pitch in moved[:, 1]} == {0, 2, 4, 5, 7, 9, 11}
    assert -5 <= moved[0, 1] - notes[0, 1] <= 6


def test_stretches_begin_at_bar_lines_after_the_pickup() -> None:
    notes = [Note(0.5, 60, 0.5)] + [Note(1.0 + beat, 62 + beat, 1.0) for beat in range(12)]
    phrase = Phrase.of(notes, 13.0, pickup_beats=1.0)
    stretches = Stretches.of([phrase], length=5, bar_beats=4.0, in_one_scale=False)
    assert len(stretches) == 2
    first, second = stretches.at(np.arange(2))
    assert first[:, 1].tolist() == [62, 63, 64, 65, 66]
    assert second[:, 1].tolist() == [66, 67, 68, 69, 70]
    assert first[0, 3] == second[0, 3] == 0.0


def test_a_bar_that_begins_with_a_rest_keeps_it() -> None:
    phrase = Phrase.of([Note(1.5, 60, 1.0), Note(3.0, 62, 1.0)], 4.0)
    stretches = Stretches.of([phrase], length=2, bar_beats=4.0, in_one_scale=False)
    assert stretches.at(np.zeros(1, np.int64))[0, :, 3].tolist() == [1.5, 1.5]


def test_other_metres_are_left_out() -> None:
    waltz = Phrase.of([Note(float(beat), 60, 1.0) for beat in range(12)], meter=(3, 4))
    assert len(Stretches.of([waltz], 4, 4.0, in_one_scale=False)) == 0


def test_values_that_hardly_occur_are_left_out_with_their_phrases() -> None:
    notes = [Note(float(beat), 60, 1.0) for beat in range(100)]
    odd = [*notes[:7], Note(7.0, 60, 0.75), *notes[8:12]]
    stretches = Stretches.of([Phrase.of(notes), Phrase.of(odd)], 4, 4.0, in_one_scale=False)
    values = grid_values(stretches.pieces, 4.0, steps_per_beat=2)
    assert (values.lengths, values.advances) == ((1.0,), (0.0, 1.0))
    kept = stretches.within(values)
    assert len(stretches) == 28
    assert len(kept) == 27  # without bar 2 of the odd phrase


def test_texture_is_no_distance_from_itself_and_ln_2_from_what_shares_nothing() -> None:
    phrase = np.stack([notes_of(p.phrase().notes) for p in scales().split("train")])
    assert all(value == 0.0 for value in texture_distance(phrase, phrase, 4.0).values())
    other = phrase.copy()
    other[..., 0] *= 2.0
    distances = texture_distance(phrase, other, 4.0)
    assert distances["length"] == pytest.approx(np.log(2.0))
    assert distances["interval"] == 0.0


def test_divergence_is_that_of_the_closed_form() -> None:
    ours = np.array([[[1, 60, 80, 1], [1, 61, 80, 1]]], np.float32)
    data = np.array([[[1, 60, 80, 1], [1, 60, 80, 1]]], np.float32)
    # p = (1/2, 1/2), q = (1, 0), mean (3/4, 1/4)
    expected = 0.5 * (0.5 * np.log(2 / 3) + 0.5 * np.log(2.0) + np.log(4 / 3))
    assert texture_distance(ours, data, 4.0)["pitch class"] == pytest.approx(expected)
