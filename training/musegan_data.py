"""Windows of bars for MuseGAN: what all voices do at every step, in a key drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.errors import SettingError
from instrument.piano_rolls import FIRST_PITCH, HOLD, REST, rolls_of
from training.data.corpus import Piece
from training.musegan_network import MuseSize

Classes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BarWindows:
    """All windows of a few bars of some pieces.

    Attributes
    ----------
    classes
        int64, (windows, tracks, bars, steps): 0 rest, 1 hold, 2 and more the pitch that starts. A
        note that sounds on into a window starts there.
    lowest, highest
        How far each window may be transposed, in semitones.
    """

    classes: Classes
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]

    def draw(self, count: int, random: np.random.Generator, reach: int = 6) -> Classes:
        """Draw windows, transposed by at most `reach` semitones within the range of pitches."""
        rows = random.integers(len(self.classes), size=count)
        low = np.maximum(self.lowest[rows], -reach)
        high = np.minimum(self.highest[rows], reach - 1)
        shift = random.integers(low, np.maximum(high, low) + 1)
        drawn = self.classes[rows]
        return np.where(drawn >= FIRST_PITCH, drawn + shift[:, None, None, None], drawn)


def bar_windows(pieces: Sequence[Piece], size: MuseSize) -> BarWindows:
    """Cut pieces of the right meter and number of voices into windows, one from every bar.

    Raises
    ------
    SettingError
        No piece fits.
    """
    length = size.previous_bars + size.bars
    windows = [
        _settled(bars[at : at + length], _sounding_before(bars, at))
        for bars in (_bars(piece, size) for piece in pieces if _fits(piece, size))
        for at in range(len(bars) - length + 1)
    ]
    whole = [window for window in windows if (window >= FIRST_PITCH).any(axis=(1, 2)).all()]
    if not whole:
        raise SettingError(
            f"no piece of the corpus has {size.tracks} voices and {length} bars of {size.steps} "
            "steps",
            "Choose another corpus, or a recipe for it.",
        )
    classes = np.stack(whole)
    pitch = np.where(classes >= FIRST_PITCH, classes - FIRST_PITCH, -1)
    highest = size.pitches - 1 - pitch.max(axis=(1, 2, 3))
    lowest = -np.where(pitch < 0, size.pitches, pitch).min(axis=(1, 2, 3))
    return BarWindows(classes, lowest, highest)


def _fits(piece: Piece, size: MuseSize) -> bool:
    per_beat = size.steps / piece.bar_beats
    is_whole = abs(per_beat - round(per_beat)) < 1e-6 and round(per_beat) % 4 == 0
    in_range = (
        piece.pitch.min() >= size.lowest_pitch
        and piece.pitch.max() < size.lowest_pitch + size.pitches
    )
    return len(piece.programs) == size.tracks and is_whole and bool(in_range)


def _bars(piece: Piece, size: MuseSize) -> Classes:
    return rolls_of(
        piece.phrase(),
        round(size.steps / piece.bar_beats),
        lowest_pitch=size.lowest_pitch,
        pitches=size.pitches,
    )


def _sounding_before(bars: Classes, at: int) -> Classes:
    """Return for each track the class of the note that sounds at the end of the bar before."""
    tracks = bars.shape[1]
    lines = bars[:at].transpose(1, 0, 2).reshape(tracks, -1)
    sounding = np.zeros(tracks, np.int64)
    for track, line in enumerate(lines):
        last = np.flatnonzero(line != HOLD)
        sounding[track] = line[last[-1]] if last.size else REST
    return sounding


def _settled(bars: Classes, sounding: Classes) -> Classes:
    """Start what sounds on; return (tracks, bars, steps)."""
    window = bars.transpose(1, 0, 2).copy()
    is_held = window[:, 0, 0] == HOLD
    window[is_held, 0, 0] = sounding[is_held]
    return window
