"""A piece in another rhythm, the same from its first bar to its last.

In: a piece. Out: its notes with the beats of every bar stretched, dotted and divided in one way,
and often fewer voices. Who learns from these takes up the rhythm that it hears instead of the
corpus's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from instrument.music.note import Note
from training.data.symbolic.corpus import Piece

Cell = tuple[float, ...]
"""Where in its beat a note is struck, 0 to 1."""
PLAIN: Cell = (0.0,)
_SIMPLE: tuple[Cell, ...] = (
    (0.0, 0.5), (0.0, 0.5), (0.0, 0.75), (0.0, 0.25), (0.0, 0.5, 0.75), (0.0, 0.25, 0.5, 0.75),
    (0.0, 1 / 3, 2 / 3), (0.0, 2 / 3), (0.5,),
)  # fmt: skip
_COMPOUND: tuple[Cell, ...] = ((0.0, 2 / 3), (0.0, 1 / 3, 2 / 3), (0.0, 1 / 3))
_SCALE_SIZE = 7


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What becomes of a bar.

    Attributes
    ----------
    bar_beats
        Of a bar as it was.
    beat
        How long a beat becomes, in quarter notes: 0.5, 1, or 1.5 (a dotted quarter).
    middle
        Where the second of two beats comes to, 0 to 2; 1 leaves it.
    cells
        For each beat of a bar, what a note of a beat or more becomes that begins on it.
    moves
        Whether the strikes of a cell lead by step to the next note; else they repeat theirs, and
        all voices are struck together.
    """

    bar_beats: float
    beat: float
    middle: float
    cells: tuple[Cell, ...]
    moves: bool

    @classmethod
    def draw(cls, bar_beats: float, random: np.random.Generator) -> Rhythm:
        """Draw a rhythm for bars of so many beats."""
        beat = float(random.choice((0.5, 1.0, 1.0, 1.5)))
        kinds = _COMPOUND if beat == 1.5 else _SIMPLE
        two = (PLAIN, kinds[random.integers(len(kinds))], kinds[random.integers(len(kinds))])
        picked = random.choice(3, size=int(np.ceil(bar_beats)), p=(0.3, 0.5, 0.2))
        is_dotted = beat == 1.0 and random.random() < 0.25
        middle = float(random.choice((0.5, 1.5, 1.5))) if is_dotted else 1.0
        cells = tuple(two[index] for index in picked)
        return cls(bar_beats, beat, middle, cells, bool(random.random() < 0.7))

    @property
    def new_bar_beats(self) -> float:
        """How long a bar becomes: two of 2/4 are one of 4/4, and 12/8 is two of 6/8."""
        bar = self.bar_beats * max(self.beat, 1.0)
        return bar / 2.0 if bar == 6.0 and self.beat == 1.5 else bar

    def place(self, beats: float) -> float:
        """Return where a place comes to, in quarter notes from the first bar line; both signed."""
        bar, within = divmod(beats, self.bar_beats)
        pair, part = divmod(within, 2.0)
        if 2.0 * pair + 2.0 <= self.bar_beats:
            part = part * self.middle if part < 1.0 else 2.0 - (2.0 - part) * (2.0 - self.middle)
        return self.beat * (bar * self.bar_beats + 2.0 * pair + part)


def in_rhythm(piece: Piece, rhythm: Rhythm, voices: Sequence[int]) -> tuple[list[Note], float]:
    """Return the voices' notes in a rhythm, and their pickup in beats; the first voice leads."""
    steps = _steps(piece)
    notes: list[Note] = []
    begin = rhythm.place(-piece.pickup_beats)
    for voice in voices:
        line = _line(piece, voice)
        if voice == voices[0] or not rhythm.moves:
            line = _divided(line, piece.pickup_beats, rhythm, steps)
        for note in line:
            start = rhythm.place(note.start_beats - piece.pickup_beats)
            end = rhythm.place(note.end_beats - piece.pickup_beats)
            notes.append(Note(start - begin, note.pitch, end - start, note.velocity))
    return notes, max(0.0, -begin)


def some_voices(piece: Piece, random: np.random.Generator) -> list[int]:
    """Draw which voices stay: all, the highest alone, any one, or two; the leading one first."""
    sounding: list[int] = np.unique(piece.voice).tolist()
    kind = random.choice(4, p=(0.4, 0.25, 0.15, 0.2))
    if kind == 0 or len(sounding) < 2:
        return sounding
    if kind == 1:
        return sounding[:1]
    chosen: list[int] = random.choice(sounding, size=kind - 1, replace=False).tolist()
    return sorted(chosen)


def _line(piece: Piece, voice: int) -> list[Note]:
    rows = np.flatnonzero(piece.voice == voice)
    return [
        Note(
            float(piece.start_beats[row]),
            int(piece.pitch[row]),
            float(piece.length_beats[row]),
            int(piece.velocity[row]),
        )
        for row in rows
    ]


def _divided(
    line: Sequence[Note], pickup: float, rhythm: Rhythm, steps: Sequence[int]
) -> list[Note]:
    cut: list[Note] = []
    for note, then in zip(line, [*line[1:], None], strict=True):
        beat = (note.start_beats - pickup) % rhythm.bar_beats
        if beat % 1.0 or note.length_beats < 1.0:
            cut.append(note)
            continue
        cell = rhythm.cells[int(beat)]
        pitches = [note.pitch] * len(cell)
        if then and rhythm.moves:
            pitches = _led(note.pitch, then.pitch, cell, steps)
        ends = [*(note.start_beats + place for place in cell[1:]), note.end_beats]
        for place, pitch, end in zip(cell, pitches, ends, strict=True):
            start = note.start_beats + place
            cut.append(Note(start, pitch, end - start, note.velocity))
    return cut


def _led(pitch: int, aim: int, cell: Cell, steps: Sequence[int]) -> list[int]:
    """Return a pitch for each strike: on the way to another by the scale, never one twice."""
    led = [pitch]
    for place in cell[1:]:
        wanted = pitch + (aim - pitch) * (place - cell[0])
        led.append(min(steps, key=lambda step: (step == led[-1], abs(step - wanted))))
    return led


def _steps(piece: Piece) -> list[int]:
    """Return the pitches, in the piece's range, of the seven pitch classes that sound longest."""
    weights = np.bincount(piece.pitch % 12, piece.length_beats, minlength=12)
    own = set(weights.argsort()[-_SCALE_SIZE:].tolist())
    return [p for p in range(int(piece.pitch.min()), int(piece.pitch.max()) + 1) if p % 12 in own]
