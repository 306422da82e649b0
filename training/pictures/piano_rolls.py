"""Piano-roll pictures of phrases, for TensorBoard and the documentation.

In: phrases. Out: matplotlib figures of their own, without pyplot, so that nothing global is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from instrument.music.note import Phrase, Track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#000000")
"""Okabe and Ito's colours, which people with any colour vision tell apart; tracks cycle."""
_INCHES_PER_BEAT, _NARROWEST, _WIDEST = 0.35, 5.0, 16.0
_ROW_INCHES = 2.4
_MOST_BAR_LINES = 64


def draw_phrases(phrases: Mapping[str, Phrase]) -> Figure:
    """Draw phrases one below the other, each with its title.

    A bar is a note, tracks have colours, softer notes are paler; there are bar lines.

    Parameters
    ----------
    phrases
        Phrases by title, at least one; an empty one gives an empty grid.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    beats = max(phrase.length_beats for phrase in phrases.values())
    width = float(np.clip(beats * _INCHES_PER_BEAT, _NARROWEST, _WIDEST))
    figure = Figure(figsize=(width, _ROW_INCHES * len(phrases)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(phrases), 1, squeeze=False)
    for axes, (title, phrase) in zip(rows[:, 0], phrases.items(), strict=True):
        _draw(axes, phrase, title)
    return figure


def _draw(axes: Axes, phrase: Phrase, title: str) -> None:
    for index, track in enumerate(phrase.tracks):
        _draw_track(axes, track, _COLOURS[index % len(_COLOURS)])
    _draw_bar_lines(axes, phrase)
    if sum(bool(track.notes and track.name) for track in phrase.tracks) > 1:
        axes.legend(loc="upper right", fontsize="x-small", ncols=4, framealpha=0.6)
    lowest, highest = _pitch_range(phrase)
    octaves = range(12 * (lowest // 12), highest + 12, 12)
    axes.set_yticks(list(octaves), [f"C{pitch // 12 - 1}" for pitch in octaves])
    axes.set(xlim=(0, max(phrase.length_beats, 1e-3)), ylim=(lowest, highest), title=title)
    axes.set_xlabel("beats")


def _draw_track(axes: Axes, track: Track, colour: str) -> None:
    from matplotlib.colors import to_rgb

    if not track.notes:
        return
    velocity = np.array([note.velocity for note in track.notes])
    shades = np.column_stack(
        [np.tile(to_rgb(colour), (len(velocity), 1)), 0.35 + 0.65 * velocity / 127]
    )
    axes.barh(
        [note.pitch for note in track.notes],
        [note.length_beats for note in track.notes],
        left=[note.start_beats for note in track.notes],
        height=0.9,
        color=shades,
        edgecolor=colour,
        linewidth=0.4,
        label=track.name or None,
    )


def _draw_bar_lines(axes: Axes, phrase: Phrase) -> None:
    step = phrase.bar_beats
    first = phrase.pickup_beats % step
    while (phrase.length_beats - first) / step > _MOST_BAR_LINES:
        step *= 2
    for beat in np.arange(first, phrase.length_beats, step):
        axes.axvline(beat, color="0.75", linewidth=0.7, zorder=0)


def _pitch_range(phrase: Phrase) -> tuple[int, int]:
    """Leave two semitones around the notes, and show an octave at least."""
    pitches = [note.pitch for note in phrase.notes] or [60]
    lowest, highest = min(pitches) - 2, max(pitches) + 2
    spare = max(0, 12 - (highest - lowest))
    return lowest - spare // 2, highest + spare - spare // 2
