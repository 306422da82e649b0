"""MuseGAN's metrics, against values computed by hand."""

import numpy as np
import pytest

from instrument.music.note import Meter, Note, Phrase, Track
from training.metrics.symbolic import musegan_measures as texture


def two_bars(*notes: Note, is_drum: bool = False) -> tuple[Phrase, Track]:
    track = Track(notes, is_drum=is_drum)
    return Phrase((track,), 8.0), track


def test_a_bar_is_empty_when_nothing_sounds_in_it() -> None:
    assert texture.empty_bars(*two_bars(Note(0, 60, 4))) == 0.5
    assert texture.empty_bars(*two_bars(Note(0, 60, 4.5))) == 0.0  # held over the bar line


def test_bars_begin_after_the_pickup_and_only_whole_ones_count() -> None:
    phrase = Phrase((), 8.5, meters=(Meter(0.0, 3, 4),), pickup_beats=1.0)
    assert texture.whole_bars(phrase) == [(1.0, 4.0), (4.0, 7.0)]


def test_used_pitch_classes_ignore_octaves_and_silent_bars() -> None:
    phrase, track = two_bars(Note(0, 60, 1), Note(1, 72, 1), Note(2, 64, 1), Note(3, 67, 1))
    assert texture.used_pitch_classes(phrase, track) == 3.0  # C, E, G; the second bar is empty


def test_qualified_notes_last_a_32nd_or_longer() -> None:
    track = Track((Note(0, 60, 0.125), Note(1, 60, 0.12), Note(2, 60, 1), Note(3, 60, 0.5)))
    assert texture.qualified_notes(track) == 0.75
    assert texture.qualified_notes(track, texture.EIGHTH) == 0.5


def test_splinters_are_short_notes_and_notes_taken_up_again_at_once() -> None:
    whole = Track((Note(0, 60, 1), Note(1, 60, 1), Note(2.25, 60, 1), Note(4, 62, 1)))
    assert texture.fragmentation(whole) == 0.0
    splintered = Track((Note(0, 60, 1), Note(1.05, 60, 0.9), Note(2, 62, 0.1), Note(3, 60, 1)))
    assert texture.fragmentation(splintered) == 0.5


def test_polyphonicity_is_the_share_of_steps_with_more_than_two_pitches() -> None:
    chord = Track((Note(0, 60, 2), Note(0, 64, 2), Note(1, 67, 3)))
    doubled = Track((Note(0, 60, 2),))  # the same pitch again is no further pitch
    drums = Track((Note(0, 36, 4),), is_drum=True)
    assert texture.polyphonicity(Phrase((chord, doubled, drums), 4.0)) == 0.25


def test_drum_hits_on_sixteenths_follow_the_pattern() -> None:
    hits = [Note(start, 36, 0.1) for start in (0, 0.25, 1.51, 1 / 3)]
    assert texture.drum_pattern(Track(tuple(hits), is_drum=True)) == 0.75
    assert np.isnan(texture.drum_pattern(Track(tuple(hits))))


def test_tonal_centroid_of_a_single_pitch_is_hartes() -> None:
    # Pitch class 0: every sine is 0, every cosine 1, times the radii 1, 1, 0.5.
    np.testing.assert_allclose(texture.tonal_centroid(np.eye(12)[0] * 3), [0, 1, 0, 1, 0, 0.5])
    # Pitch class 1: angles 7/6, 3/2 and 2/3 pi.
    expected = [-0.5, -np.sqrt(3) / 2, -1, 0, 0.5 * np.sqrt(3) / 2, -0.25]
    np.testing.assert_allclose(texture.tonal_centroid(np.eye(12)[1]), expected, atol=1e-12)


def test_a_fifth_is_nearer_than_a_semitone_and_farther_than_an_octave() -> None:
    def apart(semitones: int) -> float:
        low, high = (Track((Note(0, pitch, 1),)) for pitch in (60, 60 + semitones))
        return texture.tonal_distance(texture.beat_chroma(low, 1), texture.beat_chroma(high, 1))

    assert apart(12) == pytest.approx(0.0) and 0 < apart(7) < apart(1)
    # By hand: circles of fifths, minor and major thirds at 30, 90 and 120 degrees.
    by_hand = (2 * np.sin(np.pi / 12)) ** 2 + 2.0 + (0.5 * np.sqrt(3)) ** 2
    assert apart(7) == pytest.approx(np.sqrt(by_hand))


def test_beat_chroma_shares_a_note_among_its_beats() -> None:
    chroma = texture.beat_chroma(Track((Note(0.5, 61, 1.0), Note(1.0, 61, 0.25))), 2.0)
    np.testing.assert_allclose(chroma[:, 1], [0.5, 0.75])
    assert chroma.sum() == 1.25


def test_tracks_of_other_phrases_are_farther_apart() -> None:
    def thirds(tonic: int) -> Phrase:
        notes = [Note(beat, tonic + step, 1) for beat, step in enumerate((0, 2, 4, 5, 7, 5, 4, 2))]
        upper = [Note(n.start_beats, n.pitch + 12, 1) for n in notes]
        return Phrase((Track(tuple(notes)), Track(tuple(upper))), 8.0)

    phrases = [thirds(tonic) for tonic in range(48, 60)]
    own, shuffled = (texture.tonal_distances(phrases, seed) for seed in (None, 0))
    np.testing.assert_allclose(own, 0.0, atol=1e-12)
    assert shuffled.min() > 0.5


def test_silence_and_single_tracks_have_no_figures() -> None:
    phrase, track = two_bars()
    assert texture.empty_bars(phrase, track) == 1.0
    assert np.isnan(texture.used_pitch_classes(phrase, track))
    assert np.isnan(texture.qualified_notes(track)) and np.isnan(texture.fragmentation(track))
    assert np.isnan(texture.tonal_distances([phrase])[0])
