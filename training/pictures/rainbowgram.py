"""Rainbowgrams and cycles: GANSynth's pictures of notes (Engel et al., 2019, figures 1 and 2).

In: notes at 16 kHz and their pitches. Out: matplotlib figures of their own, without pyplot, so that
nothing global is kept. A rainbowgram shows a constant-Q transform: how bright is the level, the
colour is how far the phase turns per window. A steady partial keeps its colour; where the phases of
a generated note do not fit together it is speckled. The cycles show the same in the waveform: those
of a true note lie on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from instrument.files import replacing_file
from instrument.music.pitch import pitch_to_hz
from training.audio.format import WAVE_RATE_HZ
from training.pictures.constant_q import ConstantQ, phase_turns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RANGE_DB = 70.0
_CYCLES, _POINTS = 24, 256
_FIRST_SECONDS = 0.75  # behind the attack
_COLUMN_INCHES = 3.0
_MOST_COLUMNS = 6

Picture = NDArray[np.float64]


def draw_rainbowgrams(
    notes: NDArray[np.float32], pitches: Sequence[int], titles: Sequence[str]
) -> Figure:
    """Draw notes side by side, six to a row: cycles above, the rainbowgram below.

    Parameters
    ----------
    notes
        float32, shape (n, frames), 16 kHz, full scale ±1; at least one.
    pitches
        MIDI pitch of each.
    titles
        What is written above each.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(len(notes), _MOST_COLUMNS)
    rows = -(-len(notes) // columns)
    figure = Figure(figsize=(_COLUMN_INCHES * columns, 4.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[1, 3] * rows)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (note, pitch, title) in enumerate(zip(notes, pitches, titles, strict=True)):
        row, column = divmod(number, columns)
        _draw_cycles(axes[2 * row, column], note, pitch, title)
        _draw_rainbow(axes[2 * row + 1, column], note, has_label=column == 0)
    return figure


def write_rainbowgrams(
    path: Path, notes: NDArray[np.float32], pitches: Sequence[int], titles: Sequence[str]
) -> None:
    """Write a PNG; arguments as `draw_rainbowgrams` takes them."""
    with replacing_file(path) as partial:
        draw_rainbowgrams(notes, pitches, titles).savefig(partial, dpi=90, format="png")


def rainbowgram(note: NDArray[np.float32], transform: ConstantQ | None = None) -> Picture:
    """Return the picture itself: RGB within 0..1, shape (bins, windows, 3), the lowest bin first.

    Parameters
    ----------
    note
        float32, shape (frames,), at the transform's rate.
    transform
        Which bins and windows.
    """
    from matplotlib import colormaps

    levels = (transform or ConstantQ()).transform(note)
    magnitude = np.abs(levels)
    decibels = 20.0 * np.log10(magnitude / max(float(magnitude.max()), 1e-9) + 1e-9)
    brightness = np.clip(1.0 + decibels / _RANGE_DB, 0.0, 1.0)
    colours = colormaps["hsv"](0.5 + 0.5 * phase_turns(levels))[..., :3]
    return np.asarray(colours * brightness[..., None])


def fold_cycles(
    note: NDArray[np.float32], pitch: int, count: int = _CYCLES, points: int = _POINTS
) -> Picture:
    """Cut consecutive periods of the pitch out of a note's sustain, each over its peak.

    Parameters
    ----------
    note
        float32, shape (frames,), 16 kHz; long enough for `count` periods after 0.75 s.
    pitch
        MIDI pitch whose tempered period is cut.
    count, points
        How many periods, and values of each.

    Returns
    -------
    NDArray
        float64, shape (count, points), within ±1.
    """
    period = WAVE_RATE_HZ / pitch_to_hz(pitch)
    position = _FIRST_SECONDS * WAVE_RATE_HZ + period * np.arange(count * points) / points
    values = np.interp(position, np.arange(note.size), np.asarray(note, np.float64))
    cycles = values.reshape(count, points)
    return np.asarray(cycles / np.maximum(np.abs(cycles).max(axis=1, keepdims=True), 1e-9))


def _draw_cycles(axes: Axes, note: NDArray[np.float32], pitch: int, title: str) -> None:
    from matplotlib import colormaps

    axes.set_title(title, fontsize="small")
    axes.set(xlim=(0, 1), ylim=(-1.1, 1.1))
    cycles = fold_cycles(note, pitch)
    time = (np.arange(cycles.shape[1]) + 0.5) / cycles.shape[1]
    for number, cycle in enumerate(cycles):
        colour = colormaps["viridis"](number / (len(cycles) - 1))
        axes.plot(time, cycle, color=colour, alpha=0.45, linewidth=0.8)


def _draw_rainbow(axes: Axes, note: NDArray[np.float32], *, has_label: bool) -> None:
    transform = ConstantQ()
    octaves = range(24, transform.highest_pitch, 12)
    axes.set_axis_on()
    axes.imshow(
        rainbowgram(note, transform),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(0, note.size / WAVE_RATE_HZ, transform.lowest_pitch, transform.highest_pitch),
    )
    axes.set_yticks(
        list(octaves), [f"C{pitch // 12 - 1}" for pitch in octaves] if has_label else []
    )
    axes.set_xlabel("seconds", fontsize="small")
