"""What MuseGAN measures in music of several tracks, from the text of the papers.

In: phrases. Out: one number for each phrase or track. Sources: Dong, Hsiao, Yang and Yang, MuseGAN
(AAAI 2018), section "Objective metrics": EB, UPC, QN, DP, TD; Dong and Yang, BMuseGAN (ISMIR 2018),
section 5.2: PP; Harte, Sandler and Gasser, Detecting harmonic change in musical audio (2006): the
tonal centroid. The papers measure piano rolls with 96 or 48 steps a bar; we measure notes, in
beats, so that no grid is needed. Where there is nothing to measure the number is NaN, which the
averages leave out. Only whole bars count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from instrument.music.note import Note, Phrase, Track

THIRTY_SECOND = 1 / 8
"""Beats; MuseGAN's three steps of 96 in a bar of four beats."""
EIGHTH = 1 / 2
_NEARLY = 1e-6

Values = NDArray[np.float64]
_ANGLES = np.arange(12) * np.pi * np.array([[7 / 6], [7 / 6], [3 / 2], [3 / 2], [2 / 3], [2 / 3]])
_RADII = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 0.5])


def empty_bars(phrase: Phrase, track: Track) -> float:
    """EB: the share of bars in which a track is silent, 0 to 1."""
    bars = whole_bars(phrase)
    silent = [not _sounding(track, *bar) for bar in bars]
    return float(np.mean(silent)) if silent else np.nan


def used_pitch_classes(phrase: Phrase, track: Track) -> float:
    """UPC: how many pitch classes a track uses in a bar, 1 to 12, mean of the bars with notes."""
    used = [{note.pitch % 12 for note in _sounding(track, *bar)} for bar in whole_bars(phrase)]
    counts = [len(classes) for classes in used if classes]
    return float(np.mean(counts)) if counts else np.nan


def qualified_notes(track: Track, shortest_beats: float = THIRTY_SECOND) -> float:
    """QN: the share of notes no shorter than a 32nd note, 0 to 1: little means fragments."""
    lengths = np.array([note.length_beats for note in track.notes])
    return float(np.mean(lengths >= shortest_beats - _NEARLY)) if len(lengths) else np.nan


def fragmentation(track: Track) -> float:
    """Return the share of notes that are splinters of a longer one, 0 to 1.

    Those are notes shorter than a 32nd, and notes that take up their own pitch again after a
    silence shorter than a 32nd.
    """
    ends: dict[int, float] = {}
    broken = 0
    for note in track.notes:
        gap = note.start_beats - ends.get(note.pitch, -np.inf)
        resumes = _NEARLY < gap < THIRTY_SECOND - _NEARLY
        broken += resumes or note.length_beats < THIRTY_SECOND - _NEARLY
        ends[note.pitch] = max(note.end_beats, ends.get(note.pitch, -np.inf))
    return broken / len(track.notes) if track.notes else np.nan


def polyphonicity(phrase: Phrase, more_than: int = 2, steps_per_beat: int = 24) -> float:
    """PP: the share of time steps at which more than two pitches sound, drums left out, 0 to 1."""
    steps = round(phrase.length_beats * steps_per_beat)
    sounding = np.zeros((steps, 128), np.bool_)
    for track in phrase.tracks:
        for note in () if track.is_drum else track.notes:
            first, end = (round(b * steps_per_beat) for b in (note.start_beats, note.end_beats))
            sounding[first:end, note.pitch] = True
    return float(np.mean(sounding.sum(axis=1) > more_than)) if steps else np.nan


def drum_pattern(track: Track) -> float:
    """DP: the share of drum hits on the grid of eighths or sixteenths, 0 to 1.

    A hit belongs to the grid if it is nearer than half a step of a 96th of a 4/4 bar.
    """
    starts = np.array([note.start_beats for note in track.notes])
    away = np.abs(starts * 4 - np.round(starts * 4)) / 4
    return float(np.mean(away < 1 / 48)) if track.is_drum and len(starts) else np.nan


