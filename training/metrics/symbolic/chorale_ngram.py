"""The counting baseline of four-part chorales: what every chorale network must beat.

In: frames of four pitches (soprano, alto, tenor, bass; MIDI numbers, -1 = rest), 4 per beat. Out:
log-probabilities, one per cell (frame and voice). The voices of a frame are placed one after the
other, and all pitches in the contexts are intervals to the last pitch of the voice being placed, so
that a key learned is every key learned. The probabilities of a voice's possible pitches (those of
its range in the training pieces, and rest) sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.composers.ngram.skip_ngram import Context, NgramMixture, best_weights
from instrument.music.chorale_frames import REST, frames_of
from training.data.symbolic.corpus import Piece

VOICES = 4
FRAMES_PER_BEAT = 4
ORDER = (3, 0, 1, 2)
"""Bass, soprano, alto, tenor: the best of five orders on the validation pieces."""

_REACH = 36
_SYMBOLS = 2 * _REACH + 2  # intervals of up to three octaves, and rest
_REST_SYMBOL = 2 * _REACH + 1
_CENTRES = (70, 64, 58, 50)  # where a voice that has not sung yet is measured from
_LONGEST_AGE = 8
_MARGIN = 2  # semitones beyond a voice's range in training that are still possible
_LEAST = 1e-12

Frames = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chorale:
    """Frames, int64 of shape (t, 4), and where the bar lines lie."""

    frames: Frames
    bar_beats: float = 4.0
    pickup_beats: float = 0.0

    @classmethod
    def of(cls, piece: Piece) -> Chorale:
        """Take the frames of a piece whose voices are soprano, alto, tenor, bass."""
        frames = frames_of(piece.phrase(), FRAMES_PER_BEAT).astype(np.int64)
        return cls(frames, piece.bar_beats, piece.pickup_beats)


@dataclass(slots=True)
class Cell:
    """One voice's place in one frame, and everything known when its pitch is chosen.

    Attributes
    ----------
    voice
        0 soprano .. 3 bass.
    phase
        Frames since the last beat, 0..3.
    own
        The voice's last pitch, also through rests.
    past
        The voice's pitches in the last 8 frames, newest first.
    age
        Frames since the voice moved, at most 8.
    turned
        The pitch that the voice had before its present one.
    placed, placed_before
        Pitches of the voices already placed in this frame, and those voices' pitches in the last.
    unplaced
        Pitches in the last frame of the voices placed later.
    """

    voice: int
    phase: int
    own: int
    past: list[int]
    age: int
    turned: int
    placed: list[int]
    placed_before: list[int]
    unplaced: list[int]

    def interval(self, pitch: int) -> int:
        """Return a pitch's distance from the voice's last; rest is a number of its own."""
        return pitch - self.own if pitch >= 0 else 1000

    def intervals(self, pitches: Iterable[int]) -> list[int]:
        """Return several distances."""
        return [self.interval(pitch) for pitch in pitches]

    def moved(self) -> list[int]:
        """Say which of the placed voices have moved."""
        pairs = zip(self.placed, self.placed_before, strict=True)
        return [int(now != before) for now, before in pairs]


def _by_frames(cell: Cell) -> Context:
    """Look at the previous frame: the simple skip n-gram."""
    return [
        cell.phase,
        cell.interval(cell.past[1]),
        *cell.intervals(reversed(cell.placed)),
        *cell.intervals(cell.placed_before),
        *cell.intervals(cell.unplaced),
    ]


def _by_motion(cell: Cell) -> Context:
    """Look at which voices have moved, and where the voice came from."""
    return [
        cell.phase,
        sum(moved << voice for voice, moved in enumerate(cell.moved())),
        *cell.intervals(reversed(cell.placed)),
        cell.interval(cell.turned),
        cell.age,
        *cell.intervals(cell.unplaced),
        *cell.intervals(cell.placed_before),
    ]


def _by_line(cell: Cell) -> Context:
    """Look at the voice's own line."""
    past = cell.past
    return [
        cell.phase,
        *cell.intervals([past[1], past[2], past[3], past[4], past[5], past[7]]),
        *cell.intervals(reversed(cell.placed)),
    ]


def _by_harmony(cell: Cell) -> Context:
    """Look at the pitch classes already there, without their octaves."""
    classes = {(pitch - cell.own) % 12 for pitch in cell.placed if pitch >= 0}
    return [
        sum(1 << pitch_class for pitch_class in classes),
        cell.phase,
        cell.interval(cell.turned),
        cell.interval(cell.past[1]),
    ]


def _by_voice_age(cell: Cell) -> Context:
    """Look at how long the voice has held and which other voices move."""
    return [cell.age, cell.phase, *cell.moved(), *cell.intervals(reversed(cell.placed))]


View = Callable[[Cell], Context]
SIMPLE: tuple[View, ...] = (_by_frames,)
FULL: tuple[View, ...] = (_by_frames, _by_motion, _by_line, _by_harmony, _by_voice_age)


