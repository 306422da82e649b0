"""What C-RNN-GAN measures, loops, and the seam between a prompt and its continuation.

In: phrases. Out: one number for each. Source of the first five: Mogren, C-RNN-GAN (2016), section
3.3, from the text. Where there is nothing to measure the number is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import GRID
from instrument.music.pitch import HARMONIC_MINOR_SCALE, MAJOR_SCALE, NATURAL_MINOR_SCALE

_NEARLY = 1e-6
_SCALES = {
    "major": MAJOR_SCALE,
    "natural minor": NATURAL_MINOR_SCALE,
    "harmonic minor": HARMONIC_MINOR_SCALE,
}
LONGEST_CYCLE, REPEATS = 4, 4


def polyphony(phrase: Phrase) -> float:
    """Return the share of starts at which two notes or more begin together, 0 to 1."""
    starts = np.array([note.start_beats for note in pitched(phrase)])
    if not len(starts):
        return np.nan
    counts = np.unique(np.round(starts / _NEARLY), return_counts=True)[1]
    return float(np.mean(counts > 1))


def scale_consistency(phrase: Phrase) -> float:
    """Return the share of notes in the best fitting scale, major or either minor, 0 to 1."""
    pitch_classes = np.array([note.pitch % 12 for note in pitched(phrase)], np.int64)
    classes = np.bincount(pitch_classes, minlength=12)
    if not classes.sum():
        return np.nan
    inside = [
        sum(int(classes[(tonic + step) % 12]) for step in steps)
        for steps in _SCALES.values()
        for tonic in range(12)
    ]
    return max(inside) / float(classes.sum())


def repetitions(phrase: Phrase, notes: int = 3) -> float:
    """Return the share of sequences of three notes that were heard before, 0 to 1.

    Only the notes and their order count, not their times; simultaneous ones from high to low.
    """
    pitches = [note.pitch for note in in_order(phrase)]
    heard: set[tuple[int, ...]] = set()
    again, windows = 0, len(pitches) - notes + 1
    for first in range(windows):
        window = tuple(pitches[first : first + notes])
        again += window in heard
        heard.add(window)
    return again / windows if windows > 0 else np.nan


def tone_span(phrase: Phrase) -> float:
    """Return the semitones between the lowest and the highest note."""
    pitches = [note.pitch for note in pitched(phrase)]
    return float(max(pitches) - min(pitches)) if pitches else np.nan


def intensity_span(phrase: Phrase) -> float:
    """Return the difference between the loudest and the softest velocity, 0 to 126."""
    velocities = [note.velocity for track in phrase.tracks for note in track.notes]
    return float(max(velocities) - min(velocities)) if velocities else np.nan


def loops(phrase: Phrase, longest: int = LONGEST_CYCLE, repeats: int = REPEATS) -> float:
    """Say whether a cycle of at most four notes comes four times in a row: 1 or 0.

    The notes' pitches and the times between them must be the same. Each track is looked at alone.
    """
    tracks = [track.notes for track in phrase.tracks if not track.is_drum]
    if not any(tracks):
        return np.nan
    return float(any(_has_loop(notes, longest, repeats) for notes in tracks))


@dataclass(frozen=True, slots=True)
class Seam:
    """How a continuation joins its prompt.

    Attributes
    ----------
    overlap
        Of the two histograms of pitch classes by sounding time, 0 to 1.
    density_ratio
        Starts per beat after the seam, divided by those before it.
    """

    overlap: float
    density_ratio: float


def seam(prompt: Phrase, continuation: Phrase) -> Seam:
    """Compare a continuation with its prompt; NaN where either is silent."""
    before, after = _histogram(prompt), _histogram(continuation)
    dense, then = _density(prompt), _density(continuation)
    if not (before.sum() and after.sum()):
        return Seam(np.nan, 0.0 if before.sum() else np.nan)
    shared = np.minimum(before / before.sum(), after / after.sum()).sum()
    return Seam(float(shared), then / dense)


def pitched(phrase: Phrase) -> list[Note]:
    """Return the notes that are no drums, in no particular order."""
    return [note for track in phrase.tracks if not track.is_drum for note in track.notes]


def in_order(phrase: Phrase) -> list[Note]:
    """Return the pitched notes by start, simultaneous ones from high to low."""
    return sorted(pitched(phrase), key=lambda note: (note.start_beats, -note.pitch))


def _has_loop(notes: tuple[Note, ...], longest: int, repeats: int) -> bool:
    pitches = np.array([note.pitch for note in notes])
    starts = np.round(np.array([note.start_beats for note in notes]) * GRID)
    waits = np.diff(starts, prepend=-1)
    return any(
        _longest_run(pitches[:-cycle] == pitches[cycle:], waits[:-cycle] == waits[cycle:])
        >= cycle * (repeats - 1)
        for cycle in range(1, min(longest, len(notes) - 1) + 1)
    )


def _longest_run(same_pitch: NDArray[np.bool_], same_wait: NDArray[np.bool_]) -> int:
    """Return the longest run of equal notes; what came before its first note does not matter."""
    run = best = 0
    for pitch, wait in zip(same_pitch.tolist(), same_wait.tolist(), strict=True):
        run = (run + 1 if wait or not run else 1) if pitch else 0
        best = max(best, run)
    return best


def _histogram(phrase: Phrase) -> NDArray[np.float64]:
    notes = pitched(phrase)
    classes = np.array([note.pitch % 12 for note in notes], np.int64)
    lengths = np.array([note.length_beats for note in notes], np.float64)
    return np.asarray(np.bincount(classes, lengths, minlength=12), np.float64)


def _density(phrase: Phrase) -> float:
    starts = {round(note.start_beats * GRID) for note in pitched(phrase)}
    return len(starts) / phrase.length_beats if phrase.length_beats else np.nan
