"""What four voices have sung so far, and the moves they can make next.

In: frames of four pitches (soprano, alto, tenor, bass; MIDI numbers, -1 = rest), one by one. Out:
an immutable `Past`, so keeping one keeps that moment; and a voice's next pitch as one of 51 moves
from its own last pitch, which makes the same music in another key the same moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.music.chorale_frames import REST
from instrument.music.pitch import PERFECT

VOICE_COUNT = 4
FRAMES_PER_BEAT = 4
HOLD, FALL_SILENT, LARGEST_LEAP = 0, 1, 24
STAY = 2 + LARGEST_LEAP  # a leap of 0 semitones, possible only out of a rest
MOVES = 2 + 2 * LARGEST_LEAP + 1

CENTRES = (70, 64, 58, 50)  # a voice that has not sung yet moves from here
TURNS = 4
FADING = np.array([0.8, 0.95, 0.99])  # of pitch classes, per frame: about a beat, a bar, a phrase
_HABITS = np.array([0.6, 0.9])  # of movement, per beat

Pitches = NDArray[np.int64]
Voices = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What four voices have sung up to a frame. All tuples have one entry for each voice.

    Attributes
    ----------
    bar_frames, pickup_frames
        Frames in a bar and before the first bar line.
    frames
        int64, shape (t, 4): everything so far.
    last, heard
        The last frame, and each voice's last pitch, also through rests; before it first sings, the
        middle of its register.
    ages
        Frames since each voice moved.
    turns, spans
        Each voice's four former values (pitch or -1), newest first, and how many frames each
        lasted (0 = there was none).
    chroma
        float64, shape (3, 12): pitch classes heard, fading at three speeds.
    habits
        float64, shape (2, 4, 4): how often each voice moved on each sixteenth of the beat.
    anchor
        Pitch class of the first bass note, -1 before it.
    runs, echoes
        int64, shape (t,): for each earlier frame, how many frames up to it are the same as those up
        to now; and the same for the soprano alone.
    """

    bar_frames: int
    pickup_frames: int
    frames: Pitches
    last: Voices
    heard: Voices
    ages: Voices
    turns: tuple[Voices, ...]
    spans: tuple[Voices, ...]
    chroma: NDArray[np.float64]
    habits: NDArray[np.float64]
    anchor: int
    runs: Pitches
    echoes: Pitches


def begin(bar_beats: float, pickup_beats: float) -> Past:
    """Give the past of a piece that has not begun.

    Parameters
    ----------
    bar_beats
        Quarter notes in a bar.
    pickup_beats
        Quarter notes before the first bar line.
    """
    nothing = (REST,) * VOICE_COUNT
    return Past(
        bar_frames=max(1, round(bar_beats * FRAMES_PER_BEAT)),
        pickup_frames=round(pickup_beats * FRAMES_PER_BEAT),
        frames=np.empty((0, VOICE_COUNT), np.int64),
        last=nothing,
        heard=CENTRES,
        ages=(0,) * VOICE_COUNT,
        turns=((REST,) * TURNS,) * VOICE_COUNT,
        spans=((0,) * TURNS,) * VOICE_COUNT,
        chroma=np.zeros((len(FADING), 12)),
        habits=np.zeros((len(_HABITS), VOICE_COUNT, FRAMES_PER_BEAT)),
        anchor=-1,
        runs=np.empty(0, np.int64),
        echoes=np.empty(0, np.int64),
    )


def advance(past: Past, frame: Voices) -> Past:
    """Give the past after one more frame of four pitches (or -1)."""
    moved = tuple(new != old for new, old in zip(frame, past.last, strict=True))
    turns, spans = _turned(past, moved)
    sounding = [pitch % 12 for pitch in frame if pitch >= 0]
    return replace(
        past,
        frames=np.concatenate([past.frames, np.array([frame], np.int64)]),
        last=frame,
        heard=tuple(new if new >= 0 else old for new, old in zip(frame, past.heard, strict=True)),
        ages=tuple(1 if has else age + 1 for has, age in zip(moved, past.ages, strict=True)),
        turns=turns,
        spans=spans,
        chroma=_faded(past.chroma, sounding),
        habits=_practised(past, moved),
        anchor=sounding[-1] if past.anchor < 0 and sounding else past.anchor,
        runs=_lengthened(past.runs, (past.frames == frame).all(axis=1)),
        echoes=_lengthened(past.echoes, past.frames[:, 0] == frame[0]),
    )


def move_of(past: Past, voice: int, pitch: int) -> int:
    """Give the class of a voice's next pitch, 0..50; -1 for a leap of more than two octaves."""
    if pitch == past.last[voice]:
        return HOLD
    if pitch < 0:
        return FALL_SILENT
    leap = pitch - past.heard[voice]
    return STAY + leap if abs(leap) <= LARGEST_LEAP else -1


