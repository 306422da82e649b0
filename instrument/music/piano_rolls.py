"""Phrases as piano rolls: one class per voice and step, or on and off for every pitch.

Voice rolls hold one note at a time: 0 rests, 1 holds the note before, 2 and more start a pitch.
They come back exactly if every track has one note at a time, on the grid and in the range of
pitches, with the bars of one meter. Pitch rolls hold chords; they come back exactly if the notes
are on the grid, in the range, and equal pitches of a track do not overlap. Velocities are lost.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from instrument.music.note import Meter, Note, Phrase, Tempo, Track

REST, HOLD, FIRST_PITCH = 0, 1, 2
LOWEST_PITCH, PITCHES = 24, 84
"""C1 to B7, the range of MuseGAN (Dong et al. 2018, section 6.1)."""

VoiceRolls = NDArray[np.int64]
PitchRolls = NDArray[np.bool_]

_NEARLY = 1e-6  # steps


def rolls_of(
    phrase: Phrase,
    steps_per_beat: int = 4,
    *,
    lowest_pitch: int = LOWEST_PITCH,
    pitches: int = PITCHES,
) -> VoiceRolls:
    """Write every track as the bars of a voice that sings one note at a time.

    Starts and lengths go to the nearest step. Where several notes start on a step the highest
    counts, and a new note ends the one before. Pitches out of range are left out. A pickup is the
    end of a bar that begins with rests; the last bar is filled up with rests.

    Parameters
    ----------
    steps_per_beat
        Steps to a quarter note.
    lowest_pitch, pitches
        MIDI number of the first pitch, and how many there are.

    Returns
    -------
    int64, shape (bars, tracks, steps in a bar): 0 rest, 1 hold, 2 + pitch - lowest_pitch onset.
    """
    bar_steps = steps_in_bar(phrase.bar_beats, steps_per_beat)
    silence = -round(phrase.pickup_beats * steps_per_beat) % bar_steps
    steps = silence + ceil(phrase.length_beats * steps_per_beat - _NEARLY)
    bars = max(1, -(-steps // bar_steps))
    rolls = np.zeros((len(phrase.tracks), bars * bar_steps), dtype=np.int64)
    for voice, track in zip(rolls, phrase.tracks, strict=True):
        for note in track.notes:  # sorted: of equal starts the highest comes last and stays
            start, end = _steps(note, steps_per_beat)
            start, end = start + silence, end + silence
            if start < len(voice) and 0 <= note.pitch - lowest_pitch < pitches:
                _release(voice, start)
                voice[start] = FIRST_PITCH + note.pitch - lowest_pitch
                voice[start + 1 : end] = HOLD
    return rolls.reshape(len(phrase.tracks), bars, bar_steps).transpose(1, 0, 2)


def phrase_of_rolls(
    rolls: NDArray[np.integer],
    steps_per_beat: int = 4,
    *,
    lowest_pitch: int = LOWEST_PITCH,
    bpm: float = 120.0,
    meter: tuple[int, int] = (4, 4),
    programs: tuple[int, ...] = (),
    are_drums: tuple[bool, ...] = (),
) -> Phrase:
    """Turn bars of voices into a phrase; a hold after a rest is silent.

    Parameters
    ----------
    rolls
        Integers, shape (bars, tracks, steps in a bar), as `rolls_of` makes them.
    programs, are_drums
        One for each track; a piano where they are too few.
    steps_per_beat
        Steps to a quarter note.
    lowest_pitch
        MIDI number of the first pitch.
    bpm
        Quarter notes per minute.
    meter
        Beats in a bar and their unit.
    """
    bars, voices, bar_steps = rolls.shape
    lines = rolls.transpose(1, 0, 2).reshape(voices, bars * bar_steps)
    notes = [_notes_of_line(line, steps_per_beat, lowest_pitch) for line in lines]
    tracks = _tracks(notes, programs, are_drums)
    length_beats = bars * bar_steps / steps_per_beat
    return Phrase(tracks, length_beats, (Tempo(0.0, bpm),), (Meter(0.0, *meter),))


def pitch_rolls_of(
    phrase: Phrase,
    steps_per_beat: int = 4,
    *,
    lowest_pitch: int = LOWEST_PITCH,
    pitches: int = PITCHES,
) -> tuple[PitchRolls, PitchRolls]:
    """Write which pitches sound and which begin.

    Parameters
    ----------
    steps_per_beat
        Steps to a quarter note.
    lowest_pitch
        MIDI number of the first pitch.

    Returns
    -------
    sounding, onsets
        Both bool, shape (tracks, steps, pitches), from the phrase's beginning to its end.
    """
    steps = ceil(phrase.length_beats * steps_per_beat - _NEARLY)
    sounding = np.zeros((len(phrase.tracks), steps, pitches), dtype=np.bool_)
    onsets = np.zeros_like(sounding)
    for number, track in enumerate(phrase.tracks):
        for note in track.notes:
            start, end = _steps(note, steps_per_beat)
            row = note.pitch - lowest_pitch
            if start < steps and 0 <= row < pitches:
                sounding[number, start:end, row] = True
                onsets[number, start, row] = True
    return sounding, onsets


def phrase_of_pitch_rolls(
    sounding: PitchRolls,
    onsets: PitchRolls | None = None,
    steps_per_beat: int = 4,
    *,
    lowest_pitch: int = LOWEST_PITCH,
    bpm: float = 120.0,
    meter: tuple[int, int] = (4, 4),
    programs: tuple[int, ...] = (),
    are_drums: tuple[bool, ...] = (),
) -> Phrase:
    """Turn sounding pitches into a phrase; without `onsets` neighbours in time are one note.

    Parameters
    ----------
    sounding, onsets
        bool, shape (tracks, steps, pitches); an onset counts only where the pitch sounds.
    steps_per_beat
        Steps to a quarter note.
    lowest_pitch
        MIDI number of the first pitch.
    bpm
        Quarter notes per minute.
    meter
        Beats in a bar and their unit.
    programs, are_drums
        One for each track.
    """
    before = np.zeros_like(sounding)
    before[:, 1:] = sounding[:, :-1]
    begins = sounding & ~before if onsets is None else sounding & (onsets | ~before)
    notes = [
        _notes_of_pitches(*track, steps_per_beat, lowest_pitch)
        for track in zip(sounding, begins, strict=True)
    ]
    tracks = _tracks(notes, programs, are_drums)
    length_beats = sounding.shape[1] / steps_per_beat
    return Phrase(tracks, length_beats, (Tempo(0.0, bpm),), (Meter(0.0, *meter),))


def steps_in_bar(bar_beats: float, steps_per_beat: int) -> int:
    """Return how many steps the nearest whole bar has."""
    return max(1, round(bar_beats * steps_per_beat))


def _steps(note: Note, steps_per_beat: int) -> tuple[int, int]:
    start = round(note.start_beats * steps_per_beat)
    return start, start + max(1, round(note.length_beats * steps_per_beat))


def _release(voice: VoiceRolls, start: int) -> None:
    """Silence what an earlier note holds from `start` on."""
    held = start
    while held < len(voice) and voice[held] != REST:
        voice[held] = REST
        held += 1


def _notes_of_line(
    line: NDArray[np.integer], steps_per_beat: int, lowest_pitch: int
) -> tuple[Note, ...]:
    edges = [*np.flatnonzero(line != HOLD).tolist(), len(line)]
    return tuple(
        Note(
            start / steps_per_beat,
            int(line[start]) - FIRST_PITCH + lowest_pitch,
            (end - start) / steps_per_beat,
        )
        for start, end in pairwise(edges)
        if line[start] >= FIRST_PITCH
    )


def _notes_of_pitches(
    sounding: PitchRolls, begins: PitchRolls, steps_per_beat: int, lowest_pitch: int
) -> tuple[Note, ...]:
    notes = []
    for start, row in np.argwhere(begins).tolist():
        later = np.flatnonzero(begins[start + 1 :, row] | ~sounding[start + 1 :, row])
        steps = int(later[0]) + 1 if len(later) else len(sounding) - start
        notes.append(Note(start / steps_per_beat, row + lowest_pitch, steps / steps_per_beat))
    return tuple(notes)


def _tracks(
    notes: list[tuple[Note, ...]], programs: tuple[int, ...], are_drums: tuple[bool, ...]
) -> tuple[Track, ...]:
    return tuple(
        Track(
            some,
            program=programs[number] if number < len(programs) else 0,
            is_drum=number < len(are_drums) and are_drums[number],
        )
        for number, some in enumerate(notes)
    )
