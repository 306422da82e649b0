"""Windows of bars for MuseGAN: what all tracks do at every step, in a key drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.composers.transposing import scale_of
from instrument.errors import SettingError
from instrument.music.note import Phrase
from instrument.music.piano_rolls import FIRST_PITCH, HOLD, REST, pitch_rolls_of, rolls_of
from training.data.symbolic.corpus import Piece
from training.musegan.size import MuseSize

Bars = NDArray[np.int64]
"""Classes (windows, tracks, bars, steps): 0 rest, 1 hold, 2 and more the pitch that starts. Or, of
polyphonic tracks, rolls (windows, tracks, bars, steps, pitches) of 0 and 1."""


@dataclass(frozen=True, slots=True)
class BarWindows:
    """All windows of a few bars of some pieces.

    Attributes
    ----------
    bars
        See `Bars`. A note that sounds on into a window starts there.
    lowest, highest
        How far each window may be transposed, in semitones, shape (windows,).
    is_drum
        Which tracks are never transposed, shape (windows, tracks).
    """

    bars: Bars
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    is_drum: NDArray[np.bool_]

    def draw(self, count: int, random: np.random.Generator, reach: int = 0) -> Bars:
        """Draw windows, transposed by at most `reach` semitones within the range of pitches."""
        rows = random.integers(len(self.bars), size=count)
        low = np.clip(self.lowest[rows], -reach, 0)
        high = np.clip(self.highest[rows], 0, reach)
        shift = random.integers(low, high + 1)
        by_track = np.where(self.is_drum[rows], 0, shift[:, None])
        drawn = self.bars[rows]
        if drawn.ndim == 4:
            return np.where(drawn >= FIRST_PITCH, drawn + by_track[:, :, None, None], drawn)
        for window, shifts in zip(drawn, by_track, strict=True):
            for track, semitones in enumerate(shifts):
                window[track] = np.roll(window[track], semitones, axis=-1)
        return drawn


def bar_windows(pieces: Sequence[Piece], size: MuseSize) -> BarWindows:
    """Cut pieces of the right meter and number of tracks into windows, one from every bar.

    Raises
    ------
    SettingError
        No piece fits.
    """
    windows, drums = [], []
    length = size.previous_bars + size.bars
    for piece in pieces:
        if not _fits(piece, size):
            continue
        phrase = piece.phrase()
        bars = bars_of(phrase.transposed(scale_shift(phrase, size)), size)
        for at in range(bars.shape[1] - length + 1):
            window = _settled(bars, at, length)
            if _has_enough(window):
                windows.append(window)
                drums.append(piece.is_drum)
    if not windows:
        raise SettingError(
            f"no piece of the corpus has {size.tracks} tracks and {length} bars of {size.steps} "
            "steps",
            "Choose another corpus, or a recipe for it.",
        )
    whole, is_drum = np.stack(windows), np.array(drums)
    lowest, highest = _reach(whole, is_drum, size.pitches)
    return BarWindows(whole, lowest, highest, is_drum)


def bars_of(phrase: Phrase, size: MuseSize) -> Bars:
    """Return a phrase's bars by track: classes (tracks, bars, steps), or rolls with pitches."""
    per_beat = round(size.steps / phrase.bar_beats)
    if size.head == "categorical":
        rolls = rolls_of(phrase, per_beat, lowest_pitch=size.lowest_pitch, pitches=size.pitches)
        return rolls.transpose(1, 0, 2)
    sounding, _ = pitch_rolls_of(
        phrase, per_beat, lowest_pitch=size.lowest_pitch, pitches=size.pitches
    )
    bars = sounding.shape[1] // size.steps
    whole = sounding[:, : bars * size.steps].astype(np.int64)
    return whole.reshape(len(phrase.tracks), bars, size.steps, size.pitches)


def prompted_bars(prompt: Phrase, size: MuseSize) -> Bars:
    """Put a prompt where it is given: its end before the new bars, or its first track beside them.

    Returns
    -------
    Bars
        Of one window; what is not given rests.
    """
    lines = bars_of(prompt, size)
    whole = np.zeros(
        (size.tracks, size.previous_bars + size.bars, size.steps, *lines.shape[3:]), np.int64
    )
    if size.previous_bars:
        before = lines[: size.tracks, -size.previous_bars :]
        whole[: len(before), size.previous_bars - before.shape[1] : size.previous_bars] = before
    elif size.given_track >= 0:
        given = lines[0, : size.bars]
        whole[size.given_track, : len(given)] = given
    return whole


def scale_shift(phrase: Phrase, size: MuseSize) -> int:
    """Return the semitones that bring a phrase into the one scale, in range and near if possible.

    0 where any scale will do.
    """
    if not size.in_one_scale or not phrase.notes:
        return 0
    nearest = -scale_of(phrase.notes)
    pitches = [note.pitch for note in phrase.notes]
    top = size.lowest_pitch + size.pitches - 1
    for up in sorted((nearest, nearest - 12, nearest + 12), key=abs):
        if min(pitches) + up >= size.lowest_pitch and max(pitches) + up <= top:
            return up
    return nearest


def _fits(piece: Piece, size: MuseSize) -> bool:
    per_beat = size.steps / piece.bar_beats
    is_whole = abs(per_beat - round(per_beat)) < 1e-6 and round(per_beat) % 4 == 0
    return len(piece.programs) == size.tracks and is_whole and len(piece.pitch) > 0


def _has_enough(window: Bars) -> bool:
    """Keep windows in which every voice sings, or of a band at least two tracks play."""
    if window.ndim == 3:
        return bool((window >= FIRST_PITCH).any(axis=(1, 2)).all())
    return int(window.any(axis=(1, 2, 3)).sum()) >= 2


def _reach(
    whole: Bars, is_drum: NDArray[np.bool_], pitches: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how far windows may go down and up."""
    if whole.ndim == 4:
        sounds = whole >= FIRST_PITCH
        pitch = whole - FIRST_PITCH
        low = np.where(sounds, pitch, pitches).min(axis=(1, 2, 3))
        high = np.where(sounds, pitch, 0).max(axis=(1, 2, 3))
        return -low, pitches - 1 - high
    sounds = whole.any(axis=(2, 3)) & ~is_drum[:, :, None]
    used: NDArray[np.bool_] = np.any(sounds, axis=1)  # (windows, pitches)
    is_used = np.any(used, axis=1)
    low = np.where(is_used, used.argmax(axis=1), 0)
    high = np.where(is_used, used[:, ::-1].argmax(axis=1), 0)
    return -low, high


def _settled(bars: Bars, at: int, length: int) -> Bars:
    """Cut a window; a note that is held over its first bar line starts there."""
    window = bars[:, at : at + length].copy()
    if window.ndim == 3:
        for track, line in enumerate(bars[:, :at].reshape(len(bars), -1)):
            if window[track, 0, 0] == HOLD:
                starts = np.flatnonzero(line != HOLD)
                window[track, 0, 0] = line[starts[-1]] if starts.size else REST
    return window