def pitch_of(past: Past, voice: int, move: int) -> int:
    """Give the pitch (or -1) that a move leads to.

    Parameters
    ----------
    voice
        0 soprano to 3 bass.
    move
        A class of `move_of`, 0..50.
    """
    if move == HOLD:
        return past.last[voice]
    return REST if move == FALL_SILENT else past.heard[voice] + move - STAY


def possible_moves(past: Past, voice: int) -> NDArray[np.bool_]:
    """Say which moves have a meaning of their own and end in 0..127: bool, shape (51,).

    A voice that sings cannot move by 0 semitones (that is holding), one that rests cannot fall
    silent.

    Parameters
    ----------
    past
        All frames until now, and the voices that are placed in this one.
    """
    possible = np.ones(MOVES, np.bool_)
    possible[FALL_SILENT if past.last[voice] < 0 else STAY] = False
    lowest, highest = STAY - past.heard[voice], STAY + 127 - past.heard[voice]
    possible[2 : max(2, lowest)] = False
    possible[highest + 1 :] = False
    return possible


def harshness(past: Past, voice: int, placed: Sequence[int]) -> NDArray[np.float32]:
    """Return what speaks against a voice's moves: float32, shape (51,), 0 and more.

    A semitone, in some octave, from another voice counts 1 where it is moved to, or held on a
    beat; parallel fifths, octaves and primes count 3.

    Parameters
    ----------
    past
        All frames until now.
    voice
        0 soprano to 3 bass.
    placed
        What the four voices sing now; -1 for those that rest, or are not placed yet.
    """
    mine = past.last[voice]
    pitches = past.heard[voice] + np.arange(MOVES) - STAY
    pitches[HOLD] = mine
    against = np.zeros(MOVES, np.float32)
    others = [(pitch, past.last[o]) for o, pitch in enumerate(placed) if o != voice and pitch >= 0]
    for pitch, before in others:
        clashes = np.isin((pitches - pitch) % 12, (1, 11))
        interval = (mine - before) % 12
        if min(mine, before) >= 0 and before != pitch and abs(mine - before) % 12 in PERFECT:
            against += 3.0 * (((pitches - pitch) % 12 == interval) & (pitches != mine))
        against = np.maximum(against, clashes)
    is_on_a_beat = (len(past.frames) - past.pickup_frames) % FRAMES_PER_BEAT == 0
    against[HOLD] *= is_on_a_beat and mine >= 0
    against[FALL_SILENT] = 0.0
    return against


def is_frozen(past: Past, placed: Sequence[int]) -> bool:
    """Tell whether a chord has not moved for two bars less a beat, nor moves now.

    Parameters
    ----------
    past
        All frames until now.
    placed
        What the four voices sing now; -1 for those that rest, or are not placed yet.
    """
    still = max(past.last) >= 0 and min(past.ages) >= 2 * past.bar_frames - FRAMES_PER_BEAT
    return still and all(
        pitch in (REST, last) for pitch, last in zip(placed, past.last, strict=True)
    )


def _turned(past: Past, moved: tuple[bool, ...]) -> tuple[tuple[Voices, ...], tuple[Voices, ...]]:
    """Remember what the voices that move leave behind."""
    turns, spans = list(past.turns), list(past.spans)
    for voice, has in enumerate(moved):
        if has:
            turns[voice] = (past.last[voice], *past.turns[voice][:-1])
            spans[voice] = (past.ages[voice], *past.spans[voice][:-1])
    return tuple(turns), tuple(spans)


def _faded(chroma: NDArray[np.float64], sounding: list[int]) -> NDArray[np.float64]:
    chroma = chroma * FADING[:, None]
    for pitch_class in sounding:
        chroma[:, pitch_class] += 1 - FADING
    return chroma


def _practised(past: Past, moved: tuple[bool, ...]) -> NDArray[np.float64]:
    sixteenth = (len(past.frames) - past.pickup_frames) % FRAMES_PER_BEAT
    habits = past.habits.copy()
    habits[:, :, sixteenth] += (1 - _HABITS[:, None]) * (moved - habits[:, :, sixteenth])
    return habits


def _lengthened(runs: Pitches, agree: NDArray[np.bool_]) -> Pitches:
    """Lengthen or end the runs of frames that agree with the latest, given who agrees now."""
    longer = np.zeros(len(runs) + 1, np.int64)
    longer[1:-1] = runs[:-1]
    longer[:-1] = np.where(agree, longer[:-1] + 1, 0)
    return longer
