"""Spectrogram pictures: what a voice plays beside what it learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.audio.format import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WINDOW = 2048
_HOP = 512


def spectrogram_db(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return levels in dB against the loudest bin, shape (bins, windows)."""
    padded = np.pad(audio, _WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    magnitude = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1)).T
    decibels = 20.0 * np.log10(magnitude + 1e-6)
    return np.asarray(decibels - decibels.max(), np.float32)


def draw_spectrograms(waves: Mapping[str, NDArray[np.float32]], rate_hz: int) -> Figure:
    """Draw waveforms, float32 of shape (frames,), by title, side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(waves), 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    row = figure.subplots(1, len(waves), squeeze=False, sharey=True)[0]
    for axes, (title, wave) in zip(row, waves.items(), strict=True):
        extent = (0, wave.size / rate_hz, 0, rate_hz / 2000)
        picture = spectrogram_db(wave)
        axes.imshow(
            picture, origin="lower", aspect="auto", vmin=-80, vmax=0, extent=extent, cmap="magma"
        )
        axes.set(title=title, xlabel="s")
    row[0].set_ylabel("kHz")
    return figure


def compare_spectrograms(
    pairs: list[tuple[str, NDArray[np.float32], NDArray[np.float32]]], top_hz: float = 16000.0
) -> Figure:
    """Draw (title, source, ours) pairs, one column each; the source above.

    Drawn on a figure of its own, without pyplot, so that nothing global is kept.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(pairs), 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(pairs), squeeze=False, sharey=True)
    for column, (title, source, ours) in enumerate(pairs):
        for row, (name, audio) in enumerate((("source", source), ("voice", ours))):
            axes[row, column].imshow(
                spectrogram_db(audio),
                origin="lower",
                aspect="auto",
                vmin=-80,
                vmax=0,
                extent=(0, audio.size / SAMPLE_RATE_HZ, 0, SAMPLE_RATE_HZ / 2000),
                cmap="magma",
            )
            axes[row, column].set(title=f"{title}, {name}", ylim=(0, top_hz / 1000))
    axes[0, 0].set_ylabel("kHz")
    return figure
