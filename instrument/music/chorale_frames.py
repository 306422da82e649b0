"""Four-part harmony as frames: which pitch soprano, alto, tenor and bass sing, step by step.

This is the form of the JSB chorales in the literature: a frame tells what sounds, so a repeated
note and a held one look alike. Frames -> phrase -> frames is exact; a phrase survives the way
there and back if each track has one note at a time, on the grid, and never the same pitch twice
without a rest between.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from instrument.errors import PhraseError
from instrument.music.note import Meter, Note, Phrase, Tempo, Track

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
REST = -1

Frames = NDArray[np.int16]

_NEARLY = 1e-6  # steps; a note that starts this little late still starts on its step


def frames_of(phrase: Phrase, steps_per_beat: int = 4) -> Frames:
    """Sample what the four voices sing at the beginning of every step.

    Parameters
    ----------
    phrase
        Up to four tracks, soprano first; missing ones rest. Where a track has several notes at
        once the highest counts.
    steps_per_beat
        4 for sixteenths.

    Returns
    -------
    int16, shape (steps, 4): MIDI pitch, or -1 for a rest.

    Raises
    ------
    PhraseError
        The phrase has more than four tracks.
    """
    if len(phrase.tracks) > len(VOICES):
        raise PhraseError(
            f"a chorale must have at most 4 tracks, got {len(phrase.tracks)}",
            "Choose the tracks of soprano, alto, tenor and bass.",
        )
    steps = _first_step_from(phrase.length_beats * steps_per_beat)
    frames = np.full((steps, len(VOICES)), REST, dtype=np.int16)
    for voice, track in enumerate(phrase.tracks):
        for note in track.notes:
            start = _first_step_from(note.start_beats * steps_per_beat)
            end = _first_step_from(note.end_beats * steps_per_beat)
            sung = frames[start:end, voice]
            np.maximum(sung, np.int16(note.pitch), out=sung)
    return frames


def phrase_of(
    frames: NDArray[np.integer],
    steps_per_beat: int = 4,
    *,
    bpm: float = 120.0,
    meter: tuple[int, int] = (4, 4),
    pickup_beats: float = 0.0,
    program: int = 0,
) -> Phrase:
    """Turn frames into a phrase of four tracks; equal pitches in a row become one note.

    Parameters
    ----------
    frames
        Integers, shape (steps, 4): MIDI pitch, or -1 for a rest.
    steps_per_beat
        Frames to a quarter note.
    bpm
        Quarter notes per minute.
    meter
        Beats in a bar and their unit, such as (4, 4).
    pickup_beats
        Quarter notes before the first bar line.
    program
        General MIDI's, of all four tracks.
    """
    tracks = (
        Track(_notes(frames[:, voice], steps_per_beat), name, program, channel=voice)
        for voice, name in enumerate(VOICES)
    )
    length_beats = len(frames) / steps_per_beat
    tempos, meters = (Tempo(0.0, bpm),), (Meter(0.0, *meter),)
    return Phrase(tuple(tracks), length_beats, tempos, meters, pickup_beats)


def _notes(pitches: NDArray[np.integer], steps_per_beat: int) -> tuple[Note, ...]:
    changes = np.flatnonzero(np.diff(pitches)) + 1
    edges = [0, *changes.tolist(), len(pitches)] if len(pitches) else []
    return tuple(
        Note(start / steps_per_beat, int(pitches[start]), (end - start) / steps_per_beat)
        for start, end in pairwise(edges)
        if pitches[start] != REST
    )


def _first_step_from(steps: float) -> int:
    return ceil(steps - _NEARLY)