class ChoraleNgram:
    """An n-gram for each voice.

    Parameters
    ----------
    views
        What the contexts look at: `SIMPLE`, the single nested context of the published figure, or
        `FULL`, the average of five.
    caution
        See `instrument.composers.ngram.skip_ngram.SkipNgram`.
    order
        In which the voices of a frame are placed.
    """

    def __init__(
        self,
        views: Sequence[View] = FULL,
        caution: float = 2.0,
        order: Sequence[int] = ORDER,
    ) -> None:
        self._views, self._order = tuple(views), tuple(order)
        self._voices = [
            NgramMixture(_SYMBOLS, [1.0] * len(self._views), caution) for _ in range(VOICES)
        ]
        self._lowest, self._highest = [127] * VOICES, [0] * VOICES

    def learn(self, chorale: Chorale) -> None:
        """Count one piece."""
        for cell, pitch in cells(chorale, self._order):
            if pitch >= 0:
                self._lowest[cell.voice] = min(self._lowest[cell.voice], pitch)
                self._highest[cell.voice] = max(self._highest[cell.voice], pitch)
            symbol = _symbol(cell, pitch)
            self._voices[cell.voice].learn([view(cell) for view in self._views], symbol)

    def tune(self, chorales: Sequence[Chorale]) -> None:
        """Choose each voice's shares of the views on validation pieces."""
        rows: list[list[NDArray[np.float64]]] = [[] for _ in range(VOICES)]
        for chorale in chorales:
            for cell, pitch in cells(chorale, self._order):
                rows[cell.voice].append(self._of_views(cell)[:, _symbol(cell, pitch)])
        for mixture, given in zip(self._voices, rows, strict=True):
            mixture.weights = best_weights(np.maximum(np.stack(given), _LEAST))

    def log_probabilities(self, chorale: Chorale) -> NDArray[np.float64]:
        """Return the log-probability of every cell, float64, shape (t, 4), nats.

        A pitch that the model takes for impossible, far outside the voice's range in training, is
        charged ln 1e-12.
        """
        found = np.empty(chorale.frames.shape)
        for index, (cell, pitch) in enumerate(cells(chorale, self._order)):
            average = self._voices[cell.voice].weights @ self._of_views(cell)
            chance = max(float(average[_symbol(cell, pitch)]), _LEAST)
            found[index // VOICES, cell.voice] = np.log(chance)
        return found

    def _of_views(self, cell: Cell) -> NDArray[np.float64]:
        """Return each view's distribution over the symbols, normalised over the possible ones."""
        possible = self._possible(cell)
        contexts = [view(cell) for view in self._views]
        prior = possible / possible.sum()
        given = self._voices[cell.voice].distributions(contexts, prior) * possible
        return np.asarray(given / given.sum(axis=1, keepdims=True))

    def _possible(self, cell: Cell) -> NDArray[np.float64]:
        symbols = np.arange(_SYMBOLS) + cell.own - _REACH
        lowest, highest = self._lowest[cell.voice], self._highest[cell.voice]
        possible = (symbols >= lowest - _MARGIN) & (symbols <= highest + _MARGIN)
        possible[_REST_SYMBOL] = True
        return possible.astype(np.float64)


def cells(chorale: Chorale, order: Sequence[int] = ORDER) -> Iterator[tuple[Cell, int]]:
    """Yield every cell in the order in which it is placed, with the pitch that came."""
    rows = [[int(pitch) for pitch in row] for row in chorale.frames]
    pickup = round(chorale.pickup_beats * FRAMES_PER_BEAT)
    pasts = [[REST] * _LONGEST_AGE for _ in range(VOICES)]
    own, ages, turned = list(_CENTRES), [0] * VOICES, [REST] * VOICES
    for time, row in enumerate(rows):
        for place, voice in enumerate(order):
            done, to_do = order[:place], order[place + 1 :]
            cell = Cell(
                voice=voice,
                phase=(time - pickup) % FRAMES_PER_BEAT,
                own=own[voice],
                past=pasts[voice],
                age=ages[voice],
                turned=turned[voice],
                placed=[row[other] for other in done],
                placed_before=[pasts[other][0] for other in done],
                unplaced=[pasts[other][0] for other in to_do],
            )
            yield cell, row[voice]
        for voice, pitch in enumerate(row):
            before = pasts[voice][0]
            ages[voice] = min(ages[voice] + 1, _LONGEST_AGE) if pitch == before else 0
            turned[voice] = turned[voice] if pitch == before else before
            own[voice] = pitch if pitch >= 0 else own[voice]
            pasts[voice] = [pitch, *pasts[voice][:-1]]


def changed(frames: Frames) -> NDArray[np.bool_]:
    """Say which cells differ from the frame before, shape (t, 4); all of the first frame do."""
    before = np.vstack([np.full((1, VOICES), -2), frames[:-1]])
    return np.asarray(frames != before)


def _symbol(cell: Cell, pitch: int) -> int:
    if pitch < 0:
        return _REST_SYMBOL
    return int(np.clip(pitch - cell.own, -_REACH, _REACH)) + _REACH
