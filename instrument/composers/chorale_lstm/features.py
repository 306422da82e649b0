"""What a chorale network is told about the past of four voices.

In: a `Past` and the voices already placed in the next frame. Out: float32 vectors, mostly zeros
and ones. Within a frame the voices are placed one after another, and every pitch here is an
interval to the last pitch of the voice being placed, to another voice or to the piece's first bass
note: but for the few numbers that tell a voice's register, the same music in another key gives the
same vectors.

Training and the live host call the same functions; nothing depends on frames to come.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from instrument.composers.chorale_lstm.state import (
    CENTRES,
    FADING,
    FRAMES_PER_BEAT,
    LARGEST_LEAP,
    MOVES,
    TURNS,
    VOICE_COUNT,
    Past,
    Voices,
    begin,
    move_of,
)

ORDER = (0, 3, 1, 2)
"""Who is placed first: the soprano, so that a given melody is harmonised by the same chain rule."""

Vector = NDArray[np.float32]

_WIDE, _NARROW = 36, 13  # semitones beyond which intervals between and within voices are all alike
_WIDE_CLASSES, _NARROW_CLASSES = 2 * _WIDE + 2, 2 * _NARROW + 2  # the last one: a rest
_AGES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24)
_MATCHES = (2, 4, 6, 8, 12, 16, 24)
_BAR_FRAMES = 24
_LEAPS = np.arange(-LARGEST_LEAP, LARGEST_LEAP + 1)
_LOWEST, _PITCHES = 34, 52

RELATION_SIZES = (_WIDE_CLASSES,) * 6 + (13, _PITCHES)
"""How many classes each row of `relations` has: four voices, two former pitches, degree, pitch."""


class _Hot:
    """Ones to be set in a vector, block after block."""

    def __init__(self) -> None:
        self.ones: list[int] = []
        self.size = 0

    def block(self, size: int, *indices: int) -> None:
        """Add a block; indices outside it set nothing."""
        self.ones += [self.size + index for index in indices if 0 <= index < size]
        self.size += size

    def vector(self, *numbers: NDArray[np.floating] | list[float]) -> Vector:
        """Return the blocks as one vector, followed by plain numbers."""
        hot = np.zeros(self.size, np.float32)
        hot[self.ones] = 1
        return np.concatenate([hot, *(np.asarray(n, np.float32).reshape(-1) for n in numbers)])


def frame_vector(past: Past) -> Vector:
    """Describe the last frame, and where in the bar the next one lies.

    Returns
    -------
    ndarray
        float32, shape (FRAME_FEATURES,).
    """
    hot, last = _Hot(), past.last
    for voice, pitch in enumerate(last):
        sounds = pitch >= 0
        hot.block(13, (pitch - past.anchor) % 12 if sounds else 12)
        hot.block(12, (pitch - last[3]) % 12 if sounds and last[3] >= 0 else -1)
        moved = past.ages[voice] == 1
        hot.block(_NARROW_CLASSES, _step(past.turns[voice][0], past.heard[voice]) if moved else -1)
        hot.block(len(_AGES), _age(past.ages[voice]))
        hot.block(len(_AGES), _age(past.spans[voice][0]))
    _tell_meter(hot, past)
    _tell_lookback(hot, past)
    heights = [(pitch - centre) / 12 for pitch, centre in zip(past.heard, CENTRES, strict=True)]
    return hot.vector(heights, past.habits)


def voice_vector(past: Past, voice: int, placed: Voices) -> Vector:
    """Describe what the next pitch of one voice depends on, as intervals to its last pitch.

    Parameters
    ----------
    voice
        0 soprano .. 3 bass.
    placed
        This frame's four pitches; only those of voices before `voice` in `ORDER` are read.

    Returns
    -------
    ndarray
        float32, shape (VOICE_FEATURES,).
    """
    hot, own = _Hot(), past.heard[voice]
    done = ORDER[: ORDER.index(voice)]
    hot.block(VOICE_COUNT, voice)
    for other in range(VOICE_COUNT):
        last, now = past.last[other], placed[other] if other in done else past.last[other]
        hot.block(_WIDE_CLASSES, _interval(now, own, _WIDE))
        hot.block(12, (now - own) % 12 if now >= 0 else -1)
        hot.block(12, (last - own) % 12 if last >= 0 else -1)
        hot.block(_NARROW_CLASSES, _motion(past, other, now) if other in done else -1)
        hot.block(1, 0 if other in done and now == last else -1)
        former = past.turns[other][0] if past.spans[other][0] else None
        hot.block(_NARROW_CLASSES, -1 if former is None else _step(former, past.heard[other]))
    hot.block(12, *{(placed[other] - own) % 12 for other in done if placed[other] >= 0})
    for pitch, span in zip(past.turns[voice], past.spans[voice], strict=True):
        hot.block(_NARROW_CLASSES, _step(pitch, own) if span else -1)
    hot.block(len(_AGES), _age(past.ages[voice]))
    hot.block(len(_AGES), _age(past.spans[voice][0]))
    hot.block(12, (past.anchor - own) % 12 if past.anchor >= 0 else -1)
    for runs in (past.runs, past.echoes):
        _tell_memory(hot, past, runs, voice, placed)
    height = (own - CENTRES[voice]) / 12
    chroma = past.chroma[:, (np.arange(12) + own) % 12]
    return hot.vector(chroma, [height, height * height, max(height, 0.0), max(-height, 0.0)])


def relations(past: Past, voice: int, placed: Voices) -> NDArray[np.int64]:
    """Say how each leap of one voice would lie to what else sounds.

    Returns
    -------
    ndarray
        int64, shape (RELATIONS, 49): for every leap -24..24, the class (0..73, 73 = a rest) of the
        interval to soprano, alto, tenor and bass (placed already, or as they were; a rest for the
        voice itself) and to the voice's two former pitches, then the pitch class over the anchor
        (12 = no anchor yet) and the pitch (0..51 for 34..85).
    """
    reached = past.heard[voice] + _LEAPS
    done = ORDER[: ORDER.index(voice)]
    sounding = [placed[v] if v in done else past.last[v] for v in range(VOICE_COUNT)]
    sounding[voice] = -1
    others = np.array([*sounding, *past.turns[voice][:2]])[:, None]
    away = np.clip(reached - others, -_WIDE, _WIDE) + _WIDE
    rows = np.empty((len(RELATION_SIZES), len(_LEAPS)), np.int64)
    rows[:6] = np.where(others >= 0, away, _WIDE_CLASSES - 1)
    rows[6] = (reached - past.anchor) % 12 if past.anchor >= 0 else 12
    rows[7] = np.clip(reached - _LOWEST, 0, _PITCHES - 1)
    return rows


def _interval(pitch: int, reference: int, reach: int) -> int:
    return max(-reach, min(reach, pitch - reference)) + reach if pitch >= 0 else 2 * reach + 1


def _step(pitch: int, reference: int) -> int:
    return _interval(pitch, reference, _NARROW)


def _motion(past: Past, voice: int, pitch: int) -> int:
    return -1 if pitch == past.last[voice] else _step(pitch, past.heard[voice])


def _age(frames: int) -> int:
    return bisect_right(_AGES, frames) - 1


def _tell_meter(hot: _Hot, past: Past) -> None:
    """Tell where in the bar, the beat and the piece the next frame lies."""
    bar, frame = divmod(len(past.frames) - past.pickup_frames, past.bar_frames)
    hot.block(_BAR_FRAMES, min(frame, _BAR_FRAMES - 1))
    hot.block(FRAMES_PER_BEAT, frame % FRAMES_PER_BEAT)
    hot.block(3, {16: 0, 12: 1}.get(past.bar_frames, 2))
    hot.block(4, bar % 4)
    hot.block(3, min(bar, 1) + 1)  # upbeat, first bar, later; a bar's number only betrays the piece


def _tell_lookback(hot: _Hot, past: Past) -> None:
    """Tell which voices moved one and two beats, one and two bars before the next frame."""
    lags = (FRAMES_PER_BEAT, 2 * FRAMES_PER_BEAT, past.bar_frames, 2 * past.bar_frames)
    for lag in lags:
        then = len(past.frames) - lag
        if then >= 1:
            moved = np.flatnonzero(past.frames[then] != past.frames[then - 1]).tolist()
            hot.block(VOICE_COUNT, *moved)
        else:
            hot.block(VOICE_COUNT)


def _tell_memory(
    hot: _Hot, past: Past, runs: NDArray[np.int64], voice: int, placed: Voices
) -> None:
    """Tell what the voice did when the piece last came this way, and how long the ways agree.

    Followed is the latest of the longest runs that led to a frame which agrees with the voices
    already placed.
    """
    move, length = -1, 0
    if len(runs) > 1:
        alike = runs[:-1]
        for other in ORDER[: ORDER.index(voice)]:
            alike = alike * (past.frames[1:, other] == placed[other])
        source = len(alike) - 1 - int(alike[::-1].argmax())
        length = int(alike[source])
        if length >= _MATCHES[0]:
            move = move_of(past, voice, int(past.frames[source + 1, voice]))
    hot.block(MOVES, move)
    hot.block(len(_MATCHES), *range(bisect_right(_MATCHES, length)))


_NOTHING = (-1,) * VOICE_COUNT
FRAME_FEATURES = len(frame_vector(begin(4, 0)))
VOICE_FEATURES = len(voice_vector(begin(4, 0), 0, _NOTHING))
RELATIONS, LEAPS = len(RELATION_SIZES), len(_LEAPS)

assert TURNS >= 2 and len(FADING) == 3