def tonal_centroid(chroma: Values) -> Values:
    """Return the six-dimensional tonal centroid of pitch-class weights (Harte et al., eq. 1-2).

    Fifths, minor thirds and major thirds each on a circle, with radii 1, 1 and 0.5.

    Parameters
    ----------
    chroma
        float64, shape (..., 12), not all zero.

    Returns
    -------
    Values
        float64, shape (..., 6).
    """
    sines, cosines = np.sin(_ANGLES[::2]), np.cos(_ANGLES[1::2])
    basis = np.stack([sines, cosines], axis=1).reshape(6, 12) * _RADII[:, None]
    return np.asarray(chroma @ basis.T / chroma.sum(axis=-1, keepdims=True))


def beat_chroma(track: Track, length_beats: float) -> Values:
    """Return how many beats each pitch class sounds in each beat: shape (beats, 12)."""
    chroma = np.zeros((int(length_beats + _NEARLY), 12))
    for note in track.notes:
        for beat in range(int(note.start_beats), min(int(np.ceil(note.end_beats)), len(chroma))):
            shared = min(note.end_beats, beat + 1) - max(note.start_beats, beat)
            chroma[beat, note.pitch % 12] += max(shared, 0.0)
    return chroma


def tonal_distance(one: Values, other: Values) -> float:
    """TD: the mean distance of two tracks' tonal centroids over the beats in which both sound.

    Parameters
    ----------
    one, other
        From `beat_chroma`; the longer one's surplus is left out.
    """
    beats = min(len(one), len(other))
    both = (one[:beats].sum(axis=1) > 0) & (other[:beats].sum(axis=1) > 0)
    if not both.any():
        return np.nan
    apart = tonal_centroid(one[:beats][both]) - tonal_centroid(other[:beats][both])
    return float(np.linalg.norm(apart, axis=1).mean())


def tonal_distances(phrases: Sequence[Phrase], shuffle_seed: int | None = None) -> Values:
    """Measure every phrase's TD, mean over its pairs of pitched tracks: shape (phrases,).

    Parameters
    ----------
    phrases
        Their tracks should play the same roles.
    shuffle_seed
        Take the second track of each pair from another phrase: tracks that do not belong together.
        TD must rise, or it says nothing (the papers' sanity row).
    """
    sources = np.arange(len(phrases))
    if shuffle_seed is not None and len(phrases) > 1:
        turned = np.random.default_rng(shuffle_seed).permutation(len(phrases))
        sources[turned] = np.roll(turned, 1)  # nobody is paired with itself
    chroma = [_chroma_of_tracks(phrase) for phrase in phrases]
    return np.array(
        [_mean_over_pairs(own, chroma[source]) for own, source in zip(chroma, sources, strict=True)]
    )


def whole_bars(phrase: Phrase) -> list[tuple[float, float]]:
    """Return where the whole bars of a phrase begin and end, by its first meter."""
    length = phrase.bar_beats
    count = int((phrase.length_beats - phrase.pickup_beats) / length + _NEARLY)
    starts = [phrase.pickup_beats + bar * length for bar in range(count)]
    return [(start, start + length) for start in starts]


def _sounding(track: Track, start: float, end: float) -> list[Note]:
    return [
        note
        for note in track.notes
        if note.start_beats < end - _NEARLY and note.end_beats > start + _NEARLY
    ]


def _chroma_of_tracks(phrase: Phrase) -> list[Values | None]:
    return [
        None if track.is_drum else beat_chroma(track, phrase.length_beats)
        for track in phrase.tracks
    ]


def _mean_over_pairs(own: list[Values | None], other: list[Values | None]) -> float:
    found = [
        tonal_distance(one, two)
        for index, one in enumerate(own)
        for two in other[index + 1 :]
        if one is not None and two is not None
    ]
    known = [value for value in found if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan
